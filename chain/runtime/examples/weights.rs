// SPDX-License-Identifier: Apache-2.0
//! Measures what the calls of our pallets take on the real runtime, and holds it against their weights. `make weights`.
//!
//! Each call is dispatched in its worst case on a state in memory, natively, and undone. Storage is not in these times:
//! weights price it by the database's own measurements. The runtime of a node is compiled wasm, which takes up to
//! twice as long ([`WASM_FACTOR`]). Times are medians; the machine should have nothing else to do.

use codec::Encode;
use frame_support::{
    assert_ok,
    dispatch::GetDispatchInfo,
    storage::{TransactionOutcome, with_transaction},
    traits::UnfilteredDispatchable,
};
use offstage_attestation::development::{Report, quote};
use offstage_primitives::{
    AccountId32, H256, KeyDigest, Measurement, ShardIdentifier,
    attestation::{DEVELOPMENT_ROOT, KeyBinding, RegistrationProof},
    enclave_bridge::{Request, ShardConfig, ShardSignerStatus, UpgradableShardConfig},
    shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN, rsa_operations},
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};
use offstage_runtime::{
    AccountId, Balances, EnclaveBridge, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, System,
    UNIT,
};
use pallet_enclave_bridge::{Call, WeightInfo};
use sp_keyring::Ed25519Keyring;
use sp_runtime::{BuildStorage, DispatchError};
use std::time::{Duration, Instant};

fn main() {
    let genesis = RuntimeGenesisConfig::default().build_storage().expect("the default genesis builds");
    sp_io::TestExternalities::new(genesis).execute_with(|| {
        prepare();
        println!("{:<44} {:>12} {:>12} {:>12}", "call", "measured", "as wasm", "weight");
        for (name, sender, call) in calls() {
            let measured = median(|| time_of(&call, &sender));
            // Without what is not the chain's own computation: storage, and the work of enclaves.
            let weight = computation_of(&call);
            println!("{name:<44} {measured:>10.1?} {:>10.1?} {weight:>10.1?}", measured * WASM_FACTOR);
        }
    });
}

/// A shard with as many enclaves as it can have, and as much configuration, and whoever acts below.
fn prepare() {
    System::set_block_number(1_000);
    pallet_timestamp::Now::<Runtime>::put(NOW);
    pallet_teerex::RootCertificate::<Runtime>::put(frame_support::BoundedVec::truncate_from(
        DEVELOPMENT_ROOT.to_vec(),
    ));
    frame_system::BlockHash::<Runtime>::insert(999, H256::repeat_byte(9));
    for account in [enclave(0), user(), EnclaveBridge::shard_account(shard())] {
        assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), account.into(), UNIT));
    }
    let mut places = Vec::new();
    for number in 0..=10 {
        register(enclave(number));
        let last_activity = u32::from(number);
        places.push(ShardSignerStatus { signer: enclave(number), fingerprint: MEASUREMENT, last_activity });
    }
    // The newcomer, number 0, has none of the ten places.
    let places = places.split_off(1);
    pallet_enclave_bridge::ShardStatus::<Runtime>::insert(
        shard(),
        frame_support::BoundedVec::truncate_from(places),
    );
    let config = UpgradableShardConfig {
        active_config: configuration(),
        pending_upgrade: Some(configuration()),
        upgrade_at: Some(10_000),
    };
    pallet_enclave_bridge::ShardConfigRegistry::<Runtime>::insert(shard(), config);
}

/// Every call with its sender, in its worst case.
fn calls() -> Vec<(&'static str, RuntimeOrigin, RuntimeCall)> {
    let (newcomer, user) = (RuntimeOrigin::signed(enclave(0)), RuntimeOrigin::signed(user()));
    let bridge =
        |name, sender: &RuntimeOrigin, call| (name, sender.clone(), RuntimeCall::EnclaveBridge(call));
    let invoke = |len| Call::invoke { request: Request { shard: shard(), cyphertext: vec![7; len] } };
    let shield = |len| Call::shield_funds {
        shard: shard(),
        incognito_account_encrypted: vec![7; len],
        amount: 5_000_000,
    };
    vec![
        bridge("invoke, one chunk", &user, invoke(RSA_LEN)),
        bridge("invoke, the longest", &user, invoke(MAX_CYPHERTEXT_LEN)),
        bridge(
            "confirm_processed_parentchain_block",
            &newcomer,
            Call::confirm_processed_parentchain_block {
                shard: shard(),
                block_hash: H256::repeat_byte(9),
                block_number: 999,
                trusted_calls_merkle_root: H256::zero(),
            },
        ),
        bridge("shield_funds, one chunk", &user, shield(RSA_LEN)),
        bridge(
            "shield_funds, the longest",
            &user,
            shield(pallet_enclave_bridge::limits::ENCRYPTED_ACCOUNT_LEN),
        ),
        bridge(
            "unshield_funds, to a new account",
            &newcomer,
            Call::unshield_funds {
                shard: shard(),
                beneficiary: AccountId32::new([0xee; 32]),
                amount: 5_000_000,
                call_hash: H256::zero(),
            },
        ),
        bridge(
            "publish_hash, five topics",
            &newcomer,
            Call::publish_hash {
                hash: H256::zero(),
                extra_topics: (0..5).map(H256::repeat_byte).collect(),
                data: vec![7; pallet_enclave_bridge::limits::PUBLISHED_DATA_LEN],
            },
        ),
        bridge(
            "update_shard_config",
            &RuntimeOrigin::root(),
            Call::update_shard_config { shard: shard(), shard_config: configuration(), enactment_delay: 5 },
        ),
        bridge(
            "purge_enclave_from_shard_status",
            &RuntimeOrigin::root(),
            Call::purge_enclave_from_shard_status { shard: shard(), subject: enclave(10) },
        ),
        registration(),
    ]
}

