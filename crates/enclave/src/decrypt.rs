// SPDX-License-Identifier: Apache-2.0
//! From envelopes to authenticated operations, over all cores.
//!
//! An RSA operation takes milliseconds, everything else about a call microseconds; so this stage decides how fast a
//! worker is. Envelopes are opened, decoded, and their signatures checked by one thread per core; the results
//! come back in the chain's order. Nothing here depends on the state, so the order of work does not matter.
//!
//! # Attacks
//! - *Garbage of any kind* (attacks.md C1) becomes a failed operation. All that cannot be decrypted or decoded has one outcome, and an
//!   envelope is opened to its end before any of it is looked at, that no oracle arises (C11).
//! - *A block full of envelopes*: what is opened per block is bounded by [`MAX_RSA_OPERATIONS`], counted in the chain's order, so
//!   that every worker draws the same line.

use crate::{ingest::Incoming, keys::ShieldingKey};
use codec::{Decode, Encode, Input};
use offstage_primitives::{
    AccountId32, ShardIdentifier,
    bounded::decode_bounded,
    receipt::{Outcome, undecipherable_operation_hash},
    shielding::{MAX_CYPHERTEXT_LEN, RSA_LEN},
    trusted::{MAX_OPERATION_LEN, TrustedCall, TrustedOperation},
};
use offstage_sdk::Operation;
use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Opens, decodes and authenticates operations. The answer has one for each, in order.
pub fn decrypt<C: TrustedCall + Send>(
    incoming: &[Incoming],
    key: &ShieldingKey,
    mrenclave: &[u8; 32],
    shard: &ShardIdentifier,
) -> Vec<Operation<C>> {
    let within_limit = within_limit(incoming);
    in_parallel(incoming.len(), |index| {
        let (incoming, within_limit) = (incoming.get(index)?, within_limit.get(index)?);
        Some(match incoming {
            Incoming::Invocation { cyphertext } if *within_limit => {
                open_invocation(key, cyphertext, mrenclave, shard)
            }
            Incoming::Invocation { cyphertext } => Operation::Failed {
                hash: undecipherable_operation_hash(cyphertext),
                outcome: Outcome::TooHeavy,
            },
            Incoming::Shielding { hash, encrypted_beneficiary, amount } => {
                match open_beneficiary(key, encrypted_beneficiary) {
                    Some(beneficiary) => Operation::Shield { hash: *hash, beneficiary, amount: *amount },
                    None => Operation::Failed { hash: *hash, outcome: Outcome::Undecipherable },
                }
            }
        })
    })
}

/// While the shard is under maintenance no call is executed; each keeps its name for its receipt, and its nonce. What the chain
/// took in is credited nevertheless, because nobody could give it back.
pub fn refuse_calls<C: TrustedCall>(operations: Vec<Operation<C>>) -> Vec<Operation<C>> {
    operations
        .into_iter()
        .map(|operation| match operation {
            Operation::Call(call) => Operation::Failed { hash: call.hash(), outcome: Outcome::Maintenance },
            other @ (Operation::Shield { .. } | Operation::Failed { .. }) => other,
        })
        .collect()
}

fn open_invocation<C: TrustedCall>(
    key: &ShieldingKey,
    cyphertext: &[u8],
    mrenclave: &[u8; 32],
    shard: &ShardIdentifier,
) -> Operation<C> {
    let operation = key.decrypt(cyphertext).ok().and_then(|plaintext| {
        decode_bounded::<TrustedOperation<C, AnyGetter>>(&plaintext, MAX_OPERATION_LEN).ok()
    });
    match operation {
        Some(operation) => Operation::authenticate(operation, mrenclave, shard),
        None => Operation::Failed {
            hash: undecipherable_operation_hash(cyphertext),
            outcome: Outcome::Undecipherable,
        },
    }
}

fn open_beneficiary(key: &ShieldingKey, cyphertext: &[u8]) -> Option<AccountId32> {
    let plaintext = key.decrypt(cyphertext).ok()?;
    decode_bounded(&plaintext, 32).ok()
}

/// Which of the operations are within the block's limit. Shieldings always are: money that the chain took in is
/// credited.
fn within_limit(incoming: &[Incoming]) -> Vec<bool> {
    let mut opened = 0usize;
    incoming
        .iter()
        .map(|incoming| match incoming {
            Incoming::Shielding { .. } => true,
            Incoming::Invocation { cyphertext } => {
                // What is not opened for its length costs nothing.
                if cyphertext.len() > MAX_CYPHERTEXT_LEN || !cyphertext.len().is_multiple_of(RSA_LEN) {
                    return true;
                }
                opened = opened.saturating_add(cyphertext.len() / RSA_LEN);
                opened <= MAX_RSA_OPERATIONS
            }
        })
        .collect()
}

