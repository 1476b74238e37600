// SPDX-License-Identifier: Apache-2.0
//! Blocks that are full, and what must find room in them nevertheless (threat model P10).

use super::{
    DONE, MEASUREMENT, WAITS, alice_sends, bring_to_life, chain_with_block_time, confirmation, enclave_sends,
    force_batch, register, registration,
};
use crate::{
    AccountId, Runtime, RuntimeCall, RuntimeOrigin, System,
    limits::{LengthOfBlock, MAX_EVENTS, MAX_USER_EVENTS, WeightsOfBlockTime},
};
use frame_support::{assert_ok, dispatch::DispatchClass, storage::storage_prefix, traits::Get};
use offstage_primitives::teerex::SgxAttestationMethod;
use pallet_enclave_bridge::WeightInfo;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::traits::Dispatchable;

const ENCLAVE: Ed25519Keyring = Ed25519Keyring::Ferdie;

#[test]
fn p10_an_enclave_finds_room_in_a_block_full_of_bytes() {
    chain_with_block_time(1_000).execute_with(|| {
        bring_to_life();
        let remark = |len| RuntimeCall::System(frame_system::Call::remark { remark: vec![0; len] });
        while alice_sends(remark(500_000)) == DONE {}
        while alice_sends(remark(1_000)) == DONE {}
        while alice_sends(remark(1)) == DONE {}
        assert_eq!(enclave_sends(ENCLAVE, confirmation()), DONE);
        assert_eq!(enclave_sends(ENCLAVE, force_batch(vec![confirmation(); 5])), DONE);
        assert_eq!(enclave_sends(ENCLAVE, remark(1_000)), WAITS);
        // A registration too, whoever sends it.
        assert_eq!(enclave_sends(Ed25519Keyring::Dave, real_registration()), Ok(Err(not_the_signer())));
        // Who is no enclave does not get room by calling what enclaves call. There is none for users.
        assert_eq!(alice_sends(remark(1_000)), WAITS);
        assert_eq!(bob_sends(confirmation()), WAITS);
    });
}

#[test]
fn c22_who_has_registered_has_blocks_of_time_before_others_fill_the_enclaves_memory() {
    // What enclaves remember (`offstage_enclave`'s registry).
    const REMEMBERED: u32 = 1_024;
    chain_with_block_time(6_000).execute_with(|| {
        bring_to_life();
        let mut registrations = 0;
        while bob_sends(real_registration()) == Ok(Err(not_the_signer())) {
            registrations += 1;
        }
        println!("registrations in a block of six seconds that has nothing else: {registrations}");
        assert!((50..=REMEMBERED / 3).contains(&registrations), "{registrations}");
    });
}

#[test]
fn p10_an_enclave_finds_room_in_a_block_full_of_work_and_registrations_leave_half_of_the_reserve() {
    chain_with_block_time(1_000).execute_with(|| {
        let normal = WeightsOfBlockTime::get().get(DispatchClass::Normal).max_total.unwrap();
        System::set_block_consumed_resources(normal, 0);
        // A new worker registers.
        assert_eq!(enclave_sends(ENCLAVE, real_registration()), DONE);
        // Somebody fills what registrations may use. His enclave is not registered: the proof is another's.
        let mut garbage = 0;
        while bob_sends(real_registration()) == Ok(Err(not_the_signer())) {
            garbage += 1;
        }
        assert!((5..40).contains(&garbage), "{garbage}");
        // Enclaves that are registered go on.
        for _ in 0..40 {
            assert_eq!(enclave_sends(ENCLAVE, confirmation()), DONE);
        }
        assert_eq!(enclave_sends(ENCLAVE, real_registration()), DONE);
        // Until their registration is too old.
        pallet_timestamp::Now::<Runtime>::mutate(|now| *now += 49 * 3_600 * 1_000);
        assert_eq!(enclave_sends(ENCLAVE, confirmation()), WAITS);
    });
}

