// SPDX-License-Identifier: Apache-2.0
//! The runtime as a whole: what clients, nodes and light clients rely on, held by tests.

mod bridge;
mod fees;
mod proofs;
mod reserve;
mod work;

use crate::{
    AccountId, Aura, Balances, BlockTime, EnclaveBridge, Grandpa, Multisig, Proxy, Runtime, RuntimeCall,
    RuntimeGenesisConfig, RuntimeOrigin, SS58_PREFIX, Sudo, System, Teerex, Timestamp, TransactionPayment,
    TxExtension, UNIT, Utility, VERSION, Validators, genesis_config_presets,
    quote_verification::NodeQuoteVerifier, validators::Error,
};
use codec::{Decode, Encode};
use frame_support::{
    BoundedVec, assert_noop, assert_ok,
    traits::{Get, Hooks, PalletInfoAccess},
};
use offstage_attestation::development::Report;
use offstage_primitives::{
    BlockHash, H256, KeyDigest, Measurement,
    attestation::{DEVELOPMENT_ROOT, INTEL_ROOT, KeyBinding, RegistrationProof, TcbPolicy},
    collateral::QuoteError,
    enclave_bridge::Request,
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};
use pallet_teerex::QuoteVerifier;
use serde_json::Value;
use sp_consensus_grandpa::{AuthorityId as GrandpaId, ConsensusLog, GRANDPA_ENGINE_ID, ScheduledChange};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{
    ApplyExtrinsicResult, BuildStorage, DispatchError, MultiSignature,
    generic::Era,
    traits::{BadOrigin, Dispatchable, Header as _, TransactionExtension},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};

#[test]
fn pallets_have_the_indices_of_the_wire() {
    let indices = [
        System::index(),
        Timestamp::index(),
        Sudo::index(),
        Multisig::index(),
        Proxy::index(),
        Utility::index(),
        Balances::index(),
        TransactionPayment::index(),
        Aura::index(),
        Grandpa::index(),
        Teerex::index(),
        EnclaveBridge::index(),
    ];
    assert_eq!(indices, [0, 3, 5, 6, 7, 9, 10, 11, 23, 24, 50, 54]);
    assert_eq!((BlockTime::index(), Validators::index()), (4, 25));
}

#[test]
fn extensions_are_those_of_the_wire_in_its_order() {
    let metadata = <TxExtension as TransactionExtension<RuntimeCall>>::metadata();
    let identifiers: Vec<&str> = metadata.iter().map(|extension| extension.identifier).collect();
    assert_eq!(
        identifiers,
        [
            "CheckNonZeroSender",
            "CheckSpecVersion",
            "CheckTxVersion",
            "CheckGenesis",
            "CheckMortality",
            "CheckNonce",
            "CheckWeight",
            "ChargeTransactionPayment",
            "CheckMetadataHash",
        ]
    );
}

#[test]
fn addresses_and_version_are_what_clients_expect() {
    assert_eq!(<<Runtime as frame_system::Config>::SS58Prefix as Get<u16>>::get(), SS58_PREFIX);
    assert_eq!(VERSION.state_version(), sp_storage::StateVersion::V1);
    // MultiAddress::Id is variant 0.
    let alice = Sr25519Keyring::Alice.to_account_id();
    let call =
        RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death { dest: alice.into(), value: 1 });
    assert_eq!(call.encode()[..3], [10, 0, 0]);
}

#[test]
fn the_development_chain_has_one_validator_and_blocks_of_one_second() {
    chain("development").execute_with(|| {
        assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), 1);
        assert_eq!(Grandpa::grandpa_authorities(), vec![(Ed25519Keyring::Alice.public().into(), 1)]);
        assert_eq!(Aura::slot_duration(), 1_000);
        assert_eq!(<Runtime as pallet_timestamp::Config>::MinimumPeriod::get(), 500);
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        assert_eq!(limits.max_block.ref_time(), 333_000_000_000);
        let alice: AccountId = Sr25519Keyring::Alice.to_account_id();
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(alice.clone()));
        assert_eq!(Balances::free_balance(alice), 1_000_000 * UNIT);
        assert_eq!(pallet_teerex::RootCertificate::<Runtime>::get().into_inner(), DEVELOPMENT_ROOT);
        assert_eq!(pallet_teerex::TcbPolicy::<Runtime>::get(), TcbPolicy::default());
        assert!(!pallet_teerex::SgxAllowDebugMode::<Runtime>::get());
    });
}

