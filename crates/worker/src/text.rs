// SPDX-License-Identifier: Apache-2.0
//! How things are written for people.

/// A text from elsewhere (the chain, a node, a peer) on one line, without characters that command a terminal or forge a
/// line of the log: they are shown as `\u{1b}`. It is cut at [`MAX_SHOWN`] characters.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_SHOWN));
    for (count, character) in text.chars().enumerate() {
        if count == MAX_SHOWN {
            shown.push('…');
            break;
        }
        if commands(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters, line separators, and marks that turn the direction of writing around.
fn commands(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// A text from elsewhere is shown up to this many characters.
pub const MAX_SHOWN: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h23_a_text_from_elsewhere_commands_no_terminal_and_forges_no_line() {
        let url = "wss://x\u{1b}[2J\u{9b}31m\r\nINFO funded\u{202e}\u{2028}\0";
        let shown = escaped(url);
        assert_eq!(shown, r"wss://x\u{1b}[2J\u{9b}31m\u{d}\u{a}INFO funded\u{202e}\u{2028}\u{0}");
        assert!(!shown.contains(commands));
        assert_eq!(escaped("wss://bücher.example:2000/ö"), "wss://bücher.example:2000/ö");
    }

    #[test]
    fn h23_a_long_text_is_cut() {
        assert_eq!(escaped(&"a".repeat(MAX_SHOWN)).chars().count(), MAX_SHOWN);
        assert_eq!(escaped(&"a".repeat(1_000_000)).chars().count(), MAX_SHOWN + 1);
    }
}
