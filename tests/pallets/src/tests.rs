// SPDX-License-Identifier: Apache-2.0
//! What users do, pallet by pallet.

mod accounts;
mod assets;
#[cfg(feature = "contracts")]
mod contracts;
mod fees;
mod governance;
mod identity;
mod referenda;

use crate::runtime::{RuntimeCall, RuntimeEvent};
use codec::Decode;
use offstage_primitives::{AccountId32, H256, trusted::MAX_OPERATION_LEN};
use offstage_sdk::{
    Operation, OperationOutcome, Outcome, StateTransition,
    frame::{NoClassicCalls, Shard, ShardRuntime},
    testing::{TestAccount, TestWorker},
};
use pallet_balances::{AccountData, TotalIssuance};
use std::collections::{BTreeMap, BTreeSet};

/// A runtime of these tests.
trait Money:
    ShardRuntime + frame_system::Config<AccountData = AccountData<u128>> + pallet_balances::Config<Balance = u128>
{
}

impl Money for crate::runtime::Runtime {}
#[cfg(feature = "contracts")]
impl Money for crate::contracts::Runtime {}
impl Money for crate::fees::Runtime {}

/// A shard, and what was executed in it.
struct TestShard<R: Money = crate::runtime::Runtime> {
    worker: TestWorker<Shard<R>>,
    /// The operations of each block, from the first on.
    blocks: Vec<Vec<Operation<NoClassicCalls>>>,
    /// What the shard holds on the parentchain.
    held: u128,
}

impl<R: Money> TestShard<R> {
    /// A shard in which each of these accounts has a million.
    fn with(accounts: &[&TestAccount]) -> Self {
        let mut shard = Self { worker: TestWorker::production(), blocks: Vec::new(), held: 0 };
        for (number, account) in (1..).zip(accounts) {
            let hash = H256::from_low_u64_be(number);
            let shield = Operation::Shield { hash, beneficiary: account.id(), amount: MILLION };
            let outcomes = shard.run(vec![shield]);
            assert_eq!(outcomes[0].outcome, Outcome::Executed);
            shard.held += MILLION;
        }
        shard
    }

    /// Executes a block. A worker that was started for it, with nothing in its cache, gets the same out of it.
    fn run(&mut self, operations: Vec<Operation<NoClassicCalls>>) -> Vec<OperationOutcome> {
        for operation in &operations {
            if let Operation::Extrinsic { extrinsic, .. } = operation {
                assert!(extrinsic.len() < MAX_OPERATION_LEN, "it fits into an envelope");
            }
        }
        let cold = self.worker.restarted().execute_next(&operations);
        assert!(cold.prepared, "hooks went through");
        let outcomes = self.worker.run_block(&operations);
        assert_eq!((cold.root, &cold.outcomes), (self.worker.root, &outcomes));
        for effect in outcomes.iter().flat_map(|outcome| &outcome.effects) {
            self.held -= effect.payment();
        }
        self.blocks.push(operations);
        outcomes
    }

    fn run_to(&mut self, number: u32) {
        while self.number() < number {
            self.run(Vec::new());
        }
    }

    /// Number of the last block.
    fn number(&self) -> u32 {
        self.worker.block.number
    }

    fn look<T>(&self, look: impl FnOnce() -> T) -> T {
        self.worker.inspect(look)
    }

    fn account(&self, account: &AccountId32) -> AccountData<u128> {
        self.look(|| frame_system::Account::<R>::get(account).data)
    }

    fn free(&self, account: &TestAccount) -> u128 {
        self.account(&account.id()).free
    }

    fn reserved(&self, account: &TestAccount) -> u128 {
        self.account(&account.id()).reserved
    }

    /// The money adds up, and a worker that joins now gets to the same state from the blocks alone.
    fn finish(self) {
        let (issued, owned) = self.look(|| {
            let owned =
                frame_system::Account::<R>::iter_values().map(|info| info.data.free + info.data.reserved);
            (TotalIssuance::<R>::get(), owned.sum::<u128>())
        });
        assert_eq!((issued, owned), (self.held, self.held));
        let mut joining = TestWorker::<Shard<R>>::production();
        for block in &self.blocks {
            joining = joining.restarted();
            joining.run_block(block);
        }
        assert_eq!((joining.block.number, joining.root), (self.number(), self.worker.root));
    }
}

