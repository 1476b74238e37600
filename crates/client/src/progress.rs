// SPDX-License-Identifier: Apache-2.0
//! What an operation is doing, for whoever waits for it.

use crate::trust::TrustedRoot;
use offstage_light_client::BlockId;
use offstage_primitives::{BlockHash, H256, Measurement, ShardIdentifier};
use std::fmt;

/// Something that is told how an operation gets on, such as a command line.
pub trait Observer: Send + Sync {
    /// The operation now waits for this.
    fn waiting_for(&self, stage: Stage);

    /// The operation has come this far.
    fn reached(&self, milestone: &Milestone);
}

/// An observer that is not interested.
pub struct Unobserved;

impl Observer for Unobserved {
    fn waiting_for(&self, _: Stage) {}
    fn reached(&self, _: &Milestone) {}
}

/// What an operation waits for. The text completes "while waiting for …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The node's answer to the first question.
    Node,
    /// The chain's finality, from one authority set to the next.
    Following {
        /// The newest block that is known to be final.
        block: u32,
        /// The node's newest final block.
        head: u32,
    },
    /// The worker, its evidence and its keys.
    Worker,
    /// The worker's answer to a question.
    Answer,
    /// The node to take the transaction.
    Submission,
    /// A block that includes the transaction.
    Inclusion,
    /// That block to become final.
    Finality,
    /// A worker to execute that block and to confirm it on chain.
    Processing,
    /// The worker to hand out the receipt.
    Receipt,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Following { block, head } => {
                return write!(f, "the chain's finality to be verified, block {block} of {head}");
            }
            Self::Node => "the node to answer",
            Self::Worker => "the worker to prove itself",
            Self::Answer => "the worker to answer",
            Self::Submission => "the node to take the transaction",
            Self::Inclusion => "a block to include the transaction",
            Self::Finality => "that block to become final",
            Self::Processing => "a worker to process that block and confirm it on chain",
            Self::Receipt => "the worker to hand out the receipt",
        })
    }
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// The user pinned no genesis, so the node's was taken.
    GenesisNotPinned {
        /// Hash of its header.
        genesis: BlockHash,
    },
    /// What was kept of the chain's finality cannot be used.
    CacheDamaged,
    /// A chain of development does not hold any more what was final: it was started from its genesis again.
    ChainStartedAnew,
    /// The worker proved what it is.
    WorkerVerified {
        /// The shard that it serves.
        shard: ShardIdentifier,
        /// Its measurement.
        measurement: Measurement,
        /// Who vouches for its platform.
        root: TrustedRoot,
        /// The final block whose state the proof was held against.
        block: BlockId,
    },
    /// The node took the transaction.
    Submitted {
        /// Its hash.
        extrinsic_hash: H256,
    },
    /// A block includes it.
    InBlock {
        /// The block's hash.
        block_hash: BlockHash,
    },
    /// The block is final.
    Final {
        /// The block's hash.
        block_hash: BlockHash,
        /// The block's number.
        block_number: u64,
    },
    /// A worker confirmed on chain that it processed the block.
    Processed {
        /// The block's hash.
        block_hash: BlockHash,
        /// The root that it published.
        root: H256,
    },
    /// An enclave of the shard published a root from which the worker's receipt does not follow: one of the two
    /// computes something else than the shard's other workers.
    Contradiction {
        /// The root that it published.
        root: H256,
    },
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GenesisNotPinned { genesis } => write!(
                f,
                "note: the chain is the one that the node names, genesis {genesis:?}; pin it with --genesis or a \
                 profile"
            ),
            Self::CacheDamaged => f.write_str(
                "note: what was kept of the chain's finality cannot be used; following it again from the start",
            ),
            Self::ChainStartedAnew => {
                f.write_str("note: the development chain was started anew; following it from the start")
            }
            Self::WorkerVerified { shard, measurement, root, block } => write!(
                f,
                "worker verified: shard {shard}, MRENCLAVE {}, root {root}, at block {block}",
                measurement
            ),
            Self::Submitted { extrinsic_hash } => write!(f, "submitted: {extrinsic_hash:?}"),
            Self::InBlock { block_hash } => write!(f, "in block: {block_hash:?}"),
            Self::Final { block_hash, block_number } => {
                write!(f, "final: block {block_number} {block_hash:?}")
            }
            Self::Processed { root, .. } => write!(f, "processed: root {root:?}"),
            Self::Contradiction { root } => write!(
                f,
                "warning: an enclave of the shard published root {root:?}, from which the worker's receipt does not \
                 follow; looking for another confirmation"
            ),
        }
    }
}
