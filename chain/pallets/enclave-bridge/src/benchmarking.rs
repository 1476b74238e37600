// SPDX-License-Identifier: Apache-2.0
//! FRAME benchmarks: the worst case of each call. With the feature `runtime-benchmarks`; the tests run each once, with
//! its checks.
//!
//! In the worst case a shard has as many enclaves as it can have, all of them act, and the one that calls is new; and
//! the configuration names as many authorities as it can. The price of the enclaves' own work is not in here:
//! [`WeightInfo::opening`](crate::WeightInfo::opening).

use crate::{
    BalanceOf, Call, Config, ExecutedUnshieldCalls, Pallet, RsaOperations, ShardConfigRegistry, ShardStatus,
    limits, status::Status,
};
use alloc::{vec, vec::Vec};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::traits::fungible::{Inspect, Mutate};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use offstage_primitives::{
    AccountId32, H256, Measurement, ShardIdentifier,
    enclave_bridge::{Request, SLOT_SILENCE_BLOCKS, ShardConfig, ShardSignerStatus, UpgradableShardConfig},
    shielding::MAX_CYPHERTEXT_LEN,
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn invoke(l: Linear<0, LONGEST_CYPHERTEXT>) {
        full_shard::<T>();
        let request = Request { shard: shard(), cyphertext: vec![7; l as usize] };

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller::<AccountId32>()), request);

        assert!(RsaOperations::<T>::contains_key(shard()));
    }

    #[benchmark]
    fn confirm_processed_parentchain_block() {
        let newcomer = full_shard::<T>();
        let block_hash = H256::repeat_byte(9);
        let block_number = BlockNumberFor::<T>::from(NOW.saturating_sub(1));
        frame_system::BlockHash::<T>::insert(block_number, block_hash);

        #[extrinsic_call]
        _(RawOrigin::Signed(newcomer.clone()), shard(), block_hash, block_number, H256::zero());

        assert!(has_place::<T>(&newcomer));
    }

    #[benchmark]
    fn shield_funds(l: Linear<0, LONGEST_ACCOUNT>) {
        full_shard::<T>();
        let sender: AccountId32 = account("sender", 0, 0);
        endow::<T>(&sender);
        let amount = T::Currency::minimum_balance();

        #[extrinsic_call]
        _(RawOrigin::Signed(sender), shard(), vec![7; l as usize], amount);

        assert_eq!(T::Currency::balance(&Pallet::<T>::shard_account(shard())), amount);
    }

    #[benchmark]
    fn unshield_funds() {
        let newcomer = full_shard::<T>();
        endow::<T>(&Pallet::<T>::shard_account(shard()));
        let beneficiary: AccountId32 = account("beneficiary", 0, 0);
        let amount = T::Currency::minimum_balance();
        let call_hash = H256::repeat_byte(3);

        #[extrinsic_call]
        _(RawOrigin::Signed(newcomer), shard(), beneficiary.clone(), amount, call_hash);

        assert_eq!(T::Currency::balance(&beneficiary), amount);
        assert!(ExecutedUnshieldCalls::<T>::contains_key(Pallet::<T>::unshield_key(shard(), call_hash)));
    }

    #[benchmark]
    fn publish_hash(t: Linear<0, MOST_TOPICS>, l: Linear<0, LONGEST_DATA>) {
        let sender = full_shard::<T>();
        let topics: Vec<H256> = (0..t).map(|topic| H256::repeat_byte(topic as u8)).collect();
        let before = frame_system::Pallet::<T>::event_count();

        #[extrinsic_call]
        _(RawOrigin::Signed(sender), H256::zero(), topics, vec![7; l as usize]);

        assert_eq!(frame_system::Pallet::<T>::event_count(), before.saturating_add(1));
    }

    /// By an enclave of a shard that does not live yet, which may name other code at short notice.
    #[benchmark]
    fn update_shard_config() {
        let sender = full_shard::<T>();
        ShardStatus::<T>::remove(shard());
        let active_config = ShardConfig { authorities: None, ..longest_config(MEASUREMENT) };
        let config = UpgradableShardConfig {
            active_config,
            pending_upgrade: Some(longest_config(MEASUREMENT)),
            upgrade_at: Some(NOW.saturating_add(1)),
        };
        ShardConfigRegistry::<T>::insert(shard(), config);
        let successor = longest_config(Measurement([0x22; 32]));

        #[extrinsic_call]
        _(RawOrigin::Signed(sender), shard(), successor.clone(), 1u32.into());

        let config = ShardConfigRegistry::<T>::get(shard());
        assert_eq!(config.and_then(|config| config.pending_upgrade), Some(successor));
    }

    #[benchmark]
    fn purge_enclave_from_shard_status() {
        full_shard::<T>();
        let subject = enclave(limits::INSTANCES);

        #[extrinsic_call]
        _(RawOrigin::Root, shard(), subject.clone());

        assert!(!has_place::<T>(&subject));
    }

    /// Without the call inside, which is weighed apart: this one does nothing.
    #[benchmark]
    fn execute_for_shard() {
        let newcomer = full_shard::<T>();
        let call_hash = H256::repeat_byte(3);
        let until = BlockNumberFor::<T>::from(NOW);
        let nothing: <T as frame_system::Config>::RuntimeCall =
            frame_system::Call::<T>::remark { remark: Vec::new() }.into();

        #[extrinsic_call]
        _(RawOrigin::Signed(newcomer), shard(), call_hash, until, nothing.encode());

        assert!(ExecutedUnshieldCalls::<T>::contains_key(Pallet::<T>::unshield_key(shard(), call_hash)));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::chain(), crate::mock::Test);
}

