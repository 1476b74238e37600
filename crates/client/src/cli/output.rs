// SPDX-License-Identifier: Apache-2.0
//! What commands print as results: for people, or as JSON for programs.
//!
//! A result is made in both forms at once, and nothing else can be printed to stdout
//! ([`Terminal::print`](super::terminal::Terminal::print)). So there is no command that forgets `--output json`.

use crate::{
    printable::{is_invisible, printable},
    shard_runtime::{Shown, number, render},
};
use clap::ValueEnum;
use serde_json::Value as Json;

/// The form of what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// One line of JSON for each result
    Json,
}

/// A result, in both forms.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Printed {
    /// `None`: there is nothing for people to read, as of an empty list.
    text: Option<String>,
    json: Json,
}

impl Printed {
    /// A text, and what programs read instead of it.
    pub(super) fn new(text: impl Into<String>, json: Json) -> Self {
        Self { text: Some(text.into()), json }
    }

    /// The same text for both.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { json: Json::String(text.clone()), text: Some(text) }
    }

    /// A number: in JSON as text, where it is too large for most programs.
    pub(super) fn number(value: impl Into<u128>) -> Self {
        let value = value.into();
        Self { text: Some(value.to_string()), json: number(value) }
    }

    /// A decoded value of a runtime.
    pub(super) fn value(value: Shown) -> Self {
        // A runtime's texts are its users'.
        let lines: Vec<String> = render(&value).lines().map(printable).collect();
        Self { text: Some(lines.join("\n")), json: value.0 }
    }

    /// A line for each, and a list in JSON.
    pub(super) fn list(all: impl IntoIterator<Item = (String, Json)>) -> Self {
        let (lines, values): (Vec<String>, Vec<Json>) = all.into_iter().unzip();
        Self { text: (!lines.is_empty()).then(|| lines.join("\n")), json: Json::Array(values) }
    }

    /// A text on each line, and a list of texts in JSON.
    pub(super) fn lines(all: impl IntoIterator<Item = String>) -> Self {
        Self::list(all.into_iter().map(|line| (line.clone(), Json::String(line))))
    }

    /// What is to be printed, if there is something.
    pub(super) fn in_form(&self, output: Output) -> Option<String> {
        match output {
            Output::Text => self.text.clone(),
            Output::Json => Some(escaped(&self.json.to_string())),
        }
    }
}

/// The same JSON without anything that would command a terminal, or that does not show (threat model H23). Such signs
/// stand in texts alone, where each may be written by its number.
fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for sign in json.chars() {
        if sign.is_control() || is_invisible(sign) {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(sign);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn forms(printed: &Printed) -> (Option<String>, Json) {
        let json = printed.in_form(Output::Json).unwrap();
        assert!(!json.contains('\n'), "one line: {json}");
        (printed.in_form(Output::Text), serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn h23_strangers_texts_do_not_command_a_terminal_as_json_either() {
        let text = "x\u{1b}[2J\u{9b}31m\u{202e}\u{e0001}";
        for printed in [Printed::text(text), Printed::value(Shown(json!(text)))] {
            let line = printed.in_form(Output::Json).unwrap();
            assert!(!line.chars().any(|sign| sign.is_control() || is_invisible(sign)), "{line}");
            assert_eq!(serde_json::from_str::<Json>(&line).unwrap(), json!(text));
        }
        let shown = Printed::value(Shown(json!(text))).in_form(Output::Text).unwrap();
        assert!(!shown.chars().any(|sign| sign.is_control() || is_invisible(sign)), "{shown}");
    }

    #[test]
    fn each_result_is_one_line_of_json() {
        let two_lines = "a\n\"b\"\u{1b}";
        for (printed, text, value) in [
            (Printed::text(two_lines), Some(two_lines), json!(two_lines)),
            (Printed::number(7u32), Some("7"), json!(7)),
            (
                Printed::number(u128::MAX),
                Some("340282366920938463463374607431768211455"),
                json!(u128::MAX.to_string()),
            ),
            (Printed::lines(["a".into(), "b".into()]), Some("a\nb"), json!(["a", "b"])),
            (Printed::lines([]), None, json!([])),
            (Printed::value(Shown(json!({ "a": 1 }))), Some("{\n  \"a\": 1\n}"), json!({ "a": 1 })),
            (
                Printed::new("for people", json!({ "for": "programs" })),
                Some("for people"),
                json!({ "for": "programs" }),
            ),
        ] {
            assert_eq!(forms(&printed), (text.map(str::to_owned), value));
        }
    }
}
