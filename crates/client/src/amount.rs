// SPDX-License-Identifier: Apache-2.0
//! Amounts as people type them: whole numbers of the chain's smallest unit.

use thiserror::Error;

/// Reads an amount in the chain's smallest unit (planck). Underscores may group the digits: `50_000_000_000`.
///
/// # Errors
/// [`AmountError`], which says what an amount looks like.
pub fn parse_amount(text: &str) -> Result<u128, AmountError> {
    if text.contains(['.', ',']) {
        return Err(AmountError::Fraction);
    }
    if text.starts_with('-') {
        return Err(AmountError::Negative);
    }
    let digits: String = text.chars().filter(|character| *character != '_').collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    digits.parse().map_err(|_| AmountError::TooLarge)
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// A decimal point or comma.
    #[error(
        "amounts are whole numbers of the chain's smallest unit: write 1.5 units of 12 decimals as 1500000000000"
    )]
    Fraction,
    /// A minus sign.
    #[error("amounts cannot be negative")]
    Negative,
    /// Anything but digits.
    #[error(
        "not a number: amounts are whole numbers of the chain's smallest unit, for example 50_000_000_000"
    )]
    NotANumber,
    /// More than 128 bits.
    #[error("larger than the largest amount that a chain can hold, 2^128 - 1")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_and_groups_are_read() {
        assert_eq!(parse_amount("50_000_000_000"), Ok(50_000_000_000));
        assert_eq!(parse_amount("0"), Ok(0));
        assert_eq!(parse_amount(&u128::MAX.to_string()), Ok(u128::MAX));
    }

    #[test]
    fn everything_else_says_why() {
        for (text, error) in [
            ("", AmountError::NotANumber),
            ("_", AmountError::NotANumber),
            ("+5", AmountError::NotANumber),
            ("0x10", AmountError::NotANumber),
            ("1e9", AmountError::NotANumber),
            ("1.5", AmountError::Fraction),
            ("1,000", AmountError::Fraction),
            ("-1", AmountError::Negative),
            ("340282366920938463463374607431768211456", AmountError::TooLarge),
        ] {
            assert_eq!(parse_amount(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_round_trips(amount: u128) {
            prop_assert_eq!(parse_amount(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = parse_amount(&text);
        }
    }
}
