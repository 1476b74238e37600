// SPDX-License-Identifier: Apache-2.0
//! A contract in the machine code of Ethereum: it counts, for whoever calls it.

use super::{MILLION, TestShard, three};
use crate::contracts::{Revive, Runtime, RuntimeCall, RuntimeEvent};
use codec::Decode;
use frame_support::weights::Weight;
use offstage_sdk::{OperationOutcome, Outcome, testing::TestAccount};
use pallet_revive::{AddressMapper, H160};

type Shard = TestShard<Runtime>;
type Mapper = pallet_revive::AccountId32Mapper<Runtime>;

/// Adds the first word of the input to slot 0, and returns the sum. Reverts when the word is zero.
#[rustfmt::skip]
const COUNTER: [u8; 30] = [
    0x60, 0x00, 0x35,             // CALLDATALOAD(0)
    0x80, 0x15, 0x60, 0x18, 0x57, // JUMPI(revert, it is zero)
    0x60, 0x00, 0x54, 0x01,       // + SLOAD(0)
    0x80, 0x60, 0x00, 0x55,       // SSTORE(0, sum)
    0x60, 0x00, 0x52,             // MSTORE(0, sum)
    0x60, 0x20, 0x60, 0x00, 0xf3, // RETURN(0, 32)
    0x5b, 0x60, 0x00, 0x60, 0x00, 0xfd, // REVERT(0, 0)
];

/// Returns [`COUNTER`], which stands behind it.
const CONSTRUCTOR: [u8; 11] = [0x60, 0x1e, 0x80, 0x60, 0x0b, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3];

fn submit(shard: &mut Shard, account: &TestAccount, call: impl Into<RuntimeCall>) -> OperationOutcome {
    let extrinsic = shard.worker.extrinsic(account, call, shard.worker.nonce(account));
    shard.run(vec![extrinsic]).remove(0)
}

/// A fifth of what a call may weigh.
const GAS: Weight = Weight::from_parts(100_000_000_000, u64::MAX / 4);

fn deploy(salt: Option<[u8; 32]>) -> pallet_revive::Call<Runtime> {
    pallet_revive::Call::instantiate_with_code {
        value: 0,
        weight_limit: GAS,
        storage_deposit_limit: 10_000,
        code: [&CONSTRUCTOR[..], &COUNTER].concat(),
        data: Vec::new(),
        salt,
    }
}

fn count(dest: H160, by: u8) -> pallet_revive::Call<Runtime> {
    let mut data = vec![0; 32];
    data[31] = by;
    pallet_revive::Call::call { dest, value: 0, weight_limit: GAS, storage_deposit_limit: 10_000, data }
}

/// Where a contract was deployed, as its deployer is told.
fn deployed(done: &OperationOutcome) -> H160 {
    assert_eq!((done.outcome, done.refusal()), (Outcome::Executed, None));
    let events =
        done.report.events.iter().map(|event| RuntimeEvent::decode(&mut &event[..]).expect("an event"));
    let mut contracts = events.filter_map(|event| match event {
        RuntimeEvent::Revive(pallet_revive::Event::Instantiated { contract, .. }) => Some(contract),
        _ => None,
    });
    contracts.next().expect("it is told")
}

fn counted(shard: &Shard, contract: H160) -> Option<u8> {
    let slot = shard.look(|| Revive::get_storage(contract, [0; 32])).expect("the contract is there");
    slot.map(|word| word[31])
}

#[test]
fn revive() {
    let [alice, bob, charlie] = three();
    let mut shard = Shard::with(&[&alice, &bob]);
    // An account has no address of 20 bytes before it asks for one.
    let early = submit(&mut shard, &alice, deploy(None));
    assert_eq!(early.refusal(), Some("Revive.AccountUnmapped"));
    for account in [&alice, &bob] {
        let mapped = submit(&mut shard, account, pallet_revive::Call::map_account {});
        assert_eq!((mapped.outcome, mapped.refusal()), (Outcome::Executed, None));
    }
    let contract = deployed(&submit(&mut shard, &alice, deploy(Some([1; 32]))));
    assert_eq!(counted(&shard, contract), None);
    // Everybody counts in it, and what it holds is the shard's state.
    for (account, by, sum) in [(&alice, 5, 5), (&bob, 7, 12)] {
        let done = submit(&mut shard, account, count(contract, by));
        assert_eq!((done.outcome, done.refusal()), (Outcome::Executed, None));
        assert_eq!(counted(&shard, contract), Some(sum));
    }
    // What reverts has done nothing.
    let reverted = submit(&mut shard, &bob, count(contract, 0));
    assert_eq!((reverted.outcome, reverted.refusal()), (Outcome::Refused, Some("Revive.ContractReverted")));
    let nowhere = submit(&mut shard, &charlie, count(contract, 1));
    assert_eq!(nowhere.refusal(), Some("Revive.AccountUnmapped"));
    assert_eq!(counted(&shard, contract), Some(12));
    // A second one beside it, with another salt; with the same there is one already.
    let again = submit(&mut shard, &alice, deploy(Some([1; 32])));
    assert_eq!(again.refusal(), Some("Revive.DuplicateContract"));
    let second = deployed(&submit(&mut shard, &alice, deploy(Some([2; 32]))));
    assert_eq!((second == contract, counted(&shard, second)), (false, None));
    // The pallet makes a block of Ethereum of each, and keeps the last hashes. So an empty one changes the state too.
    let root = shard.worker.root;
    shard.run(Vec::new());
    assert_ne!(shard.worker.root, root);
    // Deposits for storage are somebody's, and the contract's account has no more than its own.
    let contracts_account = shard.look(|| Mapper::to_account_id(&contract));
    assert_eq!(shard.account(&contracts_account).free, 1);
    assert!(shard.free(&alice) < MILLION);
    // Made of nothing: the existential deposits of two contracts and of the pallet's own account.
    shard.held += 3;
    shard.finish();
}

/// Without a salt the address follows from the deployer's nonce in `frame_system`, which stands still in a shard.
#[test]
fn without_a_salt_an_account_deploys_once() {
    let [alice, ..] = three();
    let mut shard = Shard::with(&[&alice]);
    submit(&mut shard, &alice, pallet_revive::Call::map_account {});
    deployed(&submit(&mut shard, &alice, deploy(None)));
    let again = submit(&mut shard, &alice, deploy(None));
    assert_eq!(again.refusal(), Some("Revive.DuplicateContract"));
    shard.held += 2;
    shard.finish();
}
