// SPDX-License-Identifier: Apache-2.0
//! Random chains, random hosts: whatever the host does in between, a worker reaches the state, the receipts and the
//! confirmed roots of an honest straight replay, and never panics (ARCHITECTURE.md, invariant 3).

use crate::kit::{Encryptor, Host, MEASUREMENT, UNIT, World, bundle, headers, import, transfer, unshield};
use offstage_balances_interface::{BalancesOperation, TrustedCall};
use offstage_light_client::testing::{BlockContent, validators};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier, receipt::undecipherable_operation_hash, shielding::RSA_LEN,
};
use offstage_protocol::{BlockBundle, EnclaveResponse, HostRequest, Phase, Untrusted};
use offstage_sdk::testing::TestAccount;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody puts into a block.
#[derive(Clone, Debug)]
enum Deed {
    Shield {
        to: usize,
        amount: u8,
    },
    Transfer {
        from: usize,
        to: usize,
        amount: u8,
        nonce_off: bool,
    },
    Unshield {
        from: usize,
        amount: u8,
    },
    ForgedTransfer {
        from: usize,
    },
    Bound {
        from: usize,
        lasts: bool,
    },
    Garbage(u8),
    /// An envelope from before, again.
    Replay(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3usize, 0..20u8).prop_map(|(to, amount)| Deed::Shield { to, amount }),
        4 => (0..3usize, 0..3usize, 0..20u8, prop::bool::weighted(0.2))
            .prop_map(|(from, to, amount, nonce_off)| Deed::Transfer { from, to, amount, nonce_off }),
        2 => (0..3usize, 0..10u8).prop_map(|(from, amount)| Deed::Unshield { from, amount }),
        1 => (0..3usize).prop_map(|from| Deed::ForgedTransfer { from }),
        2 => (0..3usize, any::<bool>()).prop_map(|(from, lasts)| Deed::Bound { from, lasts }),
        1 => any::<u8>().prop_map(Deed::Garbage),
        2 => any::<usize>().prop_map(Deed::Replay),
    ]
}

/// A block: its deeds, and whether it changes the authorities.
fn block() -> impl Strategy<Value = (Vec<Deed>, bool)> {
    (prop_oneof![1 => Just(vec![]), 3 => prop::collection::vec(deed(), 1..5)], prop::bool::weighted(0.08))
}

/// What a host does next.
#[derive(Clone, Debug)]
enum Step {
    Headers(u32),
    Finalize,
    Blocks(u32),
    Repeat,
    Tampered(u8),
    Restart,
    /// Collects and drops what it got.
    Collect,
    SayHead(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..4u32).prop_map(Step::Headers),
        2 => Just(Step::Finalize),
        5 => (1..4u32).prop_map(Step::Blocks),
        2 => Just(Step::Repeat),
        4 => any::<u8>().prop_map(Step::Tampered),
        1 => Just(Step::Restart),
        1 => Just(Step::Collect),
        1 => any::<bool>().prop_map(Step::SayHead),
    ]
}

/// Makes the chain, with what each deed is called in its receipt.
struct Author<'a> {
    key: &'a Encryptor,
    shard: ShardIdentifier,
    users: [TestAccount; 3],
    nonces: [u32; 3],
    envelopes: Vec<Vec<u8>>,
    operations: BTreeSet<H256>,
}

