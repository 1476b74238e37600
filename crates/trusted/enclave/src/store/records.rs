// SPDX-License-Identifier: Apache-2.0
//! What the store's records hold.

use super::{journal::Layer, tally::Tally};
use crate::{
    ingest::{Birth, ChainFacts},
    keys::{ShieldingKey, Signer},
    registry::Followed,
};
use codec::{Decode, Encode};
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier,
    receipt::{OperationLeaf, Receipt, merkle_proof, merkle_root},
    result::OperationResult,
};
use offstage_protocol::BlockReference;
use offstage_sdk::{Ancestors, parentchain::Argument};
use std::sync::Arc;
use zeroize::Zeroizing;

/// All that is true after a block, except the nodes of the state. One record, so that no part of it can be of another
/// moment.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Head {
    /// Hash of the parentchain's genesis header.
    pub genesis_hash: BlockHash,
    /// The shard.
    pub shard: ShardIdentifier,
    /// The last verified block; executed, if the shard is born and the enclave has its key.
    pub position: BlockReference,
    /// Root of the shard's state after it; of the empty state, or of the genesis, before anything is executed.
    pub state_root: H256,
    /// The light client's snapshot at it.
    pub light_client: Vec<u8>,
    /// How the shard was born, once that block is verified.
    pub birth: Option<Birth>,
    /// What the chain said in it of all that the enclave watches.
    pub facts: Option<ChainFacts>,
    /// Hashes of the newest blocks, up to the position.
    pub ancestors: Ancestors,
    /// What other enclaves confirmed of the newest blocks, oldest first; at most `MAX_OPINIONS`.
    pub opinions: Vec<Opinion>,
    /// What following the chain has told beside the facts.
    pub followed: Followed,
}

/// What other enclaves confirmed of a block that this one executed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Opinion {
    /// The block.
    pub block: u32,
    /// Enclaves that confirmed our root.
    pub agreeing: Vec<AccountId32>,
    /// Enclaves that confirmed another.
    pub against: Vec<AccountId32>,
}

impl Opinion {
    /// Whether two enclaves contradict this one and none confirms it.
    pub fn is_alone(&self) -> bool {
        self.against.len() >= 2 && self.agreeing.is_empty()
    }
}

impl Head {
    /// What the store is bound to by it.
    pub(super) fn binding(&self) -> Binding {
        Binding { genesis_hash: self.genesis_hash, shard: self.shard }
    }

    /// Notes that another enclave confirmed a block with our root, or with another.
    pub fn note_opinion(&mut self, block: u32, signer: AccountId32, agrees: bool) {
        if !self.opinions.iter().any(|opinion| opinion.block == block) {
            self.opinions.push(Opinion { block, agreeing: Vec::new(), against: Vec::new() });
            // A block on which this enclave stands alone is not forgotten.
            if self.opinions.len() > MAX_OPINIONS
                && let Some(oldest) = self.opinions.iter().position(|opinion| !opinion.is_alone())
            {
                self.opinions.remove(oldest);
            }
        }
        if let Some(opinion) = self.opinions.iter_mut().find(|opinion| opinion.block == block) {
            let signers = if agrees { &mut opinion.agreeing } else { &mut opinion.against };
            if signers.len() < MAX_SIGNERS && !signers.contains(&signer) {
                signers.push(signer);
            }
        }
    }
}

/// Blocks of which the confirmations of others are remembered.
const MAX_OPINIONS: usize = 8;

/// Signers that are remembered of each.
const MAX_SIGNERS: usize = 8;

/// The chain and the shard that a store belongs to, from the first head on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(super) struct Binding {
    pub(super) genesis_hash: BlockHash,
    pub(super) shard: ShardIdentifier,
}

/// The head and what only the store cares for.
#[derive(Encode, Decode)]
pub(super) struct SealedHead {
    pub(super) head: Option<Head>,
    pub(super) ledger: Ledger,
}

/// What must be in the other tables: it is sealed with the head, so that none of them can be of another moment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub(super) struct Ledger {
    pub(super) next_effect: u64,
    pub(super) outbox: Tally,
    /// Sequence numbers of the journal: from the oldest to one past the newest.
    pub(super) journal_from: u64,
    pub(super) journal_to: u64,
    pub(super) journal: Tally,
    pub(super) keys_tag: [u8; 32],
    /// How many bytes the sealed results take.
    pub(super) results_len: u64,
}

impl Ledger {
    /// Takes note that these layers, the oldest of the journal, are in the table of nodes now.
    pub(super) fn note_merge(&mut self, merged: &[Arc<Layer>]) {
        for layer in merged {
            self.journal.remove(&layer.mark);
            self.journal_from = layer.sequence.saturating_add(1);
        }
    }
}

