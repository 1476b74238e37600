// SPDX-License-Identifier: Apache-2.0
//! Texts from elsewhere on a terminal.
//!
//! # Threats
//! Names and URLs on a chain, and what workers and nodes say, are written by strangers. Control characters command a
//! terminal; characters that turn the direction of writing, or that do not show, make a text look like another
//! (threat model H23).

/// The text on one line, with everything that is not plainly visible escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            _ if character.is_control() || is_invisible(character) => {
                shown.extend(character.escape_unicode())
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Format characters of Unicode (category Cf) and the separators of lines and paragraphs.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(
        u32::from(character),
        0xad | 0x600..=0x605
            | 0x61c
            | 0x6dd
            | 0x70f
            | 0x8e2
            | 0x180e
            | 0x200b..=0x200f
            | 0x2028..=0x202e
            | 0x2060..=0x206f
            | 0xfeff
            | 0xfff9..=0xfffb
            | 0xe0000..=0xe0fff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn h23_what_strangers_write_cannot_command_the_terminal() {
        assert_eq!(printable("wss://x\x1b[2J\u{9b}31m"), "wss://x\\u{1b}[2J\\u{9b}31m");
        assert_eq!(printable("one\ntwo\tthree\r"), "one two three ");
        // Written from right to left, the first would look like `evil.example`.
        assert_eq!(printable("\u{202e}elpmaxe.live"), "\\u{202e}elpmaxe.live");
        assert_eq!(printable("a\u{200b}b\u{2028}c"), "a\\u{200b}b\\u{2028}c");
        assert_eq!(printable("Zürich, 東京"), "Zürich, 東京");
    }

    proptest! {
        #[test]
        fn h23_nothing_invisible_is_left(text in "\\PC*|[\u{0}-\u{2fff}]*") {
            let shown = printable(&text);
            prop_assert!(!shown.chars().any(|character| character.is_control() || is_invisible(character)));
            prop_assert_eq!(printable(&shown), shown);
        }
    }
}
