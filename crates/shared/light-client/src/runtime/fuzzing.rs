// SPDX-License-Identifier: Apache-2.0
//! The runtime's part of [`crate::fuzzing`].

use super::{
    Argument, ChainProperties, VerifiedRuntime, code, digest, metadata as chain_metadata,
    types::Budget,
    wasm::{self, WasmError},
};
use sp_core::H256;

/// Metadata that a hostile runtime returns: it is read and can be used, or refused, in bounded time.
pub fn metadata(encoded: &[u8]) {
    let Ok((metadata, version, digest_input)) = chain_metadata::parse(encoded) else { return };
    let digest =
        digest::proven_digest(digest_input, &version, &ChainProperties::default(), &metadata, encoded);
    let runtime = VerifiedRuntime { code_hash: H256::zero(), metadata, version, metadata_digest: digest };
    let _ = (runtime.ss58_prefix(), runtime.uses_multi_address(), runtime.signed_extensions());
    for (pallet, call, arguments) in CALLS {
        let with = runtime.call_index_with(pallet, call, arguments);
        assert!(with.is_none() || with == runtime.call_index(pallet, call));
    }
    // Any value of any type is walked over within its budget.
    for id in 0..64 {
        let mut input = encoded;
        let before = input.len();
        if runtime.types().skip(id, &mut input, &mut Budget::new()).is_some() {
            assert!(input.len() <= before);
        }
    }
}

/// Code that a chain stores: it is decompressed and run within its limits, or refused.
pub fn runtime_code(code: &[u8]) {
    if code::hash(code).is_err() {
        return;
    }
    let Ok(wasm) = code::decompress(code) else { return };
    match wasm::metadata_within(&wasm, FUEL) {
        Ok(encoded) => drop(chain_metadata::parse(&encoded)),
        Err(WasmError::Invalid(text) | WasmError::Trap(text)) => assert!(text.len() <= 800),
        Err(WasmError::NoEntry | WasmError::Memory | WasmError::Answer) => {}
    }
}

/// Enough to go everywhere, and an endless loop ends at once.
const FUEL: u64 = 200_000;

/// Names and forms.
type Arguments = &'static [(&'static str, Argument)];

/// Calls that enclaves sign.
const CALLS: &[(&str, &str, Arguments)] = &[
    (
        "Teerex",
        "register_sgx_enclave",
        &[
            ("proof", Argument::Bytes),
            ("worker_url", Argument::OptionalBytes),
            ("attestation_method", Argument::Compound),
        ],
    ),
    (
        "EnclaveBridge",
        "unshield_funds",
        &[
            ("shard", Argument::Hash),
            ("beneficiary", Argument::Hash),
            ("amount", Argument::U128),
            ("call_hash", Argument::Hash),
        ],
    ),
];
