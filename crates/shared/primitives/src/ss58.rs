// SPDX-License-Identifier: Apache-2.0
//! How an account is shown to people: ss58, with the prefix of its chain.
//!
//! Never as hexadecimal: 32 bytes in hexadecimal may be a public key or a seed, and who takes the one for the other
//! sends money to an account whose secret everybody has read.

use alloc::string::String;
use sp_core::crypto::{AccountId32, Ss58AddressFormat, Ss58Codec};

/// An account in ss58 form. `prefix` is the chain's, [`GENERIC_PREFIX`] where no chain is known; one that no address
/// can have counts as none.
pub fn ss58(account: &AccountId32, prefix: u16) -> String {
    let prefix = if prefix > MAX_PREFIX { GENERIC_PREFIX } else { prefix };
    account.to_ss58check_with_version(Ss58AddressFormat::custom(prefix))
}

/// The account of an address, whatever its prefix; `None` when the text is no address.
pub fn account_of(address: &str) -> Option<AccountId32> {
    AccountId32::from_ss58check_with_version(address).ok().map(|(account, _)| account)
}

/// The prefix of addresses that belong to no chain in particular, and that every Substrate chain reads.
pub const GENERIC_PREFIX: u16 = 42;

/// The ss58 format has 14 bits for the prefix.
pub const MAX_PREFIX: u16 = 16_383;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_the_prefix_of_its_chain() {
        let account = AccountId32::new([7; 32]);
        for prefix in [0, 13, 42, 63, 64, 16_383] {
            let text = ss58(&account, prefix);
            let read = AccountId32::from_ss58check_with_version(&text).unwrap();
            assert_eq!(read, (account.clone(), Ss58AddressFormat::custom(prefix)));
            assert_eq!(account_of(&text), Some(account.clone()));
        }
        assert_eq!(account_of("5G\u{1b}"), None);
        for impossible in [16_384, u16::MAX] {
            assert_eq!(ss58(&account, impossible), ss58(&account, GENERIC_PREFIX));
        }
    }
}
