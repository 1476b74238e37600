// SPDX-License-Identifier: Apache-2.0
//! # The words of confidential balances
//!
//! Calls and getters of the default business logic (wire.md, "Calls and getters of the default logic"). The logic
//! executes and answers them; clients compose them. They are a crate of their own so that a client does not link the
//! logic, and no crate below the logic knows its words.
//!
//! ## Threats
//! Everything here is decoded from what strangers send, with the bounds of [`offstage_primitives::bounded`]. A
//! signature is good in one [`Domain`](trusted::Domain) only in the bound form; the classic form of a getter is good
//! for ever, for whoever captured it.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::disallowed_methods
    )
)]

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

use codec::{Decode, Encode};
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    trusted::{self, TrustedOperation},
};

pub use offstage_primitives::trusted::{
    BoundGetterSigned, MAX_GETTER_LIFETIME, TrustedGetterSigned, bound_getter_payload,
};

/// What an account may ask the shard to do. The first account of a variant is its sender.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TrustedCall {
    /// Nothing, but it uses up a nonce.
    #[codec(index = 0)]
    Noop(AccountId32),
    /// Sets the time, in milliseconds. Internal: never accepted from users.
    #[codec(index = 1)]
    TimestampSet(AccountId32, u64),
    /// Moves `amount` from the first account to the second.
    #[codec(index = 2)]
    BalanceTransfer(AccountId32, AccountId32, u128),
    /// Burns `amount` of the first account and pays it out to the second on the parentchain, from the shard's funds.
    #[codec(index = 3)]
    BalanceUnshield(AccountId32, AccountId32, u128, ShardIdentifier),
    /// Credits an account with what was paid in on the parentchain. Internal: never accepted from users.
    #[codec(index = 4)]
    BalanceShield(AccountId32, AccountId32, u128),
    /// Sets an account's free and reserved balance. Accepted on development chains only.
    #[codec(index = 255)]
    BalanceSetBalance(AccountId32, AccountId32, u128, u128),
}

impl trusted::TrustedCall for TrustedCall {
    fn sender(&self) -> Option<&AccountId32> {
        match self {
            Self::Noop(sender)
            | Self::BalanceTransfer(sender, ..)
            | Self::BalanceUnshield(sender, ..)
            | Self::BalanceSetBalance(sender, ..) => Some(sender),
            Self::TimestampSet(..) | Self::BalanceShield(..) => None,
        }
    }
}

/// A question to a worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Getter {
    /// Answered to everybody.
    #[codec(index = 0)]
    Public(PublicGetter),
    /// Answered to the account that it is about.
    #[codec(index = 1)]
    Trusted(TrustedGetterSigned<TrustedGetter>),
    /// Answered to the account that it is about, in one place and for a while.
    #[codec(index = 2)]
    Bound(BoundGetterSigned<TrustedGetter>),
}

/// A question that everybody may ask.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum PublicGetter {
    /// 42, as a `u32`.
    #[codec(index = 0)]
    SomeValue,
}

/// A question that only an account's owner may ask.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TrustedGetter {
    /// The free balance, as a `u128`.
    #[codec(index = 0)]
    FreeBalance(AccountId32),
    /// The reserved balance, as a `u128`.
    #[codec(index = 1)]
    ReservedBalance(AccountId32),
    /// The nonce of the account's next call, as a `u32`.
    #[codec(index = 2)]
    Nonce(AccountId32),
}

impl trusted::TrustedGetter for TrustedGetter {
    fn nonce(account: AccountId32) -> Self {
        Self::Nonce(account)
    }

    fn sender(&self) -> &AccountId32 {
        match self {
            Self::FreeBalance(account) | Self::ReservedBalance(account) | Self::Nonce(account) => account,
        }
    }
}

impl trusted::Getter for Getter {
    type Trusted = TrustedGetter;

    fn bound(signed: BoundGetterSigned<TrustedGetter>) -> Self {
        Self::Bound(signed)
    }
}

