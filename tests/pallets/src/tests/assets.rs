// SPDX-License-Identifier: Apache-2.0
//! What has value beside the shard's money.

use super::{MILLION, TestShard, three, transfer};
use crate::runtime::{AssetConversion, Assets, Runtime};
use codec::{Decode, Encode};
use frame_support::{
    instances::Instance1,
    traits::{fungibles::Inspect, tokens::fungible::NativeOrWithId},
};
use offstage_sdk::{
    frame::Shard,
    testing::{TestAccount, TestWorker},
};
use pallet_nfts::{CollectionConfig, CollectionSettings, MintSettings};

type Call = pallet_assets::Call<Runtime, Instance1>;

const ASSET: u32 = 1;

fn balance(shard: &TestShard, account: &TestAccount) -> u128 {
    shard.look(|| Assets::balance(ASSET, account.id()))
}

/// Alice makes an asset, and herself so much of it.
fn make_asset(shard: &mut TestShard, alice: &TestAccount, amount: u128) {
    shard.executes(alice, Call::create { id: ASSET, admin: alice.id().into(), min_balance: 1 });
    let named = Call::set_metadata { id: ASSET, name: b"Points".into(), symbol: b"PT".into(), decimals: 2 };
    shard.executes(alice, named);
    shard.executes(alice, mint(alice, amount));
}

fn mint(to: &TestAccount, amount: u128) -> Call {
    Call::mint { id: ASSET, beneficiary: to.id().into(), amount }
}

fn give(to: &TestAccount, amount: u128) -> Call {
    Call::transfer { id: ASSET, target: to.id().into(), amount }
}

#[test]
fn assets() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    make_asset(&mut shard, &alice, 1_000);
    // The asset's deposit, and that of its name: 10, and 1 for each of 8 bytes.
    assert_eq!(shard.reserved(&alice), 100 + 18);
    shard.executes(&alice, give(&bob, 300));
    assert_eq!((balance(&shard, &alice), balance(&shard, &bob)), (700, 300));
    shard.refuses(&bob, give(&alice, 301), "Assets.BalanceLow");
    shard.refuses(&bob, mint(&bob, 1), "Assets.NoPermission");
    // The asset keeps no account alive: who has none must have money first.
    shard.refuses(&bob, give(&charlie, 1), "Token.CannotCreate");
    shard.executes(&bob, transfer(&charlie, 1_000));
    // Somebody may take some of it.
    let approve = Call::approve_transfer { id: ASSET, delegate: charlie.id().into(), amount: 50 };
    shard.executes(&bob, approve);
    let take = |amount| Call::transfer_approved {
        id: ASSET,
        owner: bob.id().into(),
        destination: charlie.id().into(),
        amount,
    };
    shard.refuses(&charlie, take(51), "Assets.Unapproved");
    shard.executes(&charlie, take(50));
    assert_eq!((balance(&shard, &bob), balance(&shard, &charlie)), (250, 50));
    // What is frozen stays.
    shard.executes(&alice, Call::freeze { id: ASSET, who: bob.id().into() });
    shard.refuses(&bob, give(&alice, 1), "Assets.Frozen");
    shard.executes(&alice, Call::thaw { id: ASSET, who: bob.id().into() });
    shard.executes(&alice, Call::burn { id: ASSET, who: bob.id().into(), amount: 100 });
    let supply = shard.look(|| Assets::total_issuance(ASSET));
    let owned = [&alice, &bob, &charlie].map(|account| balance(&shard, account));
    assert_eq!((supply, owned), (900, [700, 150, 50]));
    // Its owner reads an entry by name, and nobody else.
    TestWorker::<Shard<Runtime>>::check_read_policy();
    let entry = [ASSET.encode(), bob.id().encode()];
    let read = |asker| shard.worker.ask_for("Assets", "Account", &entry, asker);
    let balance = read(Some(&bob)).and_then(|account| u128::decode(&mut &account[..]).ok());
    assert_eq!(balance, Some(150));
    assert_eq!([read(Some(&alice)), read(None)], [None, None]);
    let name = shard.worker.ask_for("Assets", "Metadata", &[ASSET.encode()], None);
    assert!(name.is_some_and(|name| name.windows(6).any(|bytes| bytes == b"Points")));
    shard.finish();
}

