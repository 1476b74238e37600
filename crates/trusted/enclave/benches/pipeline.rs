// SPDX-License-Identifier: Apache-2.0
//! How fast an enclave is, from verified block to commit: `cargo bench -p offstage-enclave`.
//!
//! Everything runs through [`Enclave::handle`](offstage_enclave::enclave::Enclave::handle), on a store on disk, with a
//! chain in memory. Goals are ratios within one run, because machines differ; what is below its goal is printed as
//! such. Nothing here fails for being slow.
#![expect(clippy::disallowed_methods, reason = "a benchmark is the host: it owns clock, disk and arguments")]

#[expect(dead_code, reason = "the tests use more of the kit")]
#[path = "../tests/enclave/kit.rs"]
mod kit;

use codec::Encode;
use kit::{Encryptor, Host, MEASUREMENT, World, start};
use offstage_balances::{
    Balances,
    runtime::{self, Runtime, RuntimeCall, UncheckedExtrinsic},
};
use offstage_balances_interface::{Getter, TrustedCall};
use offstage_enclave::{
    enclave::{Enclave, STORE_FILE},
    keys::ShieldingKey,
    platform::{Platform, SoftwarePlatform},
    store::{Change, Head, Store},
};
use offstage_primitives::{
    AccountId32, H256,
    read::{Permit, Question, permit_payload},
    shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN, rsa_operations_per_block},
    trusted::{TrustedCallSigned, TrustedOperation, call_payload, shard_genesis_hash},
};
use offstage_protocol::{EnclaveResponse, HostRequest, Untrusted};
use offstage_sdk::{
    BlockContext, BlockSecret, Executor, Operation,
    testing::{TestWorker, frame::tx_extension},
};
use sp_core::{Pair, sr25519};
use sp_runtime::generic::Era;
use std::{
    io::Write,
    num::NonZeroUsize,
    path::Path,
    thread,
    time::{Duration, Instant},
};

fn main() {
    // `cargo test --benches` runs this file too; there is nothing to test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut small = Shard::with_accounts(1_000);
    let mut large = Shard::with_accounts(100_000);

    // The machine may be busy with something else for a while: what is compared is measured in turns.
    let (mut rsa, mut with_small, mut with_large) = (Vec::new(), Vec::new(), Vec::new());
    let (mut full_small, mut full_large) = (Vec::new(), Vec::new());
    let mut extrinsics = Vec::new();
    for _ in 0..ROUNDS {
        rsa.push(rsa_rate(&small.key()));
        with_small.push(small.calls_per_second(BLOCKS, CALLS_PER_BLOCK));
        small.form = Form::Extrinsic;
        extrinsics.push(small.calls_per_second(BLOCKS, CALLS_PER_BLOCK));
        small.form = Form::Classic;
        full_small.push(small.calls_per_second(FULL_BLOCKS, CALLS_PER_FULL_BLOCK));
        rsa.push(rsa_rate(&small.key()));
        with_large.push(large.calls_per_second(BLOCKS, CALLS_PER_BLOCK));
        full_large.push(large.calls_per_second(FULL_BLOCKS, CALLS_PER_FULL_BLOCK));
    }
    let (rsa, with_small, with_large) = (median(rsa), median(with_small), median(with_large));
    let (full_small, full_large) = (median(full_small), median(full_large));
    let extrinsics = median(extrinsics);
    let reads = small.reads_per_second();
    let together = rsa_rate_of_all(&small.key(), cores);
    let sync = sync_time(small.host.dir.path());
    let empty = small.empty_block();
    let hooks = hooks_of_an_empty_block();
    let worst = small.worst_block();
    let restart = large.restart();

    let ideal = rsa * cores as f64;
    println!();
    println!(
        "cores {cores} · RSA-3072 decryptions per second: one core alone {rsa:.0}, all together {together:.0} · one \
         fsync of this disk {}",
        ms(sync)
    );
    println!();
    println!("| measured | result | goal | |");
    println!("|---|---|---|---|");
    row(
        &format!("calls per second over cores x RSA rate ({with_small:.0} calls/s, 10^3 accounts)"),
        format!("{:.2}", with_small / ideal),
        "at least 0.9",
        with_small / ideal >= 0.9,
    );
    row(
        &format!("calls per second at 10^5 accounts over at 10^3 ({with_large:.0} calls/s)"),
        format!("{:.2}", with_large / with_small),
        "at least 0.8",
        with_large / with_small >= 0.8,
    );
    row(
        &format!(
            "the same in blocks of {CALLS_PER_FULL_BLOCK} ({full_small:.0} and {full_large:.0} calls/s)"
        ),
        format!("{:.2}", full_large / full_small),
        "at least 0.8",
        full_large / full_small >= 0.8,
    );
    row(
        &format!(
            "extrinsics of a FRAME runtime per second over classic calls ({extrinsics:.0} extrinsics/s)"
        ),
        format!("{:.2}", extrinsics / with_small),
        "at least 0.95",
        extrinsics / with_small >= 0.95,
    );
    row(
        "storage items read by name with a permit, per second and core, over RSA decryptions",
        format!("{:.0} ({reads:.0}/s)", reads / rsa),
        "at least 1",
        reads >= rsa,
    );
    let share = worst.as_secs_f64() / (WORST_BLOCK_TIME as f64 / 1000.0);
    row(
        &format!(
            "a block full of the worst envelopes ({} RSA operations, {}), as a share of its block time of \
             {WORST_BLOCK_TIME} ms",
            rsa_operations_per_block(WORST_BLOCK_TIME),
            ms(worst)
        ),
        format!("{share:.2}"),
        "at most 0.5",
        share <= 0.5,
    );
    row("an empty block, verified and committed", ms(empty), "under 2 ms", empty < Duration::from_millis(2));
    row(
        "hooks of an empty block of examples/private-assets, and its state's root",
        ms(hooks),
        "under 2 ms",
        hooks < Duration::from_millis(2),
    );
    row(
        "restart with 10^5 accounts until it registers",
        ms(restart),
        "under 2 s",
        restart < Duration::from_secs(2),
    );
    println!();
}