impl Author<'_> {
    fn put(&mut self, world: &World, content: BlockContent, deed: &Deed) -> BlockContent {
        let operation = match deed {
            Deed::Shield { to, amount } => {
                let beneficiary = self.key.account(&self.users[*to]);
                return content.shield(self.shard, beneficiary, u128::from(*amount) * UNIT);
            }
            Deed::Garbage(byte) => {
                let length = [RSA_LEN, usize::from(*byte)][usize::from(*byte) % 2];
                return self.invoke(content, vec![*byte; length]);
            }
            Deed::Replay(index) => {
                if self.envelopes.is_empty() {
                    return content;
                }
                let envelope = self.envelopes[index % self.envelopes.len()].clone();
                return content.invoke(self.shard, envelope);
            }
            Deed::Transfer { from, to, amount, nonce_off } => {
                let nonce = self.next(*from, *nonce_off);
                transfer(&self.users[*from], &self.users[*to], u128::from(*amount) * UNIT, nonce)
            }
            Deed::Unshield { from, amount } => {
                let nonce = self.next(*from, false);
                unshield(&self.users[*from], &PAYEE, u128::from(*amount) * UNIT, nonce)
            }
            Deed::ForgedTransfer { from } => {
                let call = TrustedCall::Noop(self.users[*from].id());
                let thief = &self.users[(from + 1) % 3];
                BalancesOperation::IndirectCall(thief.sign_call(
                    call,
                    self.nonces[*from],
                    &MEASUREMENT,
                    &self.shard,
                ))
            }
            Deed::Bound { from, lasts } => {
                let expires = if *lasts { u32::MAX } else { world.chain.number() };
                let nonce = self.next(*from, !*lasts);
                let user = &self.users[*from];
                let call = TrustedCall::Noop(user.id());
                BalancesOperation::BoundCall(user.sign_bound_call(call, nonce, expires, &world.domain()))
            }
        };
        self.operations.insert(operation.hash());
        let envelope = self.key.operation(&operation);
        self.envelopes.push(envelope.clone());
        content.invoke(self.shard, envelope)
    }

    fn invoke(&mut self, content: BlockContent, envelope: Vec<u8>) -> BlockContent {
        self.operations.insert(undecipherable_operation_hash(&envelope));
        self.envelopes.push(envelope.clone());
        content.invoke(self.shard, envelope)
    }

    /// The nonce that is due, if it is used up by this.
    fn next(&mut self, user: usize, is_off: bool) -> u32 {
        let nonce = self.nonces[user];
        if is_off {
            return nonce + 2;
        }
        self.nonces[user] += 1;
        nonce
    }
}

/// One of the ways in which a host may change a bundle. Of some blocks a change is none, then it is another.
fn tamper(world: &World, honest: &BlockBundle, number: u32, keys: &[Vec<u8>], how: u8) -> BlockBundle {
    let mut body = honest.body.as_unverified().clone();
    let mut proof = honest.state_proof.as_unverified().clone();
    let mut header = honest.header.as_unverified().clone();
    let pick = usize::from(how / 10);
    match how % 10 {
        0 => drop(body.pop()),
        1 => body.push(body[0].clone()),
        2 if body.len() > 1 && body[0] != body[1] => body.swap(0, 1),
        3 => {
            let index = pick % body.len();
            let last = body[index].len() - 1;
            body[index][last] ^= 1;
        }
        4 => drop(proof.remove(pick % proof.len())),
        5 => {
            let index = pick % proof.len();
            let middle = proof[index].len() / 2;
            proof[index][middle] ^= 4;
        }
        6 => proof = world.chain.proof(number - 1, keys),
        7 => {
            let middle = (pick * 7) % header.len();
            header[middle] ^= 1;
        }
        8 => header.push(0),
        _ => proof.push(vec![how; 40]),
    }
    BlockBundle {
        header: Untrusted::new(header),
        body: Untrusted::new(body),
        state_proof: Untrusted::new(proof),
    }
}

/// A worker in the hands of a host that does what it is told.
struct Subject {
    host: Host,
    roots: BTreeMap<u32, H256>,
}

impl Subject {
    fn take(mut self, world: &World, step: &Step) -> Self {
        let status = self.host.status();
        let (next, head) = (status.position.number + 1, world.chain.number());
        match step {
            Step::Headers(count) => {
                let from = status.tip.number + 1;
                if from <= head {
                    self.host.ask(headers(world, from..=head.min(from + count)));
                }
            }
            Step::Finalize => self.host.finalize(world),
            Step::Blocks(count) => {
                for number in next..next + count {
                    if number <= self.host.status().finalized.number {
                        self.host.import_next(world);
                        self.check();
                    }
                }
            }
            Step::Repeat => {
                let bundle = bundle(world, status.position.number, &status.watched_keys);
                let refused = self.host.ask(import(bundle));
                assert!(matches!(refused, EnclaveResponse::Refused(_)));
            }
            Step::Tampered(how) => {
                if next <= head {
                    let honest = bundle(world, next, &status.watched_keys);
                    let bad = tamper(world, &honest, next, &status.watched_keys, *how);
                    let (before, bad_is_good) = (self.host.state_root(), bad == honest);
                    let refused = self.host.ask(import(bad));
                    assert!(bad_is_good || matches!(refused, EnclaveResponse::Refused(_)), "{how}");
                    assert_eq!(self.host.state_root(), before);
                }
            }
            Step::Restart => {
                let Self { host, roots } = self;
                self = Self { host: host.restart(world), roots };
            }
            Step::Collect => drop(self.host.collect()),
            Step::SayHead(is_true) => {
                let head = if *is_true { head } else { head / 2 };
                self.host.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(head))));
            }
        }
        self.check();
        self
    }

    /// What it has computed up to here is what the straight replay computed.
    fn check(&mut self) {
        let number = self.host.status().position.number;
        if let Some(root) = self.roots.get(&number) {
            assert_eq!(self.host.state_root(), *root, "block {number}");
        }
    }
}