#[test]
fn nfts() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    let config = CollectionConfig {
        settings: CollectionSettings::all_enabled(),
        max_supply: Some(2),
        mint_settings: MintSettings::default(),
    };
    shard.executes(&alice, pallet_nfts::Call::create { admin: alice.id().into(), config });
    let mint = |item| pallet_nfts::Call::mint {
        collection: 0,
        item,
        mint_to: alice.id().into(),
        witness_data: None,
    };
    shard.executes(&alice, mint(1));
    shard.executes(&alice, mint(2));
    shard.refuses(&alice, mint(3), "Nfts.MaxSupplyReached");
    shard.refuses(&bob, mint(3), "Nfts.NoPermission");
    let data = b"a sword".to_vec().try_into().expect("a short text");
    shard.executes(&alice, pallet_nfts::Call::set_metadata { collection: 0, item: 1, data });
    let give = pallet_nfts::Call::transfer { collection: 0, item: 2, dest: charlie.id().into() };
    shard.executes(&alice, give.clone());
    shard.refuses(&alice, give, "Nfts.NoPermission");
    // On the market.
    let buy = |bid_price| pallet_nfts::Call::buy_item { collection: 0, item: 1, bid_price };
    shard.refuses(&bob, buy(500), "Nfts.NotForSale");
    let list =
        pallet_nfts::Call::set_price { collection: 0, item: 1, price: Some(500), whitelisted_buyer: None };
    shard.executes(&alice, list);
    shard.refuses(&bob, buy(499), "Nfts.BidTooLow");
    let before = shard.free(&alice);
    shard.executes(&bob, buy(600));
    // The seller gets the price, not the bid.
    assert_eq!((shard.free(&alice), shard.free(&bob)), (before + 500, MILLION - 500));
    let owner = |item| pallet_nfts::Pallet::<Runtime>::owner(0, item);
    assert_eq!(shard.look(|| [owner(1), owner(2)]), [Some(bob.id()), Some(charlie.id())]);
    shard.refuses(&charlie, buy(600), "Nfts.NotForSale");
    shard.finish();
}

#[test]
fn asset_conversion() {
    let [alice, bob, charlie] = three();
    let mut shard = TestShard::with(&[&alice, &bob]);
    make_asset(&mut shard, &alice, 2_000_000);
    let money = || Box::new(NativeOrWithId::Native);
    let points = || Box::new(NativeOrWithId::WithId(ASSET));
    let create = pallet_asset_conversion::Call::create_pool { asset1: money(), asset2: points() };
    shard.executes(&alice, create.clone());
    shard.refuses(&bob, create, "AssetConversion.PoolExists");
    shard.executes(
        &alice,
        pallet_asset_conversion::Call::add_liquidity {
            asset1: money(),
            asset2: points(),
            amount1_desired: 500_000,
            amount2_desired: 1_000_000,
            amount1_min: 500_000,
            amount2_min: 1_000_000,
            mint_to: alice.id(),
        },
    );
    let reserves = |shard: &TestShard| {
        let reserves = shard.look(|| AssetConversion::get_reserves(*money(), *points()));
        reserves.expect("the pool is there")
    };
    assert_eq!(reserves(&shard), (500_000, 1_000_000));
    let swap = |amount_out_min| pallet_asset_conversion::Call::swap_exact_tokens_for_tokens {
        path: vec![money(), points()],
        amount_in: 10_000,
        amount_out_min,
        send_to: bob.id(),
        keep_alive: true,
    };
    // The product of the reserves stays; 0.3 % of what comes in is the providers'.
    let (effective, reserve) = (10_000 * 997_u128, 500_000 * 1_000_u128);
    let expected = effective * 1_000_000 / (reserve + effective);
    let too_much = swap(expected + 1);
    shard.refuses(&bob, too_much, "AssetConversion.ProvidedMinimumNotSufficientForSwap");
    shard.executes(&bob, swap(expected));
    assert_eq!((shard.free(&bob), balance(&shard, &bob)), (MILLION - 10_000, expected));
    assert_eq!(reserves(&shard), (510_000, 1_000_000 - expected));
    // The provider takes all out again, but for what the pool keeps for ever, and has earned on it.
    let pool = (*money(), *points());
    let liquidity = |shard: &TestShard| {
        shard.look(|| {
            let token = pallet_asset_conversion::Pools::<Runtime>::get(&pool).expect("the pool").lp_token;
            crate::runtime::PoolAssets::balance(token, alice.id())
        })
    };
    let before = (shard.free(&alice), balance(&shard, &alice));
    let lp_token_burn = liquidity(&shard);
    shard.executes(
        &alice,
        pallet_asset_conversion::Call::remove_liquidity {
            asset1: money(),
            asset2: points(),
            lp_token_burn,
            amount1_min_receive: 500_000,
            amount2_min_receive: 1,
            withdraw_to: alice.id(),
        },
    );
    let left = reserves(&shard);
    assert_eq!((shard.free(&alice) + left.0, left.0 < 100), (before.0 + 510_000, true), "{left:?}");
    assert_eq!((balance(&shard, &alice) + left.1, left.1 < 200), (before.1 + 1_000_000 - expected, true));
    // All that there is of the asset is the users' and the pool's.
    let owned = balance(&shard, &alice) + balance(&shard, &bob) + balance(&shard, &charlie) + left.1;
    assert_eq!(shard.look(|| Assets::total_issuance(ASSET)), owned);
    shard.finish();
}