/// A shard all of whose places are taken by enclaves that may act, the last of which has been silent for long, and with
/// the longest configuration. Returns an enclave that has no place.
fn full_shard<T: Config>() -> AccountId32 {
    frame_system::Pallet::<T>::set_block_number(NOW.into());
    let mut status = Status::default();
    for number in 0..=limits::INSTANCES {
        register::<T>(&enclave(number));
        let signer = enclave(number);
        let last_activity = NOW.saturating_sub(SLOT_SILENCE_BLOCKS).saturating_sub(number);
        if number > 0 {
            // The bound is the number of places.
            let _ = status.try_push(ShardSignerStatus { signer, fingerprint: MEASUREMENT, last_activity });
        }
    }
    ShardStatus::<T>::insert(shard(), status);
    let config = UpgradableShardConfig {
        active_config: longest_config(MEASUREMENT),
        pending_upgrade: Some(longest_config(MEASUREMENT)),
        upgrade_at: Some(NOW.saturating_add(1)),
    };
    ShardConfigRegistry::<T>::insert(shard(), config);
    enclave(0)
}

/// An entry of the registry that is as long as it can be, and never too old.
fn register<T: Config>(signer: &AccountId32) {
    let entry = SgxEnclave {
        report_data: SgxReportData { d: [7; 64] },
        mr_enclave: MEASUREMENT,
        mr_signer: [2; 32],
        timestamp: u64::MAX,
        url: Some(vec![b'a'; pallet_teerex::types::limits::URL_LEN as usize]),
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    };
    pallet_teerex::SovereignEnclaves::<T>::insert(signer, MultiEnclave::Sgx(entry));
}

fn endow<T: Config>(account: &AccountId32) {
    let amount: BalanceOf<T> = T::Currency::minimum_balance() * 1_000u32.into();
    T::Currency::set_balance(account, amount);
}

fn has_place<T: Config>(signer: &AccountId32) -> bool {
    ShardStatus::<T>::get(shard())
        .is_some_and(|status| status.iter().any(|enclave| enclave.signer == *signer))
}

fn longest_config(enclave_fingerprint: Measurement) -> ShardConfig {
    let authorities = (0..limits::AUTHORITIES as u32).map(|number| account("authority", number, 0));
    ShardConfig {
        enclave_fingerprint,
        max_instances: Some(limits::INSTANCES),
        authorities: Some(authorities.collect()),
        maintenance_mode: false,
    }
}

fn shard() -> ShardIdentifier {
    MEASUREMENT.into()
}

fn enclave(number: u32) -> AccountId32 {
    account("enclave", number, 0)
}

/// The block in which everything happens: later than the longest silence.
const NOW: u32 = 1_000_000;

/// Measurement of the shard's enclaves.
const MEASUREMENT: Measurement = Measurement([0x11; 32]);

const LONGEST_CYPHERTEXT: u32 = MAX_CYPHERTEXT_LEN as u32;
const LONGEST_ACCOUNT: u32 = limits::ENCRYPTED_ACCOUNT_LEN as u32;
const MOST_TOPICS: u32 = limits::TOPICS as u32;
const LONGEST_DATA: u32 = limits::PUBLISHED_DATA_LEN as u32;
