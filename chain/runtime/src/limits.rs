// SPDX-License-Identifier: Apache-2.0
//! How much a block may carry.
//!
//! A third of the block time is for executing transactions, as everywhere in Substrate: an author executes them once,
//! every importer once more, and the rest is for the network. As the block time is part of genesis, so is this limit.

use crate::{Runtime, block_time};
use frame_support::{
    dispatch::DispatchClass,
    traits::Get,
    weights::{
        Weight,
        constants::{BlockExecutionWeight, ExtrinsicBaseWeight, WEIGHT_REF_TIME_PER_MILLIS},
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::Perbill;

/// Weight limits of a block, following the chain's block time.
pub struct WeightsOfBlockTime;

impl Get<BlockWeights> for WeightsOfBlockTime {
    fn get() -> BlockWeights {
        weights_for(block_time::Pallet::<Runtime>::slot_duration())
    }
}

/// Length limits of a block: 5 MiB, of which user transactions may use three quarters.
pub struct LengthOfBlock;

impl Get<BlockLength> for LengthOfBlock {
    fn get() -> BlockLength {
        BlockLength::builder()
            .max_length(MAX_BLOCK_LENGTH)
            .modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL_RATIO * MAX_BLOCK_LENGTH)
            .build()
    }
}

/// The limits for blocks that are `slot_duration` milliseconds apart.
fn weights_for(slot_duration: u64) -> BlockWeights {
    let max_block =
        Weight::from_parts((slot_duration / 3).saturating_mul(WEIGHT_REF_TIME_PER_MILLIS), u64::MAX);
    BlockWeights::builder()
        .base_block(BlockExecutionWeight::get())
        .for_class(DispatchClass::all(), |weights| weights.base_extrinsic = ExtrinsicBaseWeight::get())
        .for_class(DispatchClass::Normal, |weights| weights.max_total = Some(NORMAL_RATIO * max_block))
        .for_class(DispatchClass::Operational, |weights| {
            weights.max_total = Some(max_block);
            weights.reserved = Some(max_block - NORMAL_RATIO * max_block);
        })
        .avg_block_initialization(INITIALIZATION_RATIO)
        .build_or_panic()
}

/// Share of a block that user transactions may fill; the rest stays free for operational ones.
const NORMAL_RATIO: Perbill = Perbill::from_percent(75);

/// Share of a block that its initialization is assumed to take.
const INITIALIZATION_RATIO: Perbill = Perbill::from_percent(10);

/// Longest block in bytes.
const MAX_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_time::{MAX_SLOT_DURATION, MIN_SLOT_DURATION};

    #[test]
    fn limits_are_valid_for_every_allowed_block_time() {
        for slot_duration in [MIN_SLOT_DURATION, 999, 1_000, 6_000, MAX_SLOT_DURATION] {
            let limits = weights_for(slot_duration).validate().expect("limits are consistent");
            assert_eq!(limits.max_block.ref_time(), slot_duration / 3 * WEIGHT_REF_TIME_PER_MILLIS);
        }
    }

    #[test]
    fn a_largest_transaction_fits_beside_the_initialization() {
        let limits = weights_for(1_000);
        let largest =
            limits.get(DispatchClass::Normal).max_extrinsic.expect("normal transactions are limited");
        assert!(largest.ref_time() > limits.max_block.ref_time() / 2);
        assert!(largest.ref_time() < limits.max_block.ref_time() * 3 / 4);
    }
}
