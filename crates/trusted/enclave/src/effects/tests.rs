// SPDX-License-Identifier: Apache-2.0
//! A call is what the metadata says, or nothing.

use super::*;
use codec::{Compact, Decode};
use offstage_light_client::testing::{METADATA, TestChain, test_code, validators, with_execute_for_shard};

fn runtime(metadata: &[u8]) -> Arc<VerifiedRuntime> {
    TestChain::with(validators(1, 1), &test_code(metadata, &[]), &[]).runtime().clone()
}

fn argument(name: &str, value: impl Encode) -> Argument {
    Argument { name: name.into(), value: value.encode() }
}

#[test]
fn c26_a_call_is_encoded_as_the_pallet_takes_it() {
    let runtime = runtime(&with_execute_for_shard(METADATA));
    let call = ShardCall {
        shard: [5; 32].into(),
        call_hash: H256::repeat_byte(4),
        until: 300,
        pallet: "Balances".into(),
        call: "transfer_keep_alive".into(),
        arguments: vec![argument("dest", (0u8, [8u8; 32])), argument("value", Compact(7u128))],
    };
    let encoded = call.encode(&runtime).unwrap();
    let (index, shard, call_hash, until, inner) =
        <([u8; 2], [u8; 32], [u8; 32], u32, Vec<u8>)>::decode(&mut &encoded[..]).unwrap();
    assert_eq!((index[0], shard, call_hash, until), (54, [5; 32], [4; 32], 300));
    let (pallet, variant) = runtime.call_index("Balances", "transfer_keep_alive").unwrap();
    assert_eq!(inner, (pallet, variant, 0u8, [8u8; 32], Compact(7u128)).encode());
}

#[test]
fn c26_what_the_metadata_does_not_say_is_no_call() {
    let calls = ProvenCalls(runtime(&with_execute_for_shard(METADATA)));
    let good = argument("remark", vec![1u8, 2]);
    let check = |pallet: &str, call: &str, arguments: &[Argument]| calls.check(pallet, call, arguments);
    assert_eq!(check("System", "remark", std::slice::from_ref(&good)), Ok(()));
    assert_eq!(check("Sistem", "remark", std::slice::from_ref(&good)), Err(Unfit::NoSuchCall));
    assert_eq!(check("System", "mark", std::slice::from_ref(&good)), Err(Unfit::NoSuchCall));
    assert_eq!(check("System", "remark", &[]), Err(Unfit::OtherArguments));
    assert_eq!(check("System", "remark", &[good.clone(), good.clone()]), Err(Unfit::OtherArguments));
    assert_eq!(check("System", "remark", &[argument("text", vec![1u8])]), Err(Unfit::OtherArguments));
    let trailing = Argument { value: [&good.value[..], &[0]].concat(), ..good.clone() };
    let short = Argument { value: good.value[..2].to_vec(), ..good.clone() };
    for wrong in [trailing, short] {
        assert_eq!(check("System", "remark", &[wrong]), Err(Unfit::OtherType));
    }
    let without = ProvenCalls(runtime(METADATA));
    assert_eq!(without.check("System", "remark", &[good]), Err(Unfit::NoGuard));
}
