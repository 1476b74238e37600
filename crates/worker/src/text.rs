// SPDX-License-Identifier: Apache-2.0
//! How things are written for people.

/// An account in its generic text form.
pub fn ss58(account: &offstage_primitives::AccountId32) -> String {
    use sp_core::crypto::{Ss58AddressFormat, Ss58Codec};
    account.to_ss58check_with_version(Ss58AddressFormat::custom(42))
}