/// What the runtime of the largest example does in a block without operations, in memory.
fn hooks_of_an_empty_block() -> Duration {
    let mut worker = TestWorker::<offstage_private_assets::Logic>::development();
    worker.run_to_block(10);
    let start = Instant::now();
    worker.run_to_block(10 + EMPTY_BLOCKS as u32);
    start.elapsed() / EMPTY_BLOCKS as u32
}

/// How a call is signed and sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Classic,
    Extrinsic,
}

/// A transfer as an extrinsic of the runtime, good for ever.
fn extrinsic(world: &World, from: &sr25519::Pair, to: &sr25519::Pair, nonce: u32) -> Vec<u8> {
    let transfer = pallet_balances::Call::transfer_allow_death { dest: id(to).into(), value: 1_000_000 };
    let call = RuntimeCall::Balances(transfer);
    let extensions = tx_extension::<Runtime>(nonce, Era::Immortal);
    let genesis = shard_genesis_hash(&world.chain.header(0).hash().into(), &world.shard);
    let version = (runtime::VERSION.spec_version, runtime::VERSION.transaction_version);
    let payload = (&call, &extensions, version, genesis, genesis, None::<[u8; 32]>).encode();
    let signature = from.sign(&payload).into();
    UncheckedExtrinsic::new_signed(call, id(from).into(), signature, extensions).encode()
}

/// A serving enclave with funded accounts.
struct Shard {
    world: World,
    host: Host,
    accounts: Vec<sr25519::Pair>,
    nonces: Vec<u32>,
    form: Form,
    /// Walks through the accounts in a fixed, scattered order.
    next: usize,
}

impl Shard {
    /// The accounts are put into the store by the executor, because paying in for each would take an RSA operation.
    fn with_accounts(count: usize) -> Self {
        let mut world = World::new();
        let host = Host::serving(&mut world);
        let dir = host.dir.clone();
        drop(host);
        let accounts: Vec<sr25519::Pair> = (0..count)
            .map(|index| {
                let mut seed = [7; 32];
                seed[..8].copy_from_slice(&(index as u64).to_le_bytes());
                sr25519::Pair::from_seed(&seed)
            })
            .collect();
        let platform = SoftwarePlatform::open(dir.path(), MEASUREMENT).unwrap();
        let mut store =
            Store::open(&dir.path().join(STORE_FILE), &platform.sealing_key().unwrap(), || unreachable!())
                .unwrap();
        for group in accounts.chunks(10_000) {
            fund(&mut store, group);
        }
        drop(store);
        let mut host = Host::on(&world, dir).unwrap();
        host.serve(&mut world);
        let nonces = vec![0; count];
        let mut shard = Self { world, host, accounts, nonces, form: Form::Classic, next: 0 };
        // Fills the journal's window, so that what is measured is the steady state.
        shard.run(40, 4);
        shard
    }

