// SPDX-License-Identifier: Apache-2.0
//! How things are written for people.

use offstage_primitives::{
    AccountId32,
    ss58::{GENERIC_PREFIX, ss58},
};

pub use offstage_primitives::ss58::account_of as address_of;

/// An account in the form that every Substrate chain reads, where no chain is known.
pub fn generic_address(account: &AccountId32) -> String {
    ss58(account, GENERIC_PREFIX)
}

/// An amount in the chain's unit, with as many decimals as it has.
pub fn amount(smallest_units: u128, decimals: u8, symbol: &str) -> String {
    let Some(unit) = 10u128.checked_pow(decimals.into()) else {
        return format!("{smallest_units} of 10^-{decimals} {symbol}");
    };
    let (whole, part) = (smallest_units / unit, smallest_units % unit);
    let digits = format!("{part:0width$}", width = usize::from(decimals));
    match digits.trim_end_matches('0') {
        "" => format!("{whole} {symbol}"),
        part => format!("{whole}.{part} {symbol}"),
    }
}

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
    fn amounts_are_written_in_the_chains_unit() {
        for (planck, decimals, text) in [
            (0, 12, "0 UNIT"),
            (1, 12, "0.000000000001 UNIT"),
            (1_500_000_000_000, 12, "1.5 UNIT"),
            (7, 0, "7 UNIT"),
            (u128::MAX, 39, "340282366920938463463374607431768211455 of 10^-39 UNIT"),
        ] {
            assert_eq!(amount(planck, decimals, "UNIT"), text);
        }
    }

    #[test]
    fn h23_a_long_text_is_cut() {
        assert_eq!(escaped(&"a".repeat(MAX_SHOWN)).chars().count(), MAX_SHOWN);
        assert_eq!(escaped(&"a".repeat(1_000_000)).chars().count(), MAX_SHOWN + 1);
    }
}