/// Calculates `work(0)`, `work(1)`, … on all cores, and gives the results in this order.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> Option<T> + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(count);
    if cores <= 1 {
        return (0..count).filter_map(work).collect();
    }
    // One at a time, so that cheap and expensive ones spread evenly.
    let next = AtomicUsize::new(0);
    let share = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return results;
            }
            results.extend(work(index).map(|result| (index, result)));
        }
    };
    let mut results = thread::scope(|scope| {
        let helpers: Vec<_> =
            (1..cores).filter_map(|_| thread::Builder::new().spawn_scoped(scope, share).ok()).collect();
        let mut results = share();
        for helper in helpers {
            // A thread that panicked leaves its items undone; the caller notices by the count.
            results.extend(helper.join().unwrap_or_default());
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A getter that came where only calls may: whatever bytes it has. It is refused without being read.
struct AnyGetter(Vec<u8>);

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

/// RSA operations that one block can cause: about ten seconds of two cores. A block of the parentchain has room for
/// thirteen thousand envelopes at most, and each is paid for.
pub const MAX_RSA_OPERATIONS: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::ShieldingKey, test_envelope::encrypt};
    use offstage_primitives::{
        balances::{Getter, TrustedCall as Call},
        trusted::call_payload,
    };
    use sp_core::{Pair, sr25519};

    const MRENCLAVE: [u8; 32] = [4; 32];
    const SHARD: ShardIdentifier = ShardIdentifier(sp_core::H256([4; 32]));

    fn noop(nonce: u32) -> TrustedOperation<Call, Getter> {
        let pair = sr25519::Pair::from_seed(&[1; 32]);
        let call = Call::Noop(AccountId32::new(pair.public().0));
        let signature = pair.sign(&call_payload(&call, nonce, &MRENCLAVE, &SHARD)).into();
        TrustedOperation::IndirectCall(offstage_primitives::trusted::TrustedCallSigned {
            call,
            nonce,
            signature,
        })
    }

    fn invocation(key: &ShieldingKey, operation: &TrustedOperation<Call, Getter>) -> Incoming {
        Incoming::Invocation { cyphertext: encrypt(&key.public(), &operation.encode()) }
    }

    #[test]
    fn the_order_is_kept_whatever_the_work_takes() {
        let key = ShieldingKey::generate().unwrap();
        let operations: Vec<_> = (0..12).map(noop).collect();
        let incoming: Vec<Incoming> = operations
            .iter()
            .flat_map(|operation| {
                let beneficiary = encrypt(&key.public(), &[9; 32]);
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
        let decrypted = decrypt::<Call>(&incoming, &key, &MRENCLAVE, &SHARD);
        assert_eq!(decrypted.len(), incoming.len());
        for (group, operation) in decrypted.chunks(3).zip(&operations) {
            assert!(matches!(&group[0], Operation::Call(call) if call.hash() == operation.hash()));
            assert!(matches!(&group[1], Operation::Failed { outcome: Outcome::Undecipherable, .. }));
            assert!(
                matches!(&group[2], Operation::Shield { hash, amount: 5, .. } if *hash == operation.hash())
            );
        }
    }

    /// The line is drawn by the chain's order; envelopes that are not opened do not count, shieldings are never beyond it.
    #[test]
    fn a_block_opens_a_bounded_number_of_envelopes() {
        let envelope = |chunks: usize| Incoming::Invocation { cyphertext: vec![0; chunks * RSA_LEN] };
        let largest = MAX_CYPHERTEXT_LEN / RSA_LEN;
        let mut incoming = vec![envelope(largest); MAX_RSA_OPERATIONS / largest];
        incoming.push(Incoming::Invocation { cyphertext: vec![0; 100] });
        incoming.push(envelope(largest + 1));
        incoming.push(envelope(largest));
        incoming.push(Incoming::Shielding {
            hash: Default::default(),
            encrypted_beneficiary: vec![0; RSA_LEN],
            amount: 1,
        });
        let within = within_limit(&incoming);
        let beyond = incoming.len() - 2;
        assert!(within.iter().enumerate().all(|(index, within)| *within == (index != beyond)));
    }

    #[test]
    fn a_getter_is_refused_without_being_read() {
        let key = ShieldingKey::generate().unwrap();
        let bytes = [&[2][..], &[0xff; 50]].concat();
        let incoming = [Incoming::Invocation { cyphertext: encrypt(&key.public(), &bytes) }];
        let decrypted = decrypt::<Call>(&incoming, &key, &MRENCLAVE, &SHARD);
        assert!(matches!(&decrypted[..], [Operation::Failed { outcome: Outcome::NotIndirect, .. }]));
    }
}