/// The keys that outlive a start.
#[derive(Clone)]
pub struct Keys {
    /// The enclave's account.
    pub signer: Arc<Signer>,
    /// The shard's key, if the enclave has one.
    pub shielding: Option<Arc<ShieldingKey>>,
}

impl Keys {
    pub(super) fn to_plaintext(&self) -> Zeroizing<Vec<u8>> {
        let signer = self.signer.to_sealable();
        let shielding = self.shielding.as_ref().map(|key| key.to_sealable());
        let shielding_len = shielding.as_ref().map_or(0, |key| key.len());
        // Reserved in whole: a vector that grows leaves copies behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(
            signer.len().saturating_add(shielding_len).saturating_add(LENGTH_ROOM),
        ));
        signer.as_slice().encode_to(&mut *plaintext);
        match &shielding {
            None => plaintext.push(0),
            Some(key) => {
                plaintext.push(1);
                key.as_slice().encode_to(&mut *plaintext);
            }
        }
        plaintext
    }

    pub(super) fn from_plaintext(plaintext: &[u8]) -> Option<Self> {
        let mut input = plaintext;
        let signer = Zeroizing::new(Vec::<u8>::decode(&mut input).ok()?);
        let shielding = Option::<Vec<u8>>::decode(&mut input).ok()?.map(Zeroizing::new);
        if !input.is_empty() {
            return None;
        }
        let shielding = match shielding {
            Some(key) => Some(Arc::new(ShieldingKey::from_sealable(&key).ok()?)),
            None => None,
        };
        Some(Self { signer: Arc::new(Signer::from_sealable(&signer).ok()?), shielding })
    }
}

/// An effect on the parentchain that is not yet seen final. Never changes once stored.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Waiting {
    /// Names it; never used again.
    pub id: u64,
    /// What it is.
    pub effect: WaitingEffect,
    /// Number of the block whose execution caused it.
    pub produced_at: u32,
    /// Whether the enclave was serving then. An effect of a block that is only caught up with may have been done long
    /// ago, by this enclave or another.
    pub while_serving: bool,
}

/// What waits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum WaitingEffect {
    /// `confirm_processed_parentchain_block`.
    Confirmation {
        /// The executed block.
        block: BlockReference,
        /// Root of its receipts.
        root: H256,
    },
    /// `unshield_funds`.
    Unshield {
        /// Who receives.
        beneficiary: AccountId32,
        /// How much.
        amount: u128,
        /// Unique per payment.
        call_hash: H256,
    },
    /// `execute_for_shard`. Kept by its names: it is encoded when it is signed, by the runtime of then.
    Call {
        /// The pallet of the call.
        pallet: String,
        /// The call.
        call: String,
        /// Its arguments, in order.
        arguments: Vec<Argument>,
        /// Number of the last block in which the chain takes it.
        until: u32,
        /// Unique per effect.
        call_hash: H256,
    },
}

/// The receipts of a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockReceipts {
    /// The block.
    pub block: BlockReference,
    /// Its operations in order.
    pub operations: Vec<OperationLeaf>,
    /// The last leaf.
    pub state_leaf: H256,
}

impl BlockReceipts {
    /// The root that a confirmation carries.
    pub fn root(&self) -> H256 {
        merkle_root(&self.leaves())
    }

    /// The receipt of the operation at this place.
    pub fn receipt(&self, index: u32) -> Option<Receipt> {
        let place = usize::try_from(index).ok()?;
        let leaves = self.leaves();
        Some(Receipt {
            leaf: *self.operations.get(place)?,
            block_number: self.block.number,
            block_hash: self.block.hash,
            index,
            leaf_count: u32::try_from(leaves.len()).ok()?,
            path: merkle_proof(&leaves, place)?,
        })
    }

    fn leaves(&self) -> Vec<H256> {
        self.operations.iter().map(OperationLeaf::hash).chain([self.state_leaf]).collect()
    }
}

/// What the senders of a block's operations may learn, in the order of the block's receipts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct BlockResults(pub Vec<KeptResult>);

/// What the sender of an operation may learn.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptResult {
    /// Who may; `None` for nobody.
    pub owner: Option<AccountId32>,
    /// What hides it in the receipt's leaf.
    pub salt: [u8; 32],
    /// It.
    pub result: OperationResult,
}

/// Where an operation's receipt is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(super) struct ReceiptPointer {
    pub(super) block: u32,
    pub(super) index: u32,
    /// Whether the outcome used up the operation's nonce, so that no later one takes its place.
    pub(super) used_nonce: bool,
}

/// Two lengths of at most four bytes each and an option's byte, with room.
const LENGTH_ROOM: usize = 16;
