// SPDX-License-Identifier: Apache-2.0
//! What is measured of this runtime, with the feature `runtime-benchmarks`: the calls of our own pallets. Those of
//! FRAME's pallets come with the weights that their authors measured.

use codec::Decode;
use pallet_teerex::benchmarking::{BenchmarkHelper, Registration};

frame_benchmarking::define_benchmarks!([pallet_teerex, Teerex][pallet_enclave_bridge, EnclaveBridge]);

/// The registration that the program which runs the benchmarks put into the genesis state. Evidence is made natively.
pub struct RegistrationOfGenesis;

impl BenchmarkHelper for RegistrationOfGenesis {
    fn registration() -> Registration {
        let encoded = sp_io::storage::get(REGISTRATION_KEY).unwrap_or_default();
        Registration::decode(&mut &encoded[..])
            .expect("whoever runs the benchmarks must put an encoded `Registration` under `REGISTRATION_KEY`")
    }
}

/// Where the registration lies in the genesis state.
pub const REGISTRATION_KEY: &[u8] = b":benchmark:registration";
