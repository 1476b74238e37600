// SPDX-License-Identifier: Apache-2.0
//! The genesis states that the runtime knows by name.
//!
//! | preset | validators | block time | quotes are good when their root is |
//! |---|---|---|---|
//! | `development` | Alice | 1 s | the development root CA |
//! | `local_testnet` | Alice, Bob, Charlie, Dave | 6 s | the development root CA |
//!
//! Both give funds and root to accounts whose keys everybody knows, so both are for machines that nobody else reaches.
//! A public chain starts from a chain specification of its own, with the root CA of the hardware's vendor
//! ([`offstage_primitives::attestation::INTEL_ROOT`]).

use crate::{
    AccountId, BalancesConfig, BlockTimeConfig, RuntimeGenesisConfig, SudoConfig, TeerexConfig, UNIT,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use offstage_primitives::attestation::DEVELOPMENT_ROOT;
use serde_json::Value;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// The JSON patch of the preset `id` over the default genesis, or nothing when there is no such preset.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => development(),
        LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The names of all presets.
pub fn names() -> Vec<PresetId> {
    vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}

/// One validator and a block each second: for work on one machine.
fn development() -> Value {
    genesis(&[(Sr25519Keyring::Alice, Ed25519Keyring::Alice)], DEVELOPMENT_SLOT_DURATION)
}

/// Four validators, of whom any three make blocks final, at the block time of a production chain.
fn local_testnet() -> Value {
    let validators = [
        (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
        (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
        (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
        (Sr25519Keyring::Dave, Ed25519Keyring::Dave),
    ];
    genesis(&validators, LOCAL_SLOT_DURATION)
}

fn genesis(validators: &[(Sr25519Keyring, Ed25519Keyring)], block_time: u64) -> Value {
    let endowed: Vec<(AccountId, u128)> =
        Sr25519Keyring::well_known().map(|account| (account.to_account_id(), ENDOWMENT)).collect();
    let authors: Vec<AuraId> = validators.iter().map(|(author, _)| author.public().into()).collect();
    let finalizers: Vec<(GrandpaId, u64)> =
        validators.iter().map(|(_, finalizer)| (finalizer.public().into(), 1)).collect();
    build_struct_json_patch!(RuntimeGenesisConfig {
        block_time: BlockTimeConfig { slot_duration: block_time },
        balances: BalancesConfig { balances: endowed },
        aura: pallet_aura::GenesisConfig { authorities: authors },
        grandpa: pallet_grandpa::GenesisConfig { authorities: finalizers },
        sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
        teerex: TeerexConfig { root_certificate: DEVELOPMENT_ROOT.to_vec() },
    })
}

/// Balance of each well-known account: a million units.
const ENDOWMENT: u128 = 1_000_000 * UNIT;

/// Block time of `development`, in milliseconds.
const DEVELOPMENT_SLOT_DURATION: u64 = 1_000;

/// Block time of `local_testnet`, in milliseconds.
const LOCAL_SLOT_DURATION: u64 = 6_000;
