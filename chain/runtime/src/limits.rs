// SPDX-License-Identifier: Apache-2.0
//! How much a block may carry.
//!
//! A third of the block time is for executing transactions, as everywhere in Substrate: an author executes them once,
//! every importer once more, and the rest is for the network. As the block time is part of genesis, so is this limit.
//!
//! Workers get every block proven: its transactions, and its events, which are one value of the state. What they take
//! is bounded (`offstage_light_client::block::MAX_BODY_LEN` and its like), and a shard whose workers cannot be
//! shown a block stands still for ever. So length and events are bounded such that every block can be shown
//! (`tests/proofs.rs`).

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
use offstage_primitives::shielding::rsa_operations_per_block;
use sp_runtime::Perbill;

/// Weight limits of a block, following the chain's block time.
pub struct WeightsOfBlockTime;

impl Get<BlockWeights> for WeightsOfBlockTime {
    fn get() -> BlockWeights {
        weights_for(block_time::Pallet::<Runtime>::slot_duration())
    }
}

/// Length limits of a block: 4 MiB, of which user transactions may use three quarters.
pub struct LengthOfBlock;

impl Get<BlockLength> for LengthOfBlock {
    fn get() -> BlockLength {
        BlockLength::builder()
            .max_length(MAX_BLOCK_LENGTH)
            .modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL_RATIO * MAX_BLOCK_LENGTH)
            .build()
    }
}

/// How many RSA operations a block may cause for one shard, following the chain's block time:
/// [`rsa_operations_per_block`].
pub struct RsaOperationsOfBlockTime;

impl Get<u32> for RsaOperationsOfBlockTime {
    fn get() -> u32 {
        rsa_operations_per_block(block_time::Pallet::<Runtime>::slot_duration())
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

/// Longest block in bytes. As JSON (two characters a byte) it is within the 10 MiB that RPC clients take by default.
pub const MAX_BLOCK_LENGTH: u32 = 4 * 1024 * 1024;

/// Number of events in a block from which on user transactions wait. A block of [`MAX_RSA_OPERATIONS_PER_BLOCK`]
/// invocations has fewer.
///
/// [`MAX_RSA_OPERATIONS_PER_BLOCK`]: offstage_primitives::shielding::MAX_RSA_OPERATIONS_PER_BLOCK
pub const MAX_USER_EVENTS: u32 = 32 * 1024;

/// Number of events in a block from which on everything waits, except what a block must have.
pub const MAX_EVENTS: u32 = 40 * 1024;

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