#[test]
fn the_local_testnet_has_four_validators_and_blocks_of_six_seconds() {
    chain("local_testnet").execute_with(|| {
        assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), 4);
        assert_eq!(Grandpa::grandpa_authorities().len(), 4);
        assert_eq!(Aura::slot_duration(), 6_000);
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        assert_eq!(limits.max_block.ref_time(), 2_000_000_000_000);
    });
}

#[test]
fn every_named_preset_exists_and_others_do_not() {
    for name in genesis_config_presets::names() {
        assert!(genesis_config_presets::preset(&name).is_some());
    }
    assert!(genesis_config_presets::preset(&"production".into()).is_none());
}

#[test]
#[should_panic(expected = "blockTime.slotDuration")]
fn a_genesis_without_a_sensible_block_time_is_refused() {
    let config = RuntimeGenesisConfig {
        block_time: crate::BlockTimeConfig { slot_duration: 10, ..Default::default() },
        ..Default::default()
    };
    let _ = config.build_storage();
}

#[test]
fn an_authority_change_is_announced_enacted_and_numbered() {
    chain("local_testnet").execute_with(|| {
        let next = set(&[(Ed25519Keyring::Bob, 1), (Ed25519Keyring::Eve, 2)]);
        begin(1);
        assert_ok!(Validators::schedule_authority_change(RuntimeOrigin::root(), next.clone(), 2));
        end(1);
        assert_eq!(announced(), vec![ScheduledChange { next_authorities: next.to_vec(), delay: 2 }]);
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), 0);

        begin(2);
        // While one change is on its way there is no second.
        assert!(Validators::schedule_authority_change(RuntimeOrigin::root(), next.clone(), 0).is_err());
        end(2);
        assert_eq!(Grandpa::grandpa_authorities().len(), 4);

        begin(3);
        end(3);
        assert_eq!(Grandpa::grandpa_authorities(), next.to_vec());
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), 1);

        begin(4);
        end(4);
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), 1);
    });
}

#[test]
fn a_change_without_delay_takes_effect_in_its_own_block() {
    chain("development").execute_with(|| {
        let next = set(&[(Ed25519Keyring::Alice, 7)]);
        begin(1);
        assert_ok!(Validators::schedule_authority_change(RuntimeOrigin::root(), next.clone(), 0));
        end(1);
        assert_eq!(announced(), vec![ScheduledChange { next_authorities: next.to_vec(), delay: 0 }]);
        assert_eq!(Grandpa::grandpa_authorities(), next.to_vec());
        assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), 1);
    });
}

#[test]
fn only_root_changes_validators_and_only_to_a_set_that_can_work() {
    chain("development").execute_with(|| {
        let good = set(&[(Ed25519Keyring::Bob, 1)]);
        let alice = RuntimeOrigin::signed(Sr25519Keyring::Alice.to_account_id());
        assert_noop!(Validators::schedule_authority_change(alice.clone(), good, 0), BadOrigin);
        let refused = |authorities, error: Error<Runtime>| {
            assert_noop!(
                Validators::schedule_authority_change(RuntimeOrigin::root(), authorities, 0),
                DispatchError::from(error)
            );
        };
        refused(set(&[]), Error::EmptySet);
        refused(set(&[(Ed25519Keyring::Bob, 0)]), Error::ZeroWeight);
        refused(set(&[(Ed25519Keyring::Bob, 1), (Ed25519Keyring::Bob, 2)]), Error::DuplicateAuthority);
        refused(set(&[(Ed25519Keyring::Bob, u64::MAX), (Ed25519Keyring::Eve, 1)]), Error::WeightOverflow);

        let authors = |keys: &[Sr25519Keyring]| {
            BoundedVec::truncate_from(keys.iter().map(|key| key.public().into()).collect())
        };
        assert_noop!(Validators::change_block_authors(alice, authors(&[Sr25519Keyring::Bob])), BadOrigin);
        assert_noop!(
            Validators::change_block_authors(RuntimeOrigin::root(), authors(&[])),
            Error::<Runtime>::EmptySet
        );
        assert_ok!(Validators::change_block_authors(RuntimeOrigin::root(), authors(&[Sr25519Keyring::Bob])));
        assert_eq!(
            pallet_aura::Authorities::<Runtime>::get().into_inner(),
            vec![Sr25519Keyring::Bob.public().into()]
        );
    });
}

#[test]
fn the_node_answers_the_runtime_about_quotes() {
    // No chain around it: verification is a pure function of its arguments.
    assert_eq!(NodeQuoteVerifier::quote_platform(b"no quote"), Err(QuoteError::MalformedQuote));
}

