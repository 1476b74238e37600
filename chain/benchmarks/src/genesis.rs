// SPDX-License-Identifier: Apache-2.0
//! The state on which the benchmarks start: the default genesis, and a registration with genuine evidence, which only
//! native code can make.

use codec::Encode;
use offstage_attestation::development::{Report, quote};
use offstage_primitives::{
    AccountId32, H256, KeyDigest, Measurement,
    attestation::{DEVELOPMENT_ROOT, KeyBinding, RegistrationProof},
};
use offstage_runtime::{RuntimeGenesisConfig, benchmarking::REGISTRATION_KEY};
use pallet_teerex::benchmarking::Registration;
use sp_core::storage::Storage;
use sp_runtime::BuildStorage;
use std::error::Error;

/// The genesis state.
pub(crate) fn storage() -> Result<Storage, Box<dyn Error>> {
    let mut storage = RuntimeGenesisConfig::default().build_storage()?;
    storage.top.insert(REGISTRATION_KEY.to_vec(), registration()?.encode());
    Ok(storage)
}

/// A registration whose quote and collateral the development authority signed.
fn registration() -> Result<Registration, Box<dyn Error>> {
    let signer = AccountId32::new([0xaa; 32]);
    let genesis_hash = H256::repeat_byte(0x6e);
    let binding = KeyBinding {
        genesis_hash: genesis_hash.into(),
        shard: MEASUREMENT.into(),
        shielding_key: KeyDigest::repeat_byte(1),
        tls_public_key: KeyDigest::repeat_byte(2),
        boot_nonce: [3; 32],
    };
    let report = Report { measurement: MEASUREMENT, report_data: binding.report_data(&signer), debug: false };
    let evidence = quote(&report, NOW / 1_000)?;
    Ok(Registration {
        root_certificate: DEVELOPMENT_ROOT.to_vec(),
        now: NOW,
        genesis_hash,
        signer,
        proof: RegistrationProof { evidence, binding: Some(binding) },
    })
}

/// Chain time, in milliseconds since the Unix epoch.
const NOW: u64 = 1_800_000_000_000;

/// What the quote says of the code.
const MEASUREMENT: Measurement = Measurement([0x11; 32]);