/// A registration with a quote and collateral that the node verifies.
fn registration() -> (&'static str, RuntimeOrigin, RuntimeCall) {
    let signer = AccountId::from(Ed25519Keyring::Ferdie.public());
    let binding = KeyBinding {
        genesis_hash: System::block_hash(0).into(),
        shard: shard(),
        shielding_key: KeyDigest::repeat_byte(1),
        tls_public_key: KeyDigest::repeat_byte(2),
        boot_nonce: [3; 32],
    };
    let report = Report { measurement: MEASUREMENT, report_data: binding.report_data(&signer), debug: false };
    let evidence = quote(&report, NOW / 1_000).expect("the development authority signs");
    let proof = RegistrationProof { evidence, binding: Some(binding) }.to_bytes();
    let call = pallet_teerex::Call::register_sgx_enclave {
        proof,
        worker_url: Some(vec![b'a'; pallet_teerex::types::limits::URL_LEN as usize]),
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
    };
    ("register_sgx_enclave", RuntimeOrigin::signed(signer), RuntimeCall::Teerex(call))
}

/// Dispatches a call, undoes it, and tells how long it took.
fn time_of(call: &RuntimeCall, sender: &RuntimeOrigin) -> Duration {
    // Decoding is part of what a byte costs.
    let encoded = call.encode();
    let outcome = with_transaction(|| {
        let start = Instant::now();
        let call = <RuntimeCall as codec::Decode>::decode(&mut &encoded[..]).expect("what was encoded");
        let result = call.dispatch_bypass_filter(sender.clone());
        let elapsed = start.elapsed();
        TransactionOutcome::Rollback(result.map(|_| elapsed).map_err(|refused| refused.error))
    });
    outcome.unwrap_or_else(|error: DispatchError| panic!("the call was refused: {error:?}"))
}

fn median(measure: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| measure()).collect();
    times.sort();
    times[RUNS / 2]
}

/// The part of a call's weight that is neither storage nor work of enclaves.
fn computation_of(call: &RuntimeCall) -> Duration {
    let (storage, opening) = match call {
        RuntimeCall::EnclaveBridge(Call::invoke { request }) => ((4, 1), request.cyphertext.len()),
        RuntimeCall::EnclaveBridge(Call::shield_funds { incognito_account_encrypted, .. }) => {
            ((6, 3), incognito_account_encrypted.len())
        }
        RuntimeCall::EnclaveBridge(Call::confirm_processed_parentchain_block { .. }) => ((15, 1), 0),
        RuntimeCall::EnclaveBridge(Call::unshield_funds { .. }) => ((17, 4), 0),
        RuntimeCall::EnclaveBridge(Call::publish_hash { extra_topics, .. }) => {
            let topics = extra_topics.len() as u64 + 1;
            ((topics + 2, topics), 0)
        }
        RuntimeCall::EnclaveBridge(Call::update_shard_config { .. }) => ((4, 1), 0),
        RuntimeCall::EnclaveBridge(_) => ((1, 1), 0),
        _ => ((9, 1), 0),
    };
    let database = <Runtime as frame_system::Config>::DbWeight::get().reads_writes(storage.0, storage.1);
    let opening = <Runtime as pallet_enclave_bridge::Config>::WeightInfo::opening(rsa_operations(opening));
    let weight = call.get_dispatch_info().call_weight.ref_time();
    Duration::from_nanos(weight.saturating_sub(database.ref_time() + opening.ref_time()) / 1_000)
}

fn register(signer: AccountId) {
    let enclave = SgxEnclave {
        report_data: SgxReportData { d: [0; 64] },
        mr_enclave: MEASUREMENT,
        mr_signer: [0; 32],
        timestamp: NOW,
        url: Some(vec![b'a'; pallet_teerex::types::limits::URL_LEN as usize]),
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    };
    pallet_teerex::SovereignEnclaves::<Runtime>::insert(signer, MultiEnclave::Sgx(enclave));
}

fn configuration() -> ShardConfig {
    ShardConfig {
        enclave_fingerprint: MEASUREMENT,
        max_instances: None,
        authorities: Some(vec![user(); pallet_enclave_bridge::limits::AUTHORITIES]),
        maintenance_mode: false,
    }
}

fn shard() -> ShardIdentifier {
    MEASUREMENT.into()
}

fn enclave(number: u8) -> AccountId {
    AccountId::new([number + 1; 32])
}

fn user() -> AccountId {
    AccountId::new([0xaa; 32])
}

/// How much longer compiled wasm takes at most.
const WASM_FACTOR: u32 = 2;

/// Times each call is measured.
const RUNS: usize = 501;

/// Chain time, in milliseconds since the Unix epoch.
const NOW: u64 = 1_800_000_000_000;

/// Measurement of the shard's enclaves.
const MEASUREMENT: Measurement = Measurement([0x11; 32]);