#[test]
fn an_enclave_registers_with_a_quote_that_the_node_verifies() {
    chain("development").execute_with(|| {
        let (signer, proof) = registration(System::block_hash(0).into());
        let register = |proof: &RegistrationProof| {
            let method = SgxAttestationMethod::Dcap { proxied: false };
            Teerex::register_sgx_enclave(
                RuntimeOrigin::signed(signer.clone()),
                proof.to_bytes(),
                None,
                method,
            )
        };
        assert_ok!(register(&proof));
        assert_eq!(Teerex::measurement_of(&signer).ok(), Some(MEASUREMENT));

        // One bit of the quote's last signature.
        let mut forged = proof.clone();
        forged.evidence.quote[500] ^= 1;
        assert!(register(&forged).is_err());
        // The same quote on a chain that trusts the hardware's vendor.
        pallet_teerex::RootCertificate::<Runtime>::put(BoundedVec::truncate_from(INTEL_ROOT.to_vec()));
        let untrusted = DispatchError::from(pallet_teerex::Error::<Runtime>::RootIsNotTrusted);
        assert_eq!(register(&proof), Err(untrusted));
    });
}

/// A software enclave's signer and its proof for the chain with this genesis, at [`NOW`].
fn registration(genesis_hash: BlockHash) -> (AccountId, RegistrationProof) {
    let signer = AccountId::from(Ed25519Keyring::Ferdie.public());
    let binding = KeyBinding {
        genesis_hash,
        shard: MEASUREMENT.into(),
        shielding_key: KeyDigest::repeat_byte(1),
        tls_public_key: KeyDigest::repeat_byte(2),
        boot_nonce: [3; 32],
    };
    let report = Report { measurement: MEASUREMENT, report_data: binding.report_data(&signer), debug: false };
    let evidence =
        offstage_attestation::development::quote(&report, NOW / 1_000).expect("the authority signs");
    (signer, RegistrationProof { evidence, binding: Some(binding) })
}

/// A chain that starts from the preset `name`, as a node builds it: the patch over the default genesis.
fn chain(name: &str) -> sp_io::TestExternalities {
    let mut genesis = serde_json::to_value(RuntimeGenesisConfig::default()).expect("genesis is JSON");
    let patch = genesis_config_presets::preset(&name.into()).expect("the preset exists");
    merge(&mut genesis, serde_json::from_slice(&patch).expect("a preset is JSON"));
    let config: RuntimeGenesisConfig = serde_json::from_value(genesis).expect("the patch fits the genesis");
    let mut externalities = sp_io::TestExternalities::new(config.build_storage().expect("genesis builds"));
    externalities.execute_with(|| pallet_timestamp::Now::<Runtime>::put(NOW));
    externalities
}

/// The development chain with blocks of `block_time` milliseconds, in its block 1.
fn chain_with_block_time(block_time: u64) -> sp_io::TestExternalities {
    let mut chain = chain("development");
    chain.execute_with(|| {
        crate::block_time::SlotDuration::<Runtime>::put(block_time);
        open_block(1);
    });
    chain
}

/// Starts a block as the node does.
fn open_block(number: u32) {
    let parent = System::parent_hash();
    let header =
        crate::Header::new(number, Default::default(), Default::default(), parent, Default::default());
    crate::Executive::initialize_block(&header);
}

/// A transaction as it comes out of a wallet.
fn transaction(
    signer: &AccountId,
    sign: impl Fn(&[u8]) -> MultiSignature,
    call: RuntimeCall,
) -> crate::UncheckedExtrinsic {
    let extension: TxExtension = (
        frame_system::CheckNonZeroSender::<Runtime>::new(),
        frame_system::CheckSpecVersion::<Runtime>::new(),
        frame_system::CheckTxVersion::<Runtime>::new(),
        frame_system::CheckGenesis::<Runtime>::new(),
        frame_system::CheckEra::<Runtime>::from(Era::Immortal),
        frame_system::CheckNonce::<Runtime>::from(System::account_nonce(signer)),
        crate::reserve::CheckWeight,
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::<Runtime>::new(false),
    );
    let payload = crate::SignedPayload::new(call.clone(), extension.clone()).expect("the chain knows itself");
    let signature = payload.using_encoded(sign);
    crate::UncheckedExtrinsic::new_signed(call, signer.clone().into(), signature, extension)
}

