// SPDX-License-Identifier: Apache-2.0
//! Who is who. The council appoints a registrar, and he judges what somebody says of herself.

use super::{MILLION, TestShard, governance::ballot, three};
use crate::runtime::Runtime;
use codec::Encode;
use frame_support::traits::ConstU32;
use offstage_sdk::testing::TestAccount;
use pallet_identity::{Data, Judgement, legacy::IdentityInfo};
use sp_crypto_hashing::blake2_256;

fn info(name: &[u8]) -> IdentityInfo<ConstU32<10>> {
    IdentityInfo {
        additional: Default::default(),
        display: Data::Raw(name.to_vec().try_into().expect("a short name")),
        legal: Data::None,
        web: Data::None,
        riot: Data::None,
        email: Data::None,
        pgp_fingerprint: None,
        image: Data::None,
        twitter: Data::None,
    }
}

#[test]
fn identity() {
    let [alice, bob, charlie] = three();
    let (registrar, user) = (TestAccount::named("Dave"), TestAccount::named("Eve"));
    let mut shard = TestShard::with(&[&user, &bob, &registrar]);
    let appoint = pallet_identity::Call::add_registrar { account: registrar.id().into() };
    shard.refuses(&registrar, appoint.clone(), "BadOrigin");
    ballot(&mut shard, &[&alice, &charlie], appoint);
    shard.executes(&registrar, pallet_identity::Call::set_fee { index: 0, fee: 50 });
    // What somebody says of herself, and the registrar's word on it.
    let said = info(b"Eve");
    shard.executes(&user, pallet_identity::Call::set_identity { info: Box::new(said.clone()) });
    let deposit = shard.reserved(&user);
    assert!(deposit > 1_000);
    let request = |max_fee| pallet_identity::Call::request_judgement { reg_index: 0, max_fee };
    shard.refuses(&user, request(49), "Identity.FeeChanged");
    shard.executes(&user, request(50));
    assert_eq!(shard.reserved(&user), deposit + 50);
    let judge = |identity: [u8; 32]| pallet_identity::Call::provide_judgement {
        reg_index: 0,
        target: user.id().into(),
        judgement: Judgement::Reasonable,
        identity: identity.into(),
    };
    shard.refuses(&bob, judge(said.using_encoded(blake2_256)), "Identity.InvalidIndex");
    let other = judge(info(b"Mallory").using_encoded(blake2_256));
    shard.refuses(&registrar, other, "Identity.JudgementForDifferentIdentity");
    shard.executes(&registrar, judge(said.using_encoded(blake2_256)));
    assert_eq!((shard.free(&registrar), shard.reserved(&user)), (MILLION + 50, deposit));
    let judged = shard.look(|| pallet_identity::IdentityOf::<Runtime>::get(user.id())).expect("it is there");
    assert_eq!(judged.judgements.to_vec(), [(0, Judgement::Reasonable)]);
    assert_eq!(judged.info, said);
    shard.executes(&user, pallet_identity::Call::clear_identity {});
    assert_eq!((shard.free(&user), shard.reserved(&user)), (MILLION - 50, 0));
    shard.finish();
}
