// SPDX-License-Identifier: Apache-2.0
//! From envelopes to authenticated operations, over all cores.
//!
//! An RSA operation takes milliseconds, everything else about a call microseconds; so this stage decides how fast a
//! worker is. Envelopes are opened, decoded, and their signatures checked by one thread per core; the results are
//! handed on in the chain's order, each as soon as those before it are there, so that operations are executed while
//! later ones are still being opened. Nothing here depends on the state, so the order of work does not matter.
//!
//! # Attacks
//! - *Garbage of any kind* (threat model C1) becomes a failed operation. All that cannot be decrypted or decoded has
//!   one outcome, and an envelope is opened to its end before any of it is looked at, so that nobody learns where it
//!   failed (C11).
//! - *A block full of envelopes*: what is opened per block is bounded by [`MAX_RSA_OPERATIONS_PER_BLOCK`], counted in
//!   the chain's order, so that every worker draws the same line. Our chain draws it earlier, by its block time; this
//!   one holds on any chain (C18).

use crate::{ingest::Incoming, keys::ShieldingKey};
use codec::{Decode, Encode, Input};
use offstage_primitives::{
    AccountId32,
    bounded::decode_bounded,
    receipt::{Outcome, undecipherable_operation_hash},
    shielding::{MAX_RSA_OPERATIONS_PER_BLOCK, rsa_operations},
    trusted::{Domain, MAX_OPERATION_LEN, TrustedCall, TrustedOperation},
};
use offstage_sdk::Operation;
use std::{
    collections::BTreeMap,
    iter,
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Opens, decodes and authenticates the operations of the block with this number, and lets `consume` have one for each,
/// in order. `domain` is where their signatures must be good.
///
/// An iterator that ends early has lost an operation by a defect; then what `consume` made of the others must be thrown
/// away.
pub fn decrypt<C: TrustedCall + Send, R>(
    incoming: &[Incoming],
    key: &ShieldingKey,
    domain: &Domain,
    block_number: u32,
    consume: impl FnOnce(&mut dyn Iterator<Item = Operation<C>>) -> R,
) -> R {
    decrypt_within(MAX_RSA_OPERATIONS_PER_BLOCK, incoming, key, domain, block_number, consume)
}

fn decrypt_within<C: TrustedCall + Send, R>(
    limit: u32,
    incoming: &[Incoming],
    key: &ShieldingKey,
    domain: &Domain,
    block_number: u32,
    consume: impl FnOnce(&mut dyn Iterator<Item = Operation<C>>) -> R,
) -> R {
    let within_limit = within_limit(incoming, limit);
    let open = |index: usize| {
        let (incoming, within_limit) = (incoming.get(index)?, within_limit.get(index)?);
        Some(match incoming {
            Incoming::Invocation { cyphertext } if *within_limit => {
                open_invocation(key, cyphertext, domain, block_number)
            }
            // Its author knows the envelope, and so this hash. Nothing of it was used up: it can be sent again.
            Incoming::Invocation { cyphertext } => Operation::Failed {
                hash: undecipherable_operation_hash(cyphertext),
                outcome: Outcome::NotNow,
            },
            Incoming::Shielding { hash, encrypted_beneficiary, amount } => {
                match open_beneficiary(key, encrypted_beneficiary) {
                    Some(beneficiary) => Operation::Shield { hash: *hash, beneficiary, amount: *amount },
                    None => Operation::Failed { hash: *hash, outcome: Outcome::Undecipherable },
                }
            }
        })
    };
    in_order(incoming.len(), open, consume)
}

/// While the shard is under maintenance no call is executed; each keeps its name for its receipt, and its nonce. What
/// the chain took in is credited nevertheless, because nobody could give it back.
pub fn refuse_call<C: TrustedCall>(operation: Operation<C>) -> Operation<C> {
    match operation {
        Operation::Call(_) | Operation::Extrinsic { .. } => {
            Operation::Failed { hash: operation.hash(), outcome: Outcome::Maintenance }
        }
        other @ (Operation::Shield { .. } | Operation::Failed { .. }) => other,
    }
}

pub(crate) fn open_invocation<C: TrustedCall>(
    key: &ShieldingKey,
    cyphertext: &[u8],
    domain: &Domain,
    block_number: u32,
) -> Operation<C> {
    match key.decrypt(cyphertext).ok().and_then(|plaintext| decode_operation(&plaintext)) {
        Some(operation) => Operation::authenticate(operation, domain, block_number),
        None => Operation::Failed {
            hash: undecipherable_operation_hash(cyphertext),
            outcome: Outcome::Undecipherable,
        },
    }
}

pub(crate) fn decode_operation<C: TrustedCall>(plaintext: &[u8]) -> Option<TrustedOperation<C, AnyGetter>> {
    decode_bounded(plaintext, MAX_OPERATION_LEN).ok()
}

pub(crate) fn open_beneficiary(key: &ShieldingKey, cyphertext: &[u8]) -> Option<AccountId32> {
    let plaintext = key.decrypt(cyphertext).ok()?;
    decode_bounded(&plaintext, 32).ok()
}

/// Which of the operations are within the block's limit. Shieldings always are: money that the chain took in is
/// credited.
fn within_limit(incoming: &[Incoming], limit: u32) -> Vec<bool> {
    let mut opened = 0u32;
    incoming
        .iter()
        .map(|incoming| match incoming {
            Incoming::Shielding { .. } => true,
            Incoming::Invocation { cyphertext } => {
                // What is not opened for its length costs nothing.
                let operations = rsa_operations(cyphertext.len());
                opened = opened.saturating_add(operations);
                operations == 0 || opened <= limit
            }
        })
        .collect()
}

/// Calculates `work(0)`, `work(1)`, … on all cores, and hands `consume` the results in this order as they come.
#[expect(clippy::disallowed_methods, reason = "the results come in order, whatever the schedule")]
fn in_order<T: Send, R>(
    count: usize,
    work: impl Fn(usize) -> Option<T> + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(count);
    // One at a time, so that cheap and expensive ones spread evenly.
    let next = AtomicUsize::new(0);
    let share = |results: mpsc::Sender<(usize, T)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            if let Some(result) = work(index)
                && results.send((index, result)).is_err()
            {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        let share = &share;
        let helpers: Vec<_> = (0..if cores > 1 { cores } else { 0 })
            .filter_map(|_| {
                let sender = sender.clone();
                thread::Builder::new().spawn_scoped(scope, move || share(sender)).ok()
            })
            .collect();
        drop(sender);
        if helpers.is_empty() {
            return consume(&mut (0..count).map_while(&work));
        }
        let (mut early, mut wanted) = (BTreeMap::new(), 0usize);
        let consumed = consume(&mut iter::from_fn(|| {
            loop {
                if let Some(result) = early.remove(&wanted) {
                    wanted = wanted.saturating_add(1);
                    return Some(result);
                }
                let (index, result) = results.recv().ok()?;
                early.insert(index, result);
            }
        }));
        // Helpers whose results nobody wants any more stop.
        drop(results);
        for helper in helpers {
            // A thread that panicked left an item undone, at which the iterator ended.
            let _ = helper.join();
        }
        consumed
    })
}

