// SPDX-License-Identifier: Apache-2.0
//! Holds `docs/src/troubleshooting.md` against the sources: each message that an operator or a user may meet has its
//! row there, and no row is about a message that is gone.
//!
//! The page names a message by its beginning, with `…` for what changes. So a message's end can be mended without the
//! page, and a new message cannot be forgotten.

use offstage_e2e::workspace::root;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Something that the page must have.
struct Message {
    /// The file that it is in.
    source: String,
    /// Its text with `…` for what changes, or the name of a code.
    text: String,
}

#[test]
fn each_message_has_its_row() {
    let rows = rows();
    let mut missing = String::new();
    for Message { source, text } in messages() {
        if !rows.iter().any(|row| names(row, &text)) {
            // Writing to a String cannot fail.
            let _ = writeln!(missing, "{source}:\n  | `{text}` | cause | what to do |");
        }
    }
    assert!(
        missing.is_empty(),
        "docs/src/troubleshooting.md lacks rows. Add them to the table where they belong (the beginning of the \
         message is enough), and say cause and remedy:\n{missing}"
    );
}

#[test]
fn each_row_is_about_a_message_that_is_there() {
    let messages = messages();
    let gone: Vec<_> =
        rows().into_iter().filter(|row| !messages.iter().any(|message| names(row, &message.text))).collect();
    assert!(
        gone.is_empty(),
        "docs/src/troubleshooting.md has rows about messages that no source has (see SOURCES in {}); remove \
         them or mend their beginning: {gone:#?}",
        file!()
    );
}

/// Whether a row is about a message: it has the message's beginning, and enough of it.
fn names(row: &str, message: &str) -> bool {
    match message.strip_prefix(row.trim_end_matches(['…', ' ', ':'])) {
        Some("") => true,
        Some(_) => row == message || row.chars().filter(|sign| sign.is_alphabetic()).count() >= ENOUGH,
        None => false,
    }
}

/// What is in backquotes in the first cell of each row of the page's tables.
fn rows() -> Vec<String> {
    let page = read("docs/src/troubleshooting.md");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(text, _)| text.to_owned()).collect()
}

fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for (path, kind) in SOURCES {
        let mut found = 0;
        for file in rust_files(&root().join(path)) {
            let source = shown(&file);
            let text =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("cannot read {source}: {error}"));
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let texts = kind.texts(code);
            found += texts.len();
            messages.extend(texts.into_iter().map(|text| Message { source: source.clone(), text }));
        }
        assert!(
            found > 0,
            "no message is found in {path} ({kind:?}); say in SOURCES of {} where they are",
            file!()
        );
    }
    messages
}

