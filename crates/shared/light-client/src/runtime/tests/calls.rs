// SPDX-License-Identifier: Apache-2.0
//! Calls by their names: what the metadata says, to the last byte, or nothing (row C26).

use super::*;
use codec::Compact;

fn live() -> VerifiedRuntime {
    runtime(&test_code(METADATA, &[]), &TestChain::properties()).unwrap()
}

fn encode(
    runtime: &VerifiedRuntime,
    (pallet, call): (&str, &str),
    arguments: &[(&str, Vec<u8>)],
) -> Result<Vec<u8>, CallError> {
    runtime.encode_call(pallet, call, arguments.iter().map(|(name, value)| (*name, &value[..])))
}

const REMARK: (&str, &str) = ("System", "remark");
const TRANSFER: (&str, &str) = ("Balances", "transfer_keep_alive");
const BATCH: (&str, &str) = ("Utility", "batch");

/// `MultiAddress::Id`.
fn account() -> Vec<u8> {
    (0u8, [8u8; 32]).encode()
}

#[test]
fn c26_a_call_is_its_index_and_its_arguments_as_they_come() {
    let runtime = live();
    let index = |(pallet, call)| runtime.call_index(pallet, call).unwrap();
    let remark = encode(&runtime, REMARK, &[("remark", b"hear".to_vec().encode())]);
    assert_eq!(remark, Ok((index(REMARK), b"hear".to_vec()).encode()));
    let arguments = [("dest", account()), ("value", Compact(7u128).encode())];
    let transfer = encode(&runtime, TRANSFER, &arguments).unwrap();
    assert_eq!(transfer, (index(TRANSFER), (0u8, [8u8; 32]), Compact(7u128)).encode());
}

#[test]
fn c26_other_names_numbers_and_orders_are_refused() {
    let runtime = live();
    let (dest, value) = (("dest", account()), ("value", Compact(7u128).encode()));
    for call in [("System", "remarks"), ("system", "remark"), ("", ""), ("Balances", "remark")] {
        assert_eq!(encode(&runtime, call, &[]), Err(CallError::NoSuchCall), "{call:?}");
    }
    let orders: [&[(&str, Vec<u8>)]; 6] = [
        &[],
        std::slice::from_ref(&dest),
        &[dest.clone(), value.clone(), value.clone()],
        &[value.clone(), dest.clone()],
        &[("to", account()), value.clone()],
        &[dest.clone(), ("amount", Compact(7u128).encode())],
    ];
    for arguments in orders {
        assert_eq!(encode(&runtime, TRANSFER, arguments), Err(CallError::OtherArguments), "{arguments:?}");
    }
}

#[test]
fn c26_what_is_not_exactly_a_value_of_the_type_is_refused() {
    let runtime = live();
    let transfer =
        |dest: Vec<u8>, value: Vec<u8>| encode(&runtime, TRANSFER, &[("dest", dest), ("value", value)]);
    let compact = Compact(u128::MAX).encode();
    assert!(transfer(account(), compact.clone()).is_ok());
    for (dest, value) in [
        // Not compact, cut short, one byte too many, nothing.
        (account(), 7u128.encode()),
        (account(), compact[..compact.len() - 1].to_vec()),
        (account(), [&compact[..], &[0]].concat()),
        (account(), vec![]),
        // A bare account, no variant of an address, an address cut short.
        (vec![8; 32], compact.clone()),
        ([vec![9], vec![8; 32]].concat(), compact.clone()),
        (account()[..32].to_vec(), compact.clone()),
        // Bytes that would be right if both were read as one.
        (account()[..32].to_vec(), [&account()[32..], &compact[..]].concat()),
        ([account(), compact.clone()].concat(), vec![]),
    ] {
        assert_eq!(transfer(dest, value), Err(CallError::OtherType));
    }
    // A length that the bytes do not have.
    for wrong in [Compact(u32::MAX).encode(), Compact(5u32).encode(), vec![], vec![3, 255]] {
        assert_eq!(encode(&runtime, REMARK, &[("remark", wrong)]), Err(CallError::OtherType));
    }
}

/// Calls within calls, and very many of them: refused within bounded time and depth of the stack.
#[test]
fn c26_deep_and_wide_arguments_are_refused_within_bounds() {
    let runtime = live();
    let index = |(pallet, call)| runtime.call_index(pallet, call).unwrap();
    let empty = (index(REMARK), 0u8).encode();
    let batch = |calls: &[Vec<u8>]| {
        let length = Compact(u32::try_from(calls.len()).unwrap()).encode();
        encode(&runtime, BATCH, &[("calls", [length, calls.concat()].concat())])
    };
    let mut nested = empty.clone();
    for depth in 0..1_000 {
        match batch(std::slice::from_ref(&nested)) {
            Ok(deeper) => nested = deeper,
            Err(error) => {
                assert!(error == CallError::OtherType && depth > 50, "{error} at {depth}");
                break;
            }
        }
        assert!(depth < 999, "there is a limit");
    }
    assert!(batch(&vec![empty.clone(); 1_000]).is_ok());
    assert_eq!(batch(&vec![empty; 40_000]), Err(CallError::OtherType));
    // A call that there is not, in a batch.
    assert_eq!(batch(&[vec![255, 255]]), Err(CallError::OtherType));
}
