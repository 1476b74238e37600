// SPDX-License-Identifier: Apache-2.0
//! The price of bytes, and how prices follow the load (threat model P10).

use super::{DONE, alice_pays, alice_sends, chain_with_block_time, open_block};
use crate::{
    Runtime, RuntimeCall, System, UNIT,
    fees::{BYTE, FollowsLoad, MAX_FACTOR},
    limits::{LengthOfBlock, WeightsOfBlockTime},
};
use frame_support::{dispatch::DispatchClass, traits::Get};
use pallet_transaction_payment::{Multiplier, NextFeeMultiplier};
use sp_runtime::traits::Convert;

#[test]
fn p10_a_block_full_of_bytes_costs_about_as_much_as_one_full_of_work() {
    chain_with_block_time(1_000).execute_with(|| {
        let remark = |len| RuntimeCall::System(frame_system::Call::remark { remark: vec![0; len] });
        let pays = |len| alice_pays(|| assert_eq!(alice_sends(remark(len)), DONE));
        let (short, long) = (pays(100_000), pays(1_100_000));
        assert!(long - short >= 1_000_000 * BYTE, "{short} {long}");
        // Three of these are a block.
        assert!(3 * long > UNIT / 4, "{long}");
        // At a higher load, bytes cost more like everything else.
        open_block(2);
        NextFeeMultiplier::<Runtime>::put(Multiplier::from_u32(3));
        let loaded = (pays(100_000), pays(1_100_000));
        assert!(loaded.1 - loaded.0 >= 3_000_000 * BYTE);
    });
}

#[test]
fn p10_full_blocks_make_the_next_one_dearer_whatever_they_are_full_of() {
    chain_with_block_time(1_000).execute_with(|| {
        let (weights, lengths) = (WeightsOfBlockTime::get(), LengthOfBlock::get());
        let normal = weights.get(DispatchClass::Normal).max_total.unwrap();
        let reserve = weights.get(DispatchClass::Operational).reserved.unwrap();
        let after = |blocks: u32, factor: Multiplier| {
            (0..blocks).fold(factor, |factor, _| FollowsLoad::convert(factor))
        };
        let one = Multiplier::from_u32(1);
        let empty = || {
            System::set_block_consumed_resources(Default::default(), 0);
            frame_system::BlockWeight::<Runtime>::kill();
        };

        empty();
        assert_eq!(after(1_000, one), one);
        // By weight.
        System::set_block_consumed_resources(normal, 0);
        let doubled = after(309, one);
        assert!(doubled > Multiplier::from_u32(2) && after(307, one) < Multiplier::from_u32(2));
        assert_eq!(after(10_000, one), Multiplier::from_u32(MAX_FACTOR));
        // By bytes.
        empty();
        let bytes = *lengths.max.get(DispatchClass::Normal) as usize;
        System::set_block_consumed_resources(Default::default(), bytes);
        assert_eq!(after(309, one), doubled);
        // By what uses up the reserve.
        empty();
        frame_system::BlockWeight::<Runtime>::mutate(|used| used.set(reserve, DispatchClass::Operational));
        assert_eq!(after(309, one), doubled);
        // What is a quarter full keeps the price, and less lowers it, but not below one.
        empty();
        System::set_block_consumed_resources(normal / 4, 0);
        assert_eq!(after(1, doubled), doubled);
        empty();
        assert!(after(1, doubled) < doubled);
        assert_eq!(after(10_000, doubled), one);
    });
}
