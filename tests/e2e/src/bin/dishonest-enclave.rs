// SPDX-License-Identifier: Apache-2.0
//! An enclave that is wrong on purpose: it credits twice what is shielded, and claims the measurement of the honest
//! one.
//!
//! Only the development authority, whose key is public, signs such a claim; that is why no chain with value may trust
//! it. For the others of its shard this is a worker whose computing went wrong, and the test of threat model P5 shows
//! what becomes of it. All but the credit is the real enclave.

use offstage_balances::Balances;
use offstage_enclave::{enclave::Enclave, host::converse, platform::SoftwarePlatform};
use offstage_primitives::{AccountId32, H256};
use offstage_sdk::{
    Authenticated, BlockContext, BlockSecret, CallError, CheckedExtrinsic, Effects, Limits, Outcome,
    ReadContext, Reads, ShardContext, StateTransition, Weight,
};
use sp_crypto_hashing::sha2_256;
use std::{error::Error, os::unix::net::UnixStream, path::PathBuf};

/// Balances that are wrong.
struct TwiceTheMoney;

impl StateTransition for TwiceTheMoney {
    type Call = <Balances as StateTransition>::Call;
    type Getter = <Balances as StateTransition>::Getter;

    fn genesis(shard: &ShardContext) {
        Balances::genesis(shard);
    }

    fn enter_block(block: &BlockContext, secret: Option<&BlockSecret>) {
        Balances::enter_block(block, secret);
    }

    fn enter_operation(operation: &H256) {
        Balances::enter_operation(operation);
    }

    fn transient() -> Vec<Vec<u8>> {
        Balances::transient()
    }

    fn begin_block(block: &BlockContext) -> Weight {
        Balances::begin_block(block)
    }

    fn end_block(block: &BlockContext, room: Weight) -> Weight {
        Balances::end_block(block, room)
    }

    fn check_extrinsic(block: &BlockContext, extrinsic: &[u8]) -> Result<CheckedExtrinsic, Outcome> {
        Balances::check_extrinsic(block, extrinsic)
    }

    fn weight_of(call: &Self::Call) -> Weight {
        Balances::weight_of(call)
    }

    fn execute(block: &BlockContext, call: &Authenticated<Self::Call>) -> Result<Effects, CallError> {
        Balances::execute(block, call)
    }

    fn shield(block: &BlockContext, beneficiary: &AccountId32, amount: u128) -> Result<(), CallError> {
        Balances::shield(block, beneficiary, amount.saturating_mul(2))
    }

    fn may_read(reading: &ReadContext, getter: &Self::Getter) -> bool {
        Balances::may_read(reading, getter)
    }

    fn read(getter: &Self::Getter) -> Option<Vec<u8>> {
        Balances::read(getter)
    }

    fn reads() -> Box<dyn Reads> {
        Balances::reads()
    }

    fn metadata() -> Vec<u8> {
        Balances::metadata()
    }

    fn limits() -> Limits {
        Balances::limits()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // `--socket <path> --data-dir <path>`, as the worker service starts every enclave.
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag);
        place
            .and_then(|place| arguments.get(place + 1))
            .map(PathBuf::from)
            .ok_or(format!("{flag} is missing"))
    };
    let honest = std::env::var_os(HONEST_ENCLAVE).ok_or("the honest enclave is not named")?;
    let claimed = sha2_256(&std::fs::read(honest)?).into();
    let data_dir = value("--data-dir")?;
    let platform = SoftwarePlatform::open(&data_dir, claimed)?;
    let mut enclave = Enclave::<TwiceTheMoney>::open(Box::new(platform), &data_dir)?;
    let stream = UnixStream::connect(value("--socket")?)?;
    converse(&mut enclave, stream.try_clone()?, stream)?;
    Ok(())
}

/// Names the binary whose measurement is claimed.
const HONEST_ENCLAVE: &str = "OFFSTAGE_HONEST_ENCLAVE";