/// For the runtime whose extrinsics have the SDK's extensions alone.
impl TestShard {
    /// Signs a call as a wallet does, and executes it in a block of its own.
    fn submit(&mut self, account: &TestAccount, call: impl Into<RuntimeCall>) -> OperationOutcome {
        let extrinsic = self.worker.extrinsic(account, call, self.worker.nonce(account));
        self.run(vec![extrinsic]).remove(0)
    }

    /// The events of a call that is executed.
    #[track_caller]
    fn executes(&mut self, account: &TestAccount, call: impl Into<RuntimeCall>) -> Vec<RuntimeEvent> {
        let done = self.submit(account, call);
        assert_eq!((done.outcome, done.refusal()), (Outcome::Executed, None));
        events(&done)
    }

    /// A call that is refused with this error has no events but this, and costs its nonce alone.
    #[track_caller]
    fn refuses(&mut self, account: &TestAccount, call: impl Into<RuntimeCall>, error: &str) {
        let nonce = self.worker.nonce(account);
        let before = self.account(&account.id());
        let done = self.submit(account, call);
        assert_eq!((done.outcome, done.refusal()), (Outcome::Refused, Some(error)));
        assert_eq!((self.account(&account.id()), self.worker.nonce(account)), (before, nonce + 1));
    }
}

fn events(done: &OperationOutcome) -> Vec<RuntimeEvent> {
    done.report
        .events
        .iter()
        .map(|event| RuntimeEvent::decode(&mut &event[..]).expect("an event of the runtime"))
        .collect()
}

/// Alice, Bob and Charlie.
fn three() -> [TestAccount; 3] {
    ["Alice", "Bob", "Charlie"].map(TestAccount::named)
}

fn transfer(to: &TestAccount, value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_allow_death { dest: to.id().into(), value }.into()
}

/// Tools read calls, events and storage of all these pallets from the metadata that a worker serves.
#[test]
fn the_metadata_names_all_pallets() {
    use frame_support::traits::PalletsInfoAccess;
    let metadata = <Shard<crate::runtime::Runtime> as StateTransition>::metadata();
    assert_eq!(&metadata[..5], b"meta\x0e");
    let infos = crate::runtime::AllPalletsWithSystem::infos();
    assert_eq!(infos.len(), 18);
    for pallet in infos {
        let name = [&[pallet.name.len() as u8 * 4], pallet.name.as_bytes()].concat();
        assert!(metadata.windows(name.len()).any(|window| window == name), "{}", pallet.name);
    }
}

/// What runs here is the FRAME, and the primitives under it, that the enclave is built with.
#[test]
fn the_versions_are_those_that_are_shipped() {
    let versions = |path: &str| {
        let lock = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut known = BTreeMap::<String, BTreeSet<String>>::new();
        for (line, next) in lock.lines().zip(lock.lines().skip(1)) {
            if let (Some(name), Some(version)) =
                (line.strip_prefix("name = "), next.strip_prefix("version = "))
            {
                known.entry(name.trim_matches('"').to_owned()).or_default().insert(version.to_owned());
            }
        }
        known
    };
    let here = versions(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let shipped = versions(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));
    let compared = here.iter().filter(|(name, _)| {
        let ours = ["frame-", "offstage-", "pallet-", "parity-", "sp-"];
        ours.iter().any(|prefix| name.starts_with(prefix)) && shipped.contains_key(*name)
    });
    let mut count = 0;
    for (name, versions) in compared {
        count += 1;
        assert!(
            versions.is_subset(&shipped[name]),
            "{name}: cargo update -p {name} --precise, as in the workspace's"
        );
    }
    assert!(count > 40, "{count} compared");
}

const MILLION: u128 = 1_000_000;