    fn key(&self) -> std::sync::Arc<ShieldingKey> {
        self.host.view().picture_for_verified_peer().unwrap().shielding_key.clone().unwrap()
    }

    fn calls_per_second(&mut self, blocks: usize, calls: usize) -> f64 {
        let time = self.run(blocks, calls);
        (blocks * calls) as f64 / time.as_secs_f64()
    }

    /// Executes blocks of transfers between accounts all over the state; only the imports are timed.
    fn run(&mut self, blocks: usize, calls: usize) -> Duration {
        let key = self.host.key();
        for _ in 0..blocks {
            let mut content = self.world.block();
            for _ in 0..calls {
                content = content.invoke(self.world.shard, self.call(&key));
            }
            self.world.add(content);
        }
        self.host.finalize(&self.world);
        let before = self.host.status().operations;
        let mut time = Duration::ZERO;
        for _ in 0..blocks {
            let bundle = self.host.next_bundle(&self.world);
            let request = HostRequest::ImportBlock(Box::new(bundle));
            let begin = Instant::now();
            let response = self.host.ask(request);
            time += begin.elapsed();
            assert!(matches!(response, EnclaveResponse::Done(_)), "{response:?}");
        }
        assert_eq!(self.host.status().operations - before, (blocks * calls) as u64);
        time
    }

    fn call(&mut self, key: &Encryptor) -> Vec<u8> {
        self.next = (self.next + SCATTER) % self.accounts.len();
        let (from, to) =
            (&self.accounts[self.next], &self.accounts[(self.next * 31 + 7) % self.accounts.len()]);
        let nonce = self.nonces[self.next];
        self.nonces[self.next] += 1;
        if self.form == Form::Extrinsic {
            return key.encrypt(&[&[4], &extrinsic(&self.world, from, to, nonce)[..]].concat());
        }
        let call = TrustedCall::BalanceTransfer(id(from), id(to), 1_000_000);
        let signature = from.sign(&call_payload(&call, nonce, &MEASUREMENT, &self.world.shard)).into();
        let signed = TrustedCallSigned { call, nonce, signature };
        key.encrypt(&TrustedOperation::<_, Getter>::IndirectCall(signed).encode())
    }

    /// Accounts that read their own entry, on one core.
    fn reads_per_second(&self) -> f64 {
        let view = self.host.view();
        let identity = view.identity();
        let expires = view.position().number + 100;
        let mut questions = self.accounts.iter().map(|pair| {
            let payload = permit_payload(&id(pair), expires, &identity.genesis_hash, &identity.shard);
            let permit = Permit { account: id(pair), expires, signature: pair.sign(&payload).into() };
            let (pallet, name) = ("System".into(), "Account".into());
            (Question::Item { pallet, name, arguments: vec![id(pair).encode()] }, permit)
        });
        let (mut count, mut time) = (0, Duration::ZERO);
        while let Some((question, permit)) = questions.next().filter(|_| time < RSA_TIME) {
            let begin = Instant::now();
            let answer = view.read(&question, Some(&permit)).unwrap();
            time += begin.elapsed();
            assert!(answer.value.is_some());
            count += 1;
        }
        f64::from(count) / time.as_secs_f64()
    }

    fn empty_block(&mut self) -> Duration {
        self.run(EMPTY_BLOCKS, 0) / EMPTY_BLOCKS as u32
    }

    /// A block that causes as many RSA operations as the chain lets it, in envelopes of the greatest length that nobody
    /// can open.
    fn worst_block(&mut self) -> Duration {
        let mut content = self.world.block();
        let mut left = rsa_operations_per_block(WORST_BLOCK_TIME) as usize;
        let mut count = 0;
        while left > 0 {
            let chunks = left.min(MAX_CYPHERTEXT_LEN / RSA_LEN);
            content = content.invoke(self.world.shard, vec![1; chunks * RSA_LEN]);
            left -= chunks;
            count += 1;
        }
        self.world.add(content);
        self.host.finalize(&self.world);
        let before = self.host.status().operations;
        let request = HostRequest::ImportBlock(Box::new(self.host.next_bundle(&self.world)));
        let begin = Instant::now();
        let response = self.host.ask(request);
        let time = begin.elapsed();
        assert!(matches!(response, EnclaveResponse::Done(_)), "{response:?}");
        assert_eq!(self.host.status().operations - before, count);
        time
    }

