// SPDX-License-Identifier: GPL-3.0-only
//! What the user reads when the node cannot go on.

use std::error::Error;

/// What to tell the user: one line, with what to do.
pub fn message(error: &sc_cli::Error) -> String {
    match error {
        sc_cli::Error::Input(text) => one_line(text),
        sc_cli::Error::NetworkKeyNotFound(path) => format!(
            "a validator needs a lasting network key, and there is none at {0}: make it with `offstage-node key \
             generate-node-key --file {0}`, or let the node make it with --unsafe-force-node-key-generation",
            path.display()
        ),
        other => one_line(&with_causes(other)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error and its causes.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Wrappers often repeat what they wrap.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let inner = std::io::Error::other("disk is\n\tfull");
        let error = sc_cli::Error::Service(sc_service::Error::Io(inner));
        assert_eq!(message(&error), "disk is full");
        assert_eq!(message(&sc_cli::Error::Input("no such\n chain".into())), "no such chain");
    }

    #[test]
    fn a_validator_without_network_key_is_told_how_to_make_one() {
        let text = message(&sc_cli::Error::NetworkKeyNotFound("/keys/node".into()));
        assert!(text.contains("--file /keys/node") && !text.contains('\n'));
    }
}