const PAYEE: AccountId32 = AccountId32::new([8; 32]);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(16),
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_host_and_any_interleaving_reach_the_state_of_the_honest_replay(
        blocks in prop::collection::vec(block(), 4..14),
        steps in prop::collection::vec(step(), 10..40),
        taken in prop::collection::vec(any::<bool>(), 0..12),
    ) {
        let mut world = World::new();
        let mut honest = Host::serving(&mut world);
        let (key, shard) = (honest.key(), world.shard);
        let mut author = Author {
            key: &key,
            shard,
            users: [TestAccount::alice(), TestAccount::bob(), TestAccount::named("Charlie")],
            nonces: [0; 3],
            envelopes: Vec::new(),
            operations: BTreeSet::new(),
        };
        let mut last_change = 0;
        for (seed, (deeds, changes_authorities)) in (10u8..).zip(&blocks) {
            let number = world.chain.number();
            if *changes_authorities && number > last_change + 2 {
                last_change = world.chain.add_set_change(validators(seed, 3), u32::from(seed) % 2);
            }
            let mut content = world.block();
            for deed in deeds {
                content = author.put(&world, content, deed);
            }
            world.add(content);
        }
        // Empty ones, so that no set change is under way at the end.
        world.chain.add_empty(3);

        // The straight replay.
        honest.finalize(&world);
        let mut roots = BTreeMap::new();
        while honest.status().position.number < world.chain.number() {
            let position = honest.import_next(&world).position;
            roots.insert(position.number, honest.state_root());
        }
        honest.follow(&world);

        // The other worker.
        let mut host = Host::new(&world);
        prop_assert_eq!(host.register(&mut world).phase, Phase::NeedsShieldingKey);
        honest.follow(&world);
        roots.insert(world.chain.number(), honest.state_root());
        host.request_key(&honest);
        let mut subject = Subject { host, roots };
        for step in &steps {
            subject = subject.take(&world, step);
        }
        let mut host = subject.host;
        prop_assert_ne!(host.follow(&world).phase, Phase::Superseded);
        prop_assert_eq!(host.state_root(), honest.state_root());

        // Both submit; the host drops some of what it is given.
        host.serve(&mut world);
        for is_taken in &taken {
            let workers = [&mut honest, &mut host];
            for worker in workers {
                worker.follow(&world);
                let mut extrinsics = worker.collect();
                let mut index = 0;
                extrinsics.retain(|_| { index += 1; *is_taken || index % 2 == 1 });
                let signer = worker.signer();
                let content = world.block();
                let content = world.deliver(content, &signer, &extrinsics);
                world.add(content);
            }
        }
        honest.settle(&mut world);
        host.settle(&mut world);
        honest.follow(&world);
        prop_assert_eq!(honest.status().phase, Phase::Serving);
        prop_assert_eq!(host.state_root(), honest.state_root());
        let mut paid = BTreeMap::new();
        for operation in &author.operations {
            let receipt = honest.receipt(operation);
            prop_assert!(receipt.is_some());
            prop_assert_eq!(&receipt, &host.receipt(operation));
            if receipt.is_some_and(|receipt| receipt.leaf.outcome.is_success()) {
                paid.insert(*operation, ());
            }
        }
        // Each payment was honoured once, and only those of executed operations.
        prop_assert!(world.paid.keys().all(|call_hash| paid.contains_key(call_hash)));
        let mut confirmed = BTreeMap::new();
        for (_, number, root) in &world.confirmed {
            prop_assert_eq!(confirmed.entry(*number).or_insert(*root), root);
        }
        // No money was made or lost: what was shielded is in the shard or was paid out.
        let shielded: u128 = blocks.iter().flat_map(|(deeds, _)| deeds).map(|deed| match deed {
            Deed::Shield { amount, .. } => u128::from(*amount) * UNIT,
            _ => 0,
        }).sum();
        let inside: u128 = author.users.iter().map(|user| honest.balance(user)).sum();
        let outside: u128 = world.paid.values().map(|(_, amount)| amount).sum();
        prop_assert_eq!(inside + outside, shielded);
    }
}