/// The default business logic's operation.
pub type BalancesOperation = TrustedOperation<TrustedCall, Getter>;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{BlockHash, Measurement};
    use offstage_primitives::{
        H256, MultiSignature,
        trusted::{BoundCallSigned, Domain, TrustedCallSigned, bound_call_payload, call_payload},
    };
    use sp_core::{Pair, ecdsa, ed25519, sr25519};

    type Signer = (AccountId32, Box<dyn Fn(&[u8]) -> MultiSignature>);

    const DOMAIN: Domain = Domain {
        genesis_hash: BlockHash::new([1; 32]),
        measurement: Measurement([3; 32]),
        shard: ShardIdentifier(H256([4; 32])),
    };

    /// Domains that differ from [`DOMAIN`] in one part each.
    fn other_domains() -> [Domain; 3] {
        [
            Domain { genesis_hash: BlockHash::new([9; 32]), ..DOMAIN },
            Domain { measurement: Measurement([9; 32]), ..DOMAIN },
            Domain { shard: ShardIdentifier(H256([9; 32])), ..DOMAIN },
        ]
    }

    #[test]
    fn indices_are_those_of_the_wire() {
        let a = AccountId32::new([1; 32]);
        let shard = ShardIdentifier::from([2; 32]);
        for (call, index) in [
            (TrustedCall::Noop(a.clone()), 0),
            (TrustedCall::TimestampSet(a.clone(), 0), 1),
            (TrustedCall::BalanceTransfer(a.clone(), a.clone(), 1), 2),
            (TrustedCall::BalanceUnshield(a.clone(), a.clone(), 1, shard), 3),
            (TrustedCall::BalanceShield(a.clone(), a.clone(), 1), 4),
            (TrustedCall::BalanceSetBalance(a.clone(), a.clone(), 1, 1), 255),
        ] {
            assert_eq!(call.encode()[0], index);
        }
        assert_eq!(Getter::Public(PublicGetter::SomeValue).encode(), [0, 0]);
        assert_eq!(TrustedGetter::Nonce(a).encode()[0], 2);
    }

    /// Each scheme, bare and wrapped, verifies; another nonce, shard or measurement does not.
    #[test]
    fn a_call_is_bound_to_nonce_measurement_and_shard() {
        let (measurement, shard) = (Measurement([3; 32]), ShardIdentifier::from([4; 32]));
        let sr = sr25519::Pair::from_seed(&[1; 32]);
        let ed = ed25519::Pair::from_seed(&[2; 32]);
        let ec = ecdsa::Pair::from_seed(&[3; 32]);
        let ec_account = AccountId32::new(sp_crypto_hashing::blake2_256(ec.public().as_ref()));
        let signers: [Signer; 3] = [
            (AccountId32::new(sr.public().0), Box::new(move |m| sr.sign(m).into())),
            (AccountId32::new(ed.public().0), Box::new(move |m| ed.sign(m).into())),
            (ec_account, Box::new(move |m| ec.sign(m).into())),
        ];
        for (sender, sign) in &signers {
            let call = TrustedCall::Noop(sender.clone());
            let payload = call_payload(&call, 7, &measurement, &shard);
            for message in [payload.clone(), [b"<Bytes>", &payload[..], b"</Bytes>"].concat()] {
                let signed = TrustedCallSigned { call: call.clone(), nonce: 7, signature: sign(&message) };
                assert!(signed.verify(&measurement, &shard));
                assert!(!TrustedCallSigned { nonce: 8, ..signed.clone() }.verify(&measurement, &shard));
                assert!(!signed.verify(&Measurement([0; 32]), &shard));
                assert!(!signed.verify(&measurement, &[0; 32].into()));
                let other = TrustedCall::Noop(AccountId32::new([9; 32]));
                assert!(!TrustedCallSigned { call: other, ..signed }.verify(&measurement, &shard));
            }
        }
    }

    #[test]
    fn a_bound_call_is_bound_to_domain_nonce_and_expiry() {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let call = TrustedCall::Noop(AccountId32::new(pair.public().0));
        let payload = bound_call_payload(&call, 7, 100, &DOMAIN);
        let signed = BoundCallSigned {
            call: call.clone(),
            nonce: 7,
            expires: 100,
            signature: pair.sign(&payload).into(),
        };
        assert!(signed.verify(&DOMAIN));
        assert!(other_domains().iter().all(|other| !signed.verify(other)));
        assert!(!BoundCallSigned { nonce: 8, ..signed.clone() }.verify(&DOMAIN));
        assert!(!BoundCallSigned { expires: 101, ..signed.clone() }.verify(&DOMAIN));
        assert!(!signed.is_expired(100) && signed.is_expired(101));
        // A signature of one form is none of the other.
        let classic = pair.sign(&call_payload(&call, 7, &DOMAIN.measurement, &DOMAIN.shard)).into();
        assert!(!BoundCallSigned { signature: classic, ..signed.clone() }.verify(&DOMAIN));
        let as_classic = TrustedCallSigned { call, nonce: 7, signature: signed.signature };
        assert!(!as_classic.verify(&DOMAIN.measurement, &DOMAIN.shard));
    }

    #[test]
    fn a_bound_getter_is_good_in_its_domain_for_a_while() {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let getter = TrustedGetter::FreeBalance(AccountId32::new(pair.public().0));
        let signed = |expires| BoundGetterSigned {
            getter: getter.clone(),
            expires,
            signature: pair.sign(&bound_getter_payload(&getter, expires, &DOMAIN)).into(),
        };
        assert!(signed(100).verify(&DOMAIN, 100));
        assert!(!signed(100).verify(&DOMAIN, 101));
        assert!(signed(100 + MAX_GETTER_LIFETIME).verify(&DOMAIN, 100));
        assert!(!signed(101 + MAX_GETTER_LIFETIME).verify(&DOMAIN, 100), "it would last too long");
        assert!(other_domains().iter().all(|other| !signed(100).verify(other, 100)));
        let later = BoundGetterSigned { expires: 101, ..signed(100) };
        assert!(!later.verify(&DOMAIN, 101));
        let classic = BoundGetterSigned { signature: pair.sign(&getter.encode()).into(), ..signed(100) };
        assert!(!classic.verify(&DOMAIN, 100));
        assert!(!TrustedGetterSigned { getter: getter.clone(), signature: signed(100).signature }.verify());
        let another = TrustedGetter::FreeBalance(AccountId32::new([9; 32]));
        assert!(!BoundGetterSigned { getter: another, ..signed(100) }.verify(&DOMAIN, 100));
    }

    #[test]
    fn internal_calls_have_no_sender() {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let call = TrustedCall::TimestampSet(AccountId32::new(pair.public().0), 1);
        let shard = ShardIdentifier::from([0; 32]);
        let signature = pair.sign(&call_payload(&call, 0, &Measurement([0; 32]), &shard)).into();
        assert!(!TrustedCallSigned { call, nonce: 0, signature }.verify(&Measurement([0; 32]), &shard));
    }
}
