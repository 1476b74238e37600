// SPDX-License-Identifier: Apache-2.0
//! Seeds of the target.

use super::*;
use crate::{BoundGetterSigned, PublicGetter, TrustedGetter, TrustedGetterSigned, bound_getter_payload};
use corpus::Target;
use offstage_primitives::AccountId32;
use sp_core::{Pair, sr25519};

#[path = "../../../../../fuzz/src/corpus.rs"]
mod corpus;

const TARGETS: &[Target] = &[("getter", getter)];

#[test]
fn seeds_hold_what_the_target_asserts() {
    corpus::replay(TARGETS);
}

#[test]
#[ignore = "rewrites fuzz/corpus"]
fn write_seeds() {
    let pair = sr25519::Pair::from_seed(&[1; 32]);
    let account = AccountId32::new(pair.public().0);
    let classic = |getter: TrustedGetter| {
        let signature = pair.sign(&getter.encode()).into();
        Getter::Trusted(TrustedGetterSigned { getter, signature }).encode()
    };
    let bound = |expires| {
        let getter = TrustedGetter::Nonce(account.clone());
        let signature = pair.sign(&bound_getter_payload(&getter, expires, &DOMAIN)).into();
        Getter::Bound(BoundGetterSigned { getter, expires, signature }).encode()
    };
    corpus::write(
        "getter",
        [
            ("public", Getter::Public(PublicGetter::SomeValue).encode()),
            ("free", classic(TrustedGetter::FreeBalance(account.clone()))),
            ("reserved", classic(TrustedGetter::ReservedBalance(account.clone()))),
            ("bound", bound(BLOCK + 10)),
            ("expired", bound(BLOCK - 1)),
        ],
    );
}