/// Sends a call as Alice, who has a million units.
fn alice_sends(call: RuntimeCall) -> ApplyExtrinsicResult {
    let alice = Sr25519Keyring::Alice;
    let sign = |bytes: &[u8]| alice.sign(bytes).into();
    crate::Executive::apply_extrinsic(transaction(&alice.to_account_id(), sign, call))
}

/// Sends a call as the enclave whose signer is this key.
fn enclave_sends(signer: Ed25519Keyring, call: RuntimeCall) -> ApplyExtrinsicResult {
    let account = AccountId::from(signer.public());
    assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), account.clone().into(), UNIT));
    let sign = |bytes: &[u8]| signer.sign(bytes).into();
    crate::Executive::apply_extrinsic(transaction(&account, sign, call))
}

/// What Alice pays for what she sends in `send`.
fn alice_pays(send: impl FnOnce()) -> u128 {
    let alice: AccountId = Sr25519Keyring::Alice.to_account_id();
    let before = Balances::free_balance(&alice);
    send();
    before - Balances::free_balance(&alice)
}

/// Writes an enclave into the registry, as if it had registered now.
fn register(signer: &AccountId, measurement: Measurement) {
    let enclave = SgxEnclave {
        report_data: SgxReportData { d: [0; 64] },
        mr_enclave: measurement,
        mr_signer: [0; 32],
        timestamp: pallet_timestamp::Now::<Runtime>::get(),
        url: None,
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    };
    pallet_teerex::SovereignEnclaves::<Runtime>::insert(signer, MultiEnclave::Sgx(enclave));
}

/// A confirmation of the block before this one.
fn confirmation() -> RuntimeCall {
    RuntimeCall::EnclaveBridge(pallet_enclave_bridge::Call::confirm_processed_parentchain_block {
        shard: MEASUREMENT.into(),
        block_hash: System::parent_hash(),
        block_number: System::block_number() - 1,
        trusted_calls_merkle_root: H256::zero(),
    })
}

/// Lets the tests' shard live: the enclave of Ferdie's key confirms a block for it.
fn bring_to_life() {
    let enclave = AccountId::from(Ed25519Keyring::Ferdie.public());
    register(&enclave, MEASUREMENT);
    assert_ok!(confirmation().dispatch(RuntimeOrigin::signed(enclave)));
}

/// An invocation of the tests' shard with an envelope of `len` bytes.
fn invocation(len: usize) -> RuntimeCall {
    let request = Request { shard: MEASUREMENT.into(), cyphertext: vec![7; len] };
    RuntimeCall::EnclaveBridge(pallet_enclave_bridge::Call::invoke { request })
}

fn force_batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(pallet_utility::Call::force_batch { calls })
}

/// Waits in the pool for a block with room.
const WAITS: ApplyExtrinsicResult =
    Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources));

/// Included, and done.
const DONE: ApplyExtrinsicResult = Ok(Ok(()));

/// RFC 7396 merge of `patch` into `value`.
fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(value), Value::Object(patch)) => {
            for (key, part) in patch {
                merge(value.entry(key).or_insert(Value::Null), part);
            }
        }
        (value, patch) => *value = patch,
    }
}

fn set(
    authorities: &[(Ed25519Keyring, u64)],
) -> BoundedVec<(GrandpaId, u64), frame_support::traits::ConstU32<100>> {
    BoundedVec::truncate_from(
        authorities.iter().map(|(key, weight)| (key.public().into(), *weight)).collect(),
    )
}

fn begin(number: u32) {
    System::reset_events();
    System::initialize(&number, &Default::default(), &Default::default());
}

/// Runs the last hooks of a block as `Executive` does: in the order of the pallets.
fn end(number: u32) {
    Grandpa::on_finalize(number);
    Validators::on_finalize(number);
}

/// GRANDPA's announcements in the present block's digest.
fn announced() -> Vec<ScheduledChange<u32>> {
    System::digest()
        .logs()
        .iter()
        .filter_map(|log| log.as_consensus())
        .filter(|(engine, _)| *engine == GRANDPA_ENGINE_ID)
        .map(|(_, data)| match ConsensusLog::decode(&mut &data[..]) {
            Ok(ConsensusLog::ScheduledChange(change)) => change,
            other => panic!("unexpected announcement {other:?}"),
        })
        .collect()
}

/// Chain time of the tests, in milliseconds since the Unix epoch.
const NOW: u64 = 1_800_000_000_000;

/// Measurement of the tests' enclave.
const MEASUREMENT: Measurement = Measurement([0x11; 32]);
