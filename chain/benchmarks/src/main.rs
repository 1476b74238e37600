// SPDX-License-Identifier: Apache-2.0
//! Runs the FRAME benchmarks of our pallets on the runtime's WebAssembly, and writes the weights that they show.
//! `make weights`; `offstage-benchmarks FOLDER NOTE` writes `FOLDER/PALLET.rs`, with the note in its head.
//!
//! # Why not Parity's program
//! `frame-omni-bencher` gives a runtime the host functions that every chain has. Ours verifies quotes with a host
//! function of its own, and this verification is most of what a registration costs. Apart from that this program does
//! what Parity's does, with the same parts: the state that counts accesses and proves them, the executor, and the
//! analysis.
//!
//! # How
//! Each benchmark is run once with its checks, once on a state that counts what is read and written, and [`REPEATS`]
//! times for the time. A benchmark with components is run so at [`STEPS`] values of each, while the others are at their
//! highest. Of the times, FRAME's analysis leaves out the lowest and the highest quarter.

mod genesis;
mod weights;

use codec::{Decode, Encode};
use frame_benchmarking::{
    BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkParameter, BenchmarkResult,
};
use offstage_runtime::{WASM_BINARY, quote_verification::quote_verification};
use sc_client_db::BenchmarkingState;
use sc_executor::WasmExecutor;
use sp_core::traits::{CallContext, RuntimeCode, WrappedRuntimeCode};
use sp_externalities::Extensions;
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::StateMachine;
use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, note] = &arguments[..] else {
        return Err("usage: offstage-benchmarks FOLDER NOTE".into());
    };
    std::fs::create_dir_all(folder)?;
    let runtime = Runtime::new()?;
    let (pallets, _): (Vec<BenchmarkList>, Vec<frame_support::traits::StorageInfo>) =
        runtime.call(&runtime.timing, "Benchmark_benchmark_metadata", &false)?;
    for pallet in pallets {
        let name = String::from_utf8(pallet.pallet.clone())?;
        let mut measured = Vec::new();
        for benchmark in &pallet.benchmarks {
            let call = String::from_utf8(benchmark.name.clone())?;
            let results = runtime.measure(&pallet, &benchmark.name, &benchmark.components)?;
            let weight = weights::Measured::of(call, &results)?;
            println!("{name}::{weight}");
            measured.push(weight);
        }
        std::fs::write(Path::new(folder).join(format!("{name}.rs")), weights::file(note, &measured))?;
    }
    Ok(())
}

/// What a benchmark showed.
struct Results {
    /// Times.
    times: Vec<BenchmarkResult>,
    /// What was read, written and proven.
    accesses: Vec<BenchmarkResult>,
}

type HostFunctions = (
    sp_io::SubstrateHostFunctions,
    frame_benchmarking::benchmarking::HostFunctions,
    quote_verification::HostFunctions,
);

type State = BenchmarkingState<BlakeTwo256>;

/// The runtime's WebAssembly, and the states on which it runs.
struct Runtime {
    code: WrappedRuntimeCode<'static>,
    executor: WasmExecutor<HostFunctions>,
    /// Counts what is read and written, and proves it.
    counting: State,
    /// Does neither, so that times are those of a node that makes blocks.
    timing: State,
}

impl Runtime {
    fn new() -> Result<Self, Box<dyn Error>> {
        let code = WASM_BINARY
            .ok_or("this was built without the runtime's WebAssembly: leave out SKIP_WASM_BUILD")?;
        let genesis = genesis::storage()?;
        Ok(Self {
            code: WrappedRuntimeCode(code.into()),
            executor: WasmExecutor::builder().build(),
            counting: State::new(genesis.clone(), None, true, true)?,
            timing: State::new(genesis, None, false, false)?,
        })
    }

    fn measure(
        &self,
        pallet: &BenchmarkList,
        benchmark: &[u8],
        components: &[(BenchmarkParameter, u32, u32)],
    ) -> Result<Results, Box<dyn Error>> {
        let mut results = Results { times: Vec::new(), accesses: Vec::new() };
        for selected_components in values_of(components) {
            let run = |state, verify, internal_repeats| {
                let config = BenchmarkConfig {
                    pallet: pallet.pallet.clone(),
                    instance: pallet.instance.clone(),
                    benchmark: benchmark.to_vec(),
                    selected_components: selected_components.clone(),
                    verify,
                    internal_repeats,
                };
                self.dispatch(state, &config)
            };
            run(&self.timing, true, 1)?;
            results.accesses.extend(run(&self.counting, false, 1)?);
            let repeats = if components.is_empty() { REPEATS * STEPS } else { REPEATS };
            results.times.extend(run(&self.timing, false, repeats)?);
        }
        Ok(results)
    }

    fn dispatch(
        &self,
        state: &State,
        config: &BenchmarkConfig,
    ) -> Result<Vec<BenchmarkResult>, Box<dyn Error>> {
        let answer: Result<Vec<BenchmarkBatch>, String> =
            self.call(state, "Benchmark_dispatch_benchmark", config)?;
        let name = String::from_utf8_lossy(&config.benchmark);
        let batches = answer.map_err(|error| format!("{name}: {error}"))?;
        Ok(batches.into_iter().flat_map(|batch| batch.results).collect())
    }

    fn call<Answer: Decode>(
        &self,
        state: &State,
        function: &str,
        argument: &impl Encode,
    ) -> Result<Answer, Box<dyn Error>> {
        let code = RuntimeCode { code_fetcher: &self.code, heap_pages: None, hash: vec![0] };
        let (mut changes, mut extensions) = (Default::default(), Extensions::default());
        let argument = argument.encode();
        let answer = StateMachine::new(
            state,
            &mut changes,
            &self.executor,
            function,
            &argument,
            &mut extensions,
            &code,
            CallContext::Offchain,
        )
        .execute()
        .map_err(|error| format!("{function}: {error}"))?;
        Ok(Answer::decode(&mut &answer[..])?)
    }
}

/// The values at which to run a benchmark: [`STEPS`] of each component, while the others are at their highest.
fn values_of(components: &[(BenchmarkParameter, u32, u32)]) -> Vec<Vec<(BenchmarkParameter, u32)>> {
    if components.is_empty() {
        return vec![Vec::new()];
    }
    let mut values = Vec::new();
    for (varied, lowest, highest) in components {
        let steps = STEPS.min(highest - lowest + 1);
        for step in 0..steps {
            let last = u64::from(steps - 1).max(1);
            let value = lowest + (u64::from(highest - lowest) * u64::from(step) / last) as u32;
            let at = |(name, _, highest): &(BenchmarkParameter, u32, u32)| {
                (*name, if name == varied { value } else { *highest })
            };
            values.push(components.iter().map(at).collect());
        }
    }
    values
}

/// Values of each component.
const STEPS: u32 = 10;

/// Times that a benchmark is run at each value; one without components is run as often in all.
const REPEATS: u32 = 20;
