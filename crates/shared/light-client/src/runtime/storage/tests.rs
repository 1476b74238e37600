// SPDX-License-Identifier: Apache-2.0
//! What a caller believes, against the metadata of live chains.

use super::*;
use crate::{
    VerifiedRuntime,
    testing::{LIVE_METADATA, TestChain, test_code},
};
use offstage_primitives::AccountId32;
use scale_info::TypeInfo;
use sp_core::H256;
use std::sync::Arc;

fn live(metadata: &[u8]) -> Arc<VerifiedRuntime> {
    TestChain::with(crate::testing::validators(1, 1), &test_code(metadata, &[]), &[]).runtime().clone()
}

fn value<V: TypeInfo + 'static>(pallet: &str, item: &str) -> ExpectedItem {
    ExpectedItem::new(pallet, item, &[], &[], &MetaType::new::<V>())
}

fn entry<K: TypeInfo + 'static, V: TypeInfo + 'static>(
    pallet: &str,
    item: &str,
    hasher: &str,
) -> ExpectedItem {
    ExpectedItem::new(pallet, item, &[hasher], &[MetaType::new::<K>()], &MetaType::new::<V>())
}

/// As frame-system and pallet-balances have it.
#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its type is used")]
struct AccountInfo<Data> {
    nonce: u32,
    consumers: u32,
    providers: u32,
    sufficients: u32,
    data: Data,
}

#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its type is used")]
struct AccountData {
    free: u128,
    reserved: u128,
    frozen: u128,
    flags: ExtraFlags,
}

#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its type is used")]
struct ExtraFlags(u128);

/// As it was before: four numbers of the same length.
#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its type is used")]
struct FormerAccountData {
    free: u128,
    reserved: u128,
    misc_frozen: u128,
    fee_frozen: u128,
}

#[test]
fn h25_what_live_chains_have_is_what_their_pallets_say() {
    for (chain, metadata) in LIVE_METADATA {
        let runtime = live(metadata);
        assert!(runtime.has_storage(&value::<u64>("Timestamp", "Now")), "{chain}");
        let account = entry::<AccountId32, AccountInfo<AccountData>>("System", "Account", "Blake2_128Concat");
        assert!(runtime.has_storage(&account), "{chain}");
        // Wrappers and names of types do not count.
        let key = entry::<H256, AccountInfo<AccountData>>("System", "Account", "Blake2_128Concat");
        assert!(runtime.has_storage(&key), "{chain}");
    }
}

#[test]
fn h25_another_name_hasher_key_or_type_is_another_item() {
    let runtime = live(LIVE_METADATA[0].1);
    let now = |item: &ExpectedItem| runtime.has_storage(item);
    assert!(now(&value::<u64>("Timestamp", "Now")));
    for wrong in [
        value::<u64>("Timestamps", "Now"),
        value::<u64>("Timestamp", "Then"),
        value::<u32>("Timestamp", "Now"),
        value::<i64>("Timestamp", "Now"),
        value::<(u64, u64)>("Timestamp", "Now"),
        value::<[u8; 8]>("Timestamp", "Now"),
        value::<codec::Compact<u64>>("Timestamp", "Now"),
        value::<Option<u64>>("Timestamp", "Now"),
        entry::<u32, u64>("Timestamp", "Now", "Identity"),
        // A map without its key, with another, with another hasher, with one key too many.
        value::<AccountInfo<AccountData>>("System", "Account"),
        entry::<u64, AccountInfo<AccountData>>("System", "Account", "Blake2_128Concat"),
        entry::<AccountId32, AccountInfo<AccountData>>("System", "Account", "Twox64Concat"),
        ExpectedItem::new(
            "System",
            "Account",
            &["Blake2_128Concat", "Blake2_128Concat"],
            &[MetaType::new::<AccountId32>(), MetaType::new::<AccountId32>()],
            &MetaType::new::<AccountInfo<AccountData>>(),
        ),
        // The same bytes with another meaning.
        entry::<AccountId32, AccountInfo<FormerAccountData>>("System", "Account", "Blake2_128Concat"),
        entry::<AccountId32, AccountInfo<[u128; 4]>>("System", "Account", "Blake2_128Concat"),
    ] {
        assert!(!runtime.has_storage(&wrong), "{}.{}: {wrong:?}", wrong.pallet, wrong.item);
    }
}

/// Types that hold themselves come to an end, and so do types that never repeat.
#[test]
fn types_without_end_are_compared_within_bounds() {
    #[derive(TypeInfo)]
    #[expect(dead_code, reason = "only its type is used")]
    struct List(u8, Option<Box<List>>);
    #[derive(TypeInfo)]
    #[expect(dead_code, reason = "only its type is used")]
    struct Loop(Box<Loop>);
    let types = |of: MetaType| {
        let mut registry = Registry::new();
        let id = registry.register_type(&of).id;
        (Types::new(registry.into()), id)
    };
    let (list, id) = types(MetaType::new::<List>());
    let entry = StorageEntry { hashers: Vec::new(), key: None, value: id };
    assert!(value::<List>("", "").fits(&entry, &list));
    assert!(!value::<Loop>("", "").fits(&entry, &list));
    let (endless, id) = types(MetaType::new::<Loop>());
    let entry = StorageEntry { hashers: Vec::new(), key: None, value: id };
    assert!(!value::<List>("", "").fits(&entry, &endless));
    // A chain's registry in which each type holds the next one twice, and the last one the first.
    let count = 5_000u32;
    let tuples = (0..count).map(|at| {
        let next = (at + 1) % count;
        scale_info::TypeDefTuple::new_portable(vec![next.into(), next.into()]).into()
    });
    let tuples = (0..).zip(tuples).map(|(id, ty)| scale_info::PortableType::new(id, ty)).collect();
    let wide = Types::new(PortableRegistry { types: tuples });
    #[derive(Clone)]
    struct Twice;
    impl TypeInfo for Twice {
        type Identity = Self;
        fn type_info() -> scale_info::Type {
            scale_info::TypeDefTuple::new([MetaType::new::<Twice>(), MetaType::new::<Twice>()]).into()
        }
    }
    let entry = StorageEntry { hashers: Vec::new(), key: None, value: 0 };
    assert!(!value::<Twice>("", "").fits(&entry, &wide));
}