/// How messages stand in a source.
#[derive(Debug)]
enum Kind {
    /// `#[error("…")]` of an enum.
    Errors,
    /// Each text of some words, but for the log's.
    Texts,
    /// Each text of some words in the function that begins like this.
    Function(&'static str),
    /// The text that follows after each of these words.
    After(&'static str),
    /// The variants of the enum that begins like this; their names are the messages.
    Variants(&'static str),
}

impl Kind {
    fn texts(&self, code: &str) -> Vec<String> {
        let texts = match self {
            Self::Errors => {
                code.split("#[error(").skip(1).filter_map(|rest| literal(rest.trim_start())).collect()
            }
            Self::Texts => literals(&without_comments(code)),
            Self::Function(begin) => {
                code.split(begin).skip(1).flat_map(|rest| literals(body(rest))).collect()
            }
            Self::After(words) => code.split(words).skip(1).filter_map(argument).collect(),
            Self::Variants(begin) => {
                return code.split(begin).skip(1).flat_map(|rest| variants(body(rest))).collect();
            }
        };
        let texts: Vec<String> = texts;
        texts.iter().map(|text| with_gaps(text)).filter(|text| text.contains(char::is_alphabetic)).collect()
    }
}

fn without_comments(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

/// A text that is an argument by itself, or the first of `Some(…)` or `format!(…)`.
fn argument(mut rest: &str) -> Option<String> {
    loop {
        rest = rest.trim_start();
        match ["Some(", "format!(", "= "].into_iter().find_map(|word| rest.strip_prefix(word)) {
            Some(after) => rest = after,
            None => return literal(rest),
        }
    }
}

/// What is between the first `{` and its `}`. Braces in texts come in pairs.
fn body(rest: &str) -> &str {
    let Some(begin) = rest.find('{') else { return "" };
    let mut depth = 0;
    for (at, sign) in rest.char_indices().skip(begin) {
        match sign {
            '{' => depth += 1,
            '}' if depth == 1 => return &rest[begin + 1..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    &rest[begin + 1..]
}

/// The texts of some words, without those that go to the log alone.
fn literals(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = body[at..].find('"') {
        let begin = at + next;
        let Some(text) = literal(&body[begin..]) else { break };
        at = begin + raw_len(&body[begin..]);
        let statement =
            [";\n", "{\n", "}\n"].into_iter().filter_map(|end| body[..begin].rfind(end)).max().unwrap_or(0);
        if text.split_whitespace().count() >= FEW_WORDS && !body[statement..begin].contains("tracing::") {
            found.push(text);
        }
    }
    found
}

/// The value of the string literal at the beginning.
fn literal(text: &str) -> Option<String> {
    let mut signs = text.strip_prefix('"')?.chars().peekable();
    let mut value = String::new();
    loop {
        match signs.next()? {
            '"' => return Some(value),
            '\\' => match signs.next()? {
                '\n' => while signs.next_if(|sign| sign.is_whitespace()).is_some() {},
                'n' => value.push(' '),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

/// Bytes of the string literal at the beginning, its quotes included.
fn raw_len(text: &str) -> usize {
    let mut escaped = true;
    let end = text.char_indices().find(|(_, sign)| {
        let is_end = *sign == '"' && !escaped;
        // The first quote begins the literal.
        escaped = *sign == '\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The same text with `…` for each placeholder.
fn with_gaps(text: &str) -> String {
    let mut rest = text;
    let mut value = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        value.push_str(before);
        value.push('…');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    value + rest
}

/// Names of an enum's variants, one a line.
fn variants(body: &str) -> Vec<String> {
    let name = |line: &str| {
        let name: String = line.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
        let is_variant = name.starts_with(|sign: char| sign.is_ascii_uppercase());
        (is_variant && line.trim_end().ends_with(',')).then_some(name)
    };
    body.lines().filter_map(name).collect()
}

/// A file, or the files below a folder, without tests of their own.
fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| {
        panic!("{}: {error}; say in SOURCES of {} where its messages are now", path.display(), file!())
    });
    let inside = entries.map(|entry| entry.expect("an entry").path()).filter(|path| {
        path.is_dir()
            || path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs")
    });
    inside.filter(|path| !path.ends_with("tests")).flat_map(|path| rust_files(&path)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Where messages for operators and users are.
const SOURCES: &[(&str, Kind)] = &[
    // A worker's notices.
    ("crates/trusted/enclave/src/enclave/phase.rs", Kind::Function("fn notice(")),
    ("crates/trusted/enclave/src/enclave/phase.rs", Kind::Function("fn about_submission(")),
    ("crates/trusted/enclave/src/enclave/phase.rs", Kind::Function("fn about_removal(")),
    ("crates/trusted/enclave/src/enclave", Kind::After("progress.trouble =")),
    // A host's troubles.
    ("crates/worker/src/service.rs", Kind::Function("fn live(")),
    ("crates/worker/src/service.rs", Kind::Function("fn refused_by_enclave(")),
    ("crates/worker/src/service.rs", Kind::After("NO_NODE: &str")),
    ("crates/worker/src/trouble.rs", Kind::Function("fn stall(")),
    ("crates/worker/src/joining.rs", Kind::Function("fn told(")),
    // What ends a worker or a command of it.
    ("crates/worker/src/node.rs", Kind::Texts),
    ("crates/worker/src/feed.rs", Kind::Texts),
    ("crates/worker/src/data_dir.rs", Kind::Texts),
    ("crates/worker/src/enclave/process.rs", Kind::Texts),
    ("crates/worker/src/backup/restore.rs", Kind::Texts),
    ("crates/worker/src/backup.rs", Kind::Texts),
    ("crates/worker/src/backup/archive.rs", Kind::After("ensure!(is_ours,")),
    ("crates/worker/src/backup", Kind::After("DAMAGED: &str")),
    ("crates/worker/src/peer.rs", Kind::Texts),
    ("crates/worker/src/service/leaving.rs", Kind::Texts),
    ("crates/worker/src/enclave.rs", Kind::Errors),
    // What is parked, and what is refused.
    ("crates/shared/protocol/src/messages.rs", Kind::Function("impl fmt::Display for ParkedReason")),
    ("crates/shared/protocol/src/messages.rs", Kind::Variants("pub enum RefusalCode")),
    ("crates/trusted/enclave/src/store/error.rs", Kind::Errors),
    ("crates/trusted/enclave/src/host.rs", Kind::Errors),
    ("crates/trusted/enclave/src/run.rs", Kind::Errors),
    ("crates/trusted/enclave/src/methods.rs", Kind::Errors),
    ("crates/trusted/enclave/src/platform.rs", Kind::Errors),
    ("crates/trusted/enclave/src/process.rs", Kind::Errors),
    ("crates/trusted/enclave/src/provision.rs", Kind::Errors),
    ("crates/trusted/enclave/src/provision", Kind::Errors),
    ("crates/shared/attestation/src/evidence.rs", Kind::Errors),
    ("crates/shared/attestation/src/x509.rs", Kind::Errors),
    // What clients are told.
    ("crates/client/src", Kind::Errors),
    ("crates/devnet/src", Kind::Errors),
    ("crates/shared/envelope/src/seal.rs", Kind::Errors),
    ("crates/shared/primitives/src/node_url.rs", Kind::Function("impl fmt::Display for NodeUrlError")),
    ("crates/trusted/enclave/src/view.rs", Kind::Errors),
    ("crates/shared/primitives/src/rpc/answers.rs", Kind::Variants("pub enum ErrorCode")),
    // What the chain says.
    ("chain/pallets/enclave-bridge/src/lib.rs", Kind::Variants("pub enum Error<T>")),
    ("chain/pallets/teerex/src/lib.rs", Kind::Variants("pub enum Error<T>")),
];

/// What has fewer words is a part of a message.
const FEW_WORDS: usize = 5;

/// Letters that the beginning of a message needs to name it.
const ENOUGH: usize = 9;

#[test]
fn messages_are_read_as_they_are_written() {
    let code = concat!(
        "#[error(\"a {b} \\\"c\\\" \\\n    d\")]\nE,\n#[error(transparent)]\n",
        "#[error(\n    \"e {x:?}: {y}\",\n y = 1)]"
    );
    assert_eq!(Kind::Errors.texts(code), ["a … \"c\" d", "e …: …"]);
    let code = concat!(
        "fn f() {\n  if x { return Some(\"one two three four five\".into()); }\n",
        "  tracing::info!(\"not this one, it is logged\");\n  g(format!(\"{a} is six seven eight\"));\n",
        "}\n\"these are words of another function\""
    );
    assert_eq!(Kind::Function("fn f(").texts(code), ["one two three four five", "… is six seven eight"]);
    let code = "x.trouble =\n    Some(\"p\".into()); x.trouble = Some(format!(\"q {r}\")); x.trouble = told;";
    assert_eq!(Kind::After("x.trouble =").texts(code), ["p", "q …"]);
    assert_eq!(
        Kind::Variants("enum E").texts("enum E {\n /// Doc,\n #[codec(index = 1)]\n A,\n B(u8),\n}"),
        ["A", "B"]
    );
    assert!(names("a longer text", "a longer text … b") && names("x …", "x …"));
    assert!(!names("a b", "a b … c") && !names("another text", "a text"));
}