/// A getter that came where only calls may: whatever bytes it has. It is refused without being read.
pub(crate) struct AnyGetter(Vec<u8>);

impl Decode for AnyGetter {
    fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
        let length = input.remaining_len()?.ok_or("length is not known")?;
        let mut bytes = vec![0; length.min(MAX_OPERATION_LEN)];
        input.read(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Encode for AnyGetter {
    fn encode_to<O: codec::Output + ?Sized>(&self, output: &mut O) {
        output.write(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::ShieldingKey;
    use offstage_balances_interface::{Getter, TrustedCall as Call};
    use offstage_envelope::seal;
    use offstage_primitives::{BlockHash, Measurement};
    use offstage_primitives::{
        ShardIdentifier,
        shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN},
        trusted::call_payload,
    };
    use sp_core::{Pair, sr25519};

    const DOMAIN: Domain = Domain {
        genesis_hash: BlockHash::new([5; 32]),
        measurement: Measurement([4; 32]),
        shard: ShardIdentifier(sp_core::H256([4; 32])),
    };

    fn noop(nonce: u32) -> TrustedOperation<Call, Getter> {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let call = Call::Noop(AccountId32::new(pair.public().0));
        let signature = pair.sign(&call_payload(&call, nonce, &DOMAIN.measurement, &DOMAIN.shard)).into();
        TrustedOperation::IndirectCall(offstage_primitives::trusted::TrustedCallSigned {
            call,
            nonce,
            signature,
        })
    }

    fn all(incoming: &[Incoming], key: &ShieldingKey) -> Vec<Operation<Call>> {
        decrypt(incoming, key, &DOMAIN, 1, |operations| operations.collect())
    }

    fn invocation(key: &ShieldingKey, operation: &TrustedOperation<Call, Getter>) -> Incoming {
        Incoming::Invocation { cyphertext: seal(&key.public(), &operation.encode()).unwrap() }
    }

    #[test]
    fn the_order_is_kept_whatever_the_work_takes() {
        let key = ShieldingKey::generate().unwrap();
        let operations: Vec<_> = (0..12).map(noop).collect();
        let incoming: Vec<Incoming> = operations
            .iter()
            .flat_map(|operation| {
                let beneficiary = seal(&key.public(), &[9; 32]).unwrap();
                [
                    invocation(&key, operation),
                    Incoming::Invocation { cyphertext: vec![1] },
                    Incoming::Shielding {
                        hash: operation.hash(),
                        encrypted_beneficiary: beneficiary,
                        amount: 5,
                    },
                ]
            })
            .collect();
        let decrypted = all(&incoming, &key);
        assert_eq!(decrypted.len(), incoming.len());
        for (group, operation) in decrypted.chunks(3).zip(&operations) {
            assert!(matches!(&group[0], Operation::Call(call) if call.hash() == operation.hash()));
            assert!(matches!(&group[1], Operation::Failed { outcome: Outcome::Undecipherable, .. }));
            assert!(
                matches!(&group[2], Operation::Shield { hash, amount: 5, .. } if *hash == operation.hash())
            );
        }
    }

    /// What a defect lost must not look like a shorter block: nothing comes after it.
    #[test]
    fn after_a_lost_item_nothing_is_handed_on() {
        let lost = |index: usize| (index != 5).then_some(index);
        assert_eq!(in_order(9, lost, |results| results.collect::<Vec<_>>()), [0, 1, 2, 3, 4]);
        let all = in_order(1_000, Some, |results| results.collect::<Vec<_>>());
        assert!(all.into_iter().eq(0..1_000));
        assert_eq!(in_order(1_000, Some, |results| results.next()), Some(0));
        assert_eq!(in_order(0, Some, |results| results.next()), None);
    }

    /// The line is drawn by the chain's order; envelopes that are not opened do not count, shieldings are never beyond
    /// it.
    #[test]
    fn c01_a_block_opens_a_bounded_number_of_envelopes() {
        let envelope = |chunks: usize| Incoming::Invocation { cyphertext: vec![0; chunks * RSA_LEN] };
        let (limit, largest) = (1_000, MAX_CYPHERTEXT_LEN / RSA_LEN);
        let mut incoming = vec![envelope(largest); limit as usize / largest];
        incoming.push(Incoming::Invocation { cyphertext: vec![0; 100] });
        incoming.push(envelope(largest + 1));
        incoming.push(envelope(largest));
        incoming.push(Incoming::Shielding {
            hash: Default::default(),
            encrypted_beneficiary: vec![0; RSA_LEN],
            amount: 1,
        });
        let within = within_limit(&incoming, limit);
        let beyond = incoming.len() - 2;
        assert!(within.iter().enumerate().all(|(index, within)| *within == (index != beyond)));
    }

    /// C18: what is beyond the line is not opened, and its author finds the receipt by the envelope; it can be sent
    /// again.
    #[test]
    fn c18_an_envelope_beyond_the_limit_is_named_by_its_bytes_and_put_off() {
        let key = ShieldingKey::generate().unwrap();
        let incoming: Vec<_> = (0..4).map(|nonce| invocation(&key, &noop(nonce))).collect();
        let decrypted: Vec<Operation<Call>> =
            decrypt_within(3, &incoming, &key, &DOMAIN, 1, |operations| operations.collect());
        assert!(decrypted[..3].iter().all(|operation| matches!(operation, Operation::Call(_))));
        let Incoming::Invocation { cyphertext } = &incoming[3] else { panic!() };
        let expected =
            Operation::Failed { hash: undecipherable_operation_hash(cyphertext), outcome: Outcome::NotNow };
        assert_eq!(decrypted[3], expected);
    }

    #[test]
    fn a_getter_is_refused_without_being_read() {
        let key = ShieldingKey::generate().unwrap();
        let bytes = [&[2][..], &[0xff; 50]].concat();
        let incoming = [Incoming::Invocation { cyphertext: seal(&key.public(), &bytes).unwrap() }];
        let decrypted = all(&incoming, &key);
        assert!(matches!(&decrypted[..], [Operation::Failed { outcome: Outcome::NotIndirect, .. }]));
    }
}