/// A call of three bytes deposits an event of eighty.
#[test]
fn p10_the_events_of_a_block_are_bounded_within_a_batch_too() {
    chain_with_block_time(60_000).execute_with(|| {
        bring_to_life();
        let event = RuntimeCall::System(frame_system::Call::remark_with_event { remark: vec![] });
        let alice = RuntimeOrigin::signed(Sr25519Keyring::Alice.to_account_id());
        let batch = |calls| force_batch(vec![event.clone(); calls]);
        while System::event_count() < MAX_USER_EVENTS - 1_000 {
            assert_ok!(batch(2_000).dispatch(alice.clone()));
        }
        let before = System::event_count();
        assert_ok!(batch(10_000).dispatch(alice));
        let count = System::event_count();
        // Each of the refused ones is an event of a few bytes.
        assert!(count <= before.max(MAX_USER_EVENTS) + 10_000 + 1, "{count}");
        let filtered = System::read_events_for_pallet::<pallet_utility::Event>()
            .into_iter()
            .filter(|event| matches!(event, pallet_utility::Event::ItemFailed { .. }))
            .count();
        assert!(filtered >= 9_000, "{filtered}");
        // Users wait, enclaves do not.
        assert_eq!(alice_sends(event.clone()), WAITS);
        put_event_count(MAX_USER_EVENTS);
        assert_eq!(alice_sends(event), WAITS);
        assert_eq!(enclave_sends(ENCLAVE, confirmation()), DONE);
        put_event_count(MAX_EVENTS);
        assert_eq!(enclave_sends(ENCLAVE, confirmation()), WAITS);
    });
}

#[test]
fn p10_what_was_weighed_for_a_user_is_given_back_to_users() {
    chain_with_block_time(1_000).execute_with(|| {
        // A batch of calls of the reserve's class by somebody who is no enclave fails at its first call.
        let batch = pallet_utility::Call::batch { calls: vec![confirmation(); 100] };
        let before = System::block_weight();
        assert_eq!(bob_sends(RuntimeCall::Utility(batch)), DONE);
        let after = System::block_weight();
        let used = |class| after.get(class).ref_time() - before.get(class).ref_time();
        assert_eq!(used(DispatchClass::Operational), 0);
        let confirmations =
            <Runtime as pallet_enclave_bridge::Config>::WeightInfo::confirm_processed_parentchain_block();
        assert!((1..5 * confirmations.ref_time()).contains(&used(DispatchClass::Normal)));
        register(&AccountId::from(ENCLAVE.public()), MEASUREMENT);
        let before = System::block_weight();
        assert_eq!(enclave_sends(ENCLAVE, confirmation()), DONE);
        assert_eq!(before.get(DispatchClass::Normal), System::block_weight().get(DispatchClass::Normal));
        assert!(
            LengthOfBlock::get().max.get(DispatchClass::Operational)
                > LengthOfBlock::get().max.get(DispatchClass::Normal)
        );
    });
}

/// Lets the chain believe that the block has so many events.
fn put_event_count(count: u32) {
    frame_support::storage::unhashed::put(&storage_prefix(b"System", b"EventCount"), &count);
}

/// Sends a call as Bob, who is nobody in particular.
fn bob_sends(call: RuntimeCall) -> sp_runtime::ApplyExtrinsicResult {
    let bob = Sr25519Keyring::Bob;
    let sign = |bytes: &[u8]| bob.sign(bytes).into();
    crate::Executive::apply_extrinsic(super::transaction(&bob.to_account_id(), sign, call))
}

/// The registration of the enclave with the key [`ENCLAVE`], with a quote that the node verifies.
fn real_registration() -> RuntimeCall {
    let (_, proof) = registration(System::block_hash(0).into());
    RuntimeCall::Teerex(pallet_teerex::Call::register_sgx_enclave {
        proof: proof.to_bytes(),
        worker_url: None,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
    })
}

fn not_the_signer() -> sp_runtime::DispatchError {
    pallet_teerex::Error::<Runtime>::SenderIsNotAttestedEnclave.into()
}
