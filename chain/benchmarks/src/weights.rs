// SPDX-License-Identifier: Apache-2.0
//! From what was measured to weights, and to their source text.

use crate::Results;
use frame_benchmarking::{Analysis, BenchmarkResult, BenchmarkSelector};
use std::{
    error::Error,
    fmt::{Display, Formatter},
};

/// What a call takes: a base, and something for each unit of its components.
pub(crate) struct Measured {
    call: String,
    base: Amounts,
    components: Vec<(String, Amounts)>,
}

/// Parts of a weight.
struct Amounts {
    /// Time, in picoseconds.
    ref_time: u128,
    /// Bytes of the proof of what was accessed.
    proof_size: u128,
    /// Entries that were read.
    reads: u128,
    /// Entries that were written.
    writes: u128,
}

impl Measured {
    /// What the results say of `call`.
    pub(crate) fn of(call: String, results: &Results) -> Result<Self, Box<dyn Error>> {
        let analyse = |results: &Vec<BenchmarkResult>, selector| {
            Analysis::min_squares_iqr(results, selector).map_err(|error| format!("{call}: {error}"))
        };
        let time = analyse(&results.times, BenchmarkSelector::ExtrinsicTime)?;
        let proof = analyse(&results.accesses, BenchmarkSelector::ProofSize)?;
        let reads = analyse(&results.accesses, BenchmarkSelector::Reads)?;
        let writes = analyse(&results.accesses, BenchmarkSelector::Writes)?;
        let base =
            Amounts { ref_time: time.base, proof_size: proof.base, reads: reads.base, writes: writes.base };
        let slope =
            |analysis: &Analysis, index: usize| analysis.slopes.get(index).copied().unwrap_or_default();
        let components = time.names.iter().enumerate().map(|(index, name)| {
            let amounts = Amounts {
                ref_time: slope(&time, index),
                proof_size: slope(&proof, index),
                reads: slope(&reads, index),
                writes: slope(&writes, index),
            };
            (name.clone(), amounts)
        });
        Ok(Self { components: components.collect(), call: call.clone(), base })
    }

    /// The function that returns the weight.
    fn function(&self) -> String {
        let arguments: Vec<String> = self.components.iter().map(|(name, _)| format!("{name}: u32")).collect();
        let mut body = self.base.expression();
        for (name, amounts) in &self.components {
            body += &amounts.times(name);
        }
        format!(
            "/// Of `{}`.\npub(super) fn {}<T: frame_system::Config>({}) -> Weight {{\n{body}\n}}\n",
            self.call,
            self.call,
            arguments.join(", "),
        )
    }
}

impl Amounts {
    fn expression(&self) -> String {
        let mut text =
            format!("Weight::from_parts({}, {})", grouped(self.ref_time), grouped(self.proof_size));
        if self.reads + self.writes > 0 {
            text +=
                &format!(".saturating_add(T::DbWeight::get().reads_writes({}, {}))", self.reads, self.writes);
        }
        text
    }

    /// What comes on top for each unit of a component. Nothing, where nothing was seen.
    fn times(&self, component: &str) -> String {
        if self.ref_time + self.proof_size + self.reads + self.writes == 0 {
            return format!(".saturating_add(Weight::zero().saturating_mul({component}.into()))");
        }
        format!(".saturating_add({}.saturating_mul({component}.into()))", self.expression())
    }
}

impl Display for Measured {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Amounts { ref_time, proof_size, reads, writes } = &self.base;
        write!(
            formatter,
            "{:<36} {:>9} µs {reads:>3} reads {writes:>2} writes {proof_size:>7} bytes of proof",
            self.call,
            micros(*ref_time)
        )?;
        for (name, amounts) in &self.components {
            let Amounts { ref_time, reads, writes, .. } = amounts;
            write!(formatter, "; a {name}: {ref_time} ps, {reads} reads, {writes} writes")?;
        }
        Ok(())
    }
}

/// The source text of a pallet's measured weights.
pub(crate) fn file(note: &str, measured: &[Measured]) -> String {
    let functions: Vec<String> = measured.iter().map(Measured::function).collect();
    format!("{HEAD}//! {note}\n\n{USES}\n{}", functions.join("\n"))
}

fn micros(picoseconds: u128) -> String {
    format!("{}.{}", picoseconds / 1_000_000, picoseconds / 100_000 % 10)
}

/// A number with its digits in groups of three.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().flat_map(std::str::from_utf8).collect();
    groups.join("_")
}

const HEAD: &str = "\
// SPDX-License-Identifier: Apache-2.0
//! What the calls take, measured on the runtime's WebAssembly. Made by `UPDATE=1 make weights`, not by hand.
//!
";

const USES: &str = "use frame_support::{traits::Get, weights::Weight};\n";
