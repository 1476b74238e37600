// SPDX-License-Identifier: Apache-2.0
//! What a transaction costs.
//!
//! The fee is the weight of the call, in picoseconds of the chain's time, plus [`BYTE`] for each byte of its encoding.
//! Both are multiplied by a factor that follows the load ([`FollowsLoad`]), except for the fixed part that every
//! transaction has. Fees are burned.
//!
//! # Attacks
//! - *Blocks full of bytes*: filling a block with bytes costs about as much as filling it with computation.
//! - *Blocks full for long*: the price doubles in 308 full blocks, up to a hundredfold. That is the most, so that a
//!   worker that has funds for its fees is not made poor by others' load.
//! - *The reserve* ([`reserve`](crate::reserve)) *is used up*: its load counts like that of the rest.

use crate::{
    Balance, Runtime, System,
    limits::{LengthOfBlock, WeightsOfBlockTime},
};
use frame_support::{
    dispatch::DispatchClass,
    traits::Get,
    weights::{Weight, WeightToFee},
};
use pallet_transaction_payment::{Multiplier, MultiplierUpdate, NextFeeMultiplier};
use sp_runtime::{FixedPointNumber, Perbill, Perquintill, Saturating, traits::Convert};

/// The price of a length, at the present load. For [`pallet_transaction_payment::Config::LengthToFee`].
pub struct LengthFee;

impl WeightToFee for LengthFee {
    type Balance = Balance;

    /// `length` has the number of bytes as its time; that is how the pallet asks.
    fn weight_to_fee(length: &Weight) -> Balance {
        let unadjusted = Balance::from(length.ref_time()).saturating_mul(BYTE);
        NextFeeMultiplier::<Runtime>::get().saturating_mul_int(unadjusted)
    }
}

/// The factor of the next block: after a block that is fuller than `TARGET` it rises, and else it falls, from 1 to
/// [`MAX_FACTOR`].
///
/// How full a block is, is said by what it has most of: weight or bytes of user transactions, or the reserve.
pub struct FollowsLoad;

impl Convert<Multiplier, Multiplier> for FollowsLoad {
    fn convert(previous: Multiplier) -> Multiplier {
        let (fullness, target) = (fullness(), TARGET);
        let distance = fullness.max(target).saturating_sub(fullness.min(target));
        let change = Self::variability()
            .saturating_mul(Multiplier::saturating_from_rational(
                distance.deconstruct(),
                Perbill::one().deconstruct(),
            ))
            .saturating_mul(previous);
        let next =
            if fullness > target { previous.saturating_add(change) } else { previous.saturating_sub(change) };
        next.clamp(Self::min(), Self::max())
    }
}

impl MultiplierUpdate for FollowsLoad {
    fn min() -> Multiplier {
        Multiplier::from_u32(1)
    }

    fn max() -> Multiplier {
        Multiplier::from_u32(MAX_FACTOR)
    }

    fn target() -> Perquintill {
        Perquintill::from_percent(TARGET_PERCENT.into())
    }

    fn variability() -> Multiplier {
        Multiplier::saturating_from_rational(VARIABILITY_PER_MILLE, 1_000)
    }
}

/// How full the present block is.
fn fullness() -> Perbill {
    let (weights, lengths) = (WeightsOfBlockTime::get(), LengthOfBlock::get());
    let used = System::block_weight();
    let normal = weights.get(DispatchClass::Normal).max_total.unwrap_or(weights.max_block);
    let reserve = weights.get(DispatchClass::Operational).reserved.unwrap_or(weights.max_block);
    let by_weight =
        Perbill::from_rational(used.get(DispatchClass::Normal).ref_time(), normal.ref_time().max(1));
    let by_reserve =
        Perbill::from_rational(used.get(DispatchClass::Operational).ref_time(), reserve.ref_time().max(1));
    let by_length = Perbill::from_rational(System::block_size(), *lengths.max.get(DispatchClass::Normal));
    by_weight.max(by_reserve).max(by_length)
}

/// Price of a byte, in planck. The 3 MiB of a block cost 0.31 UNIT, as much as 0.31 seconds of the chain's time.
pub const BYTE: Balance = 100_000;

/// The fullness at which the factor stays as it is.
const TARGET: Perbill = Perbill::from_percent(TARGET_PERCENT);

/// [`TARGET`], in percent.
const TARGET_PERCENT: u32 = 25;

/// A full block raises the factor by three quarters of this, an empty one lowers it by a quarter of this.
const VARIABILITY_PER_MILLE: u32 = 3;

/// The highest factor.
pub const MAX_FACTOR: u32 = 100;