    /// From the start of the process (its reading of flags excepted) to where it registers.
    fn restart(self) -> Duration {
        let Self { world, host, .. } = self;
        let dir = host.dir.clone();
        let position = host.view().position();
        drop(host);
        let request = HostRequest::Start(Box::new(start(&world)));
        let begin = Instant::now();
        let platform = SoftwarePlatform::open(dir.path(), MEASUREMENT).unwrap();
        let mut enclave = Enclave::<Balances>::open(Box::new(platform), dir.path()).unwrap();
        assert!(matches!(enclave.handle(request), EnclaveResponse::Started(_)));
        enclave.handle(HostRequest::AtFinalizedHead(Untrusted::new(position.hash)));
        let EnclaveResponse::Collected { extrinsics, .. } = enclave.handle(HostRequest::Collect) else {
            panic!()
        };
        let time = begin.elapsed();
        assert_eq!(extrinsics.len(), 1);
        time
    }
}

fn fund(store: &mut Store, accounts: &[sr25519::Pair]) {
    let head = store.head().unwrap().clone();
    let operations: Vec<Operation<TrustedCall>> = accounts
        .iter()
        .enumerate()
        .map(|(index, pair)| Operation::Shield {
            hash: H256::from_low_u64_be(index as u64),
            beneficiary: id(pair),
            amount: 1_000_000_000_000_000,
        })
        .collect();
    let block = BlockContext {
        shard: head.birth.as_ref().unwrap().context(head.shard, head.genesis_hash),
        number: head.position.number,
        hash: head.position.hash,
        timestamp_ms: head.facts.as_ref().unwrap().timestamp_ms,
        payout: head.facts.as_ref().unwrap().payout,
        ancestors: head.ancestors.clone(),
        parentchain: Default::default(),
    };
    let snapshot = store.snapshot().unwrap();
    let secret = BlockSecret::new([0; 32].into());
    let outcome = Executor::<Balances>::new()
        .execute_block(&snapshot, head.state_root, &block, &secret, &operations)
        .unwrap();
    assert!(outcome.outcomes.iter().all(|outcome| outcome.outcome.is_success()));
    let head = Head { state_root: outcome.root, ..head };
    store.commit(Change { head: Some(head), nodes: outcome.changes, ..Change::default() }).unwrap();
}

/// Decryptions per second of one core.
fn rsa_rate(key: &ShieldingKey) -> f64 {
    let envelope = Encryptor::new(&key.public()).encrypt(&[7; 200]);
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < RSA_TIME {
        assert!(key.decrypt(&envelope).is_ok());
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

/// Decryptions per second of all cores at once: less than so many times one core's, where cores share what they work
/// with.
fn rsa_rate_of_all(key: &ShieldingKey, cores: usize) -> f64 {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| rsa_rate(key))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn sync_time(dir: &Path) -> Duration {
    let mut file = std::fs::File::create(dir.join("sync")).unwrap();
    let begin = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    begin.elapsed() / SYNCS
}

fn id(pair: &sr25519::Pair) -> AccountId32 {
    AccountId32::new(pair.public().0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn row(what: &str, result: String, goal: &str, reached: bool) {
    println!("| {what} | {result} | {goal} | {} |", if reached { "reached" } else { "BELOW GOAL" });
}

const ROUNDS: usize = 3;
const BLOCKS: usize = 10;
const CALLS_PER_BLOCK: usize = 100;
/// What two cores do in about a second.
const CALLS_PER_FULL_BLOCK: usize = 600;
const FULL_BLOCKS: usize = 3;
const EMPTY_BLOCKS: usize = 200;
/// Block time of the block that is full of the worst, in milliseconds: that of most chains.
const WORST_BLOCK_TIME: u64 = 6_000;
const RSA_TIME: Duration = Duration::from_millis(1500);
const SYNCS: u32 = 100;

/// Coprime to the numbers of accounts.
const SCATTER: usize = 7_919;
