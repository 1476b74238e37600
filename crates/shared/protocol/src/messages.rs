// SPDX-License-Identifier: Apache-2.0
//! One enum per direction.

use crate::Untrusted;
use codec::{Decode, Encode};
use core::fmt;
use offstage_primitives::{
    AccountId32, BlockHash, H256, Measurement, ShardIdentifier,
    rpc::{BlockReference, Phase},
};

/// What the host asks of the enclave.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum HostRequest {
    /// Must be first, and come once.
    #[codec(index = 0)]
    Start(Box<Start>),
    /// Headers that extend the chain the enclave knows, or that [`Status::wanted_headers`] asked for, oldest first, at
    /// most [`MAX_HEADERS`]; each is the SCALE encoding of a header. They count for nothing until a justification
    /// covers them.
    #[codec(index = 1)]
    ImportHeaders(Vec<Untrusted<Vec<u8>>>),
    /// A SCALE-encoded GRANDPA justification for one of the imported headers.
    #[codec(index = 2)]
    ImportJustification(Untrusted<Vec<u8>>),
    /// The next block: the one after [`Status::position`], covered by finality.
    #[codec(index = 3)]
    ImportBlock(Box<BlockBundle>),
    /// The runtime's code as the chain stores it under `:code`, after [`Status::wanted_code`] asked for it.
    #[codec(index = 4)]
    ImportRuntimeCode(Untrusted<Vec<u8>>),
    /// Ask the enclave at this address (`wss://host:port`, its mutual-attestation port) for the shielding key.
    #[codec(index = 5)]
    RequestShieldingKey(Untrusted<String>),
    /// Everything that is to be submitted now.
    #[codec(index = 6)]
    Collect,
    /// How far the enclave is.
    #[codec(index = 7)]
    Status,
    /// The chain's tip as the host sees it: the enclave at [`Status::position`] equal to it counts as caught up, makes
    /// a key when the shard has none, and registers. A lie only delays the host's own worker: what a registration
    /// proves does not rest on it.
    #[codec(index = 8)]
    AtFinalizedHead(Untrusted<BlockHash>),
    /// Finish what is under way and end the process.
    #[codec(index = 9)]
    Shutdown,
    /// Who the enclave is, from its sealed store alone; allowed before `Start` too.
    #[codec(index = 10)]
    Identify,
    /// The node has banned the extrinsic with this blake2-256 hash: it does not look at these bytes again for half an
    /// hour. So the enclave signs other ones, not sooner and not more often than it allows itself. A lie costs
    /// signatures; and as what is given up counts no failure, up to a fee every 64 blocks for an effect that the chain
    /// includes without honouring it.
    #[codec(index = 11)]
    NoteBanned(Untrusted<H256>),
}

/// How an enclave starts.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Start {
    /// SCALE encoding of the parentchain's genesis header. Its hash is the chain's identity: keys, quote and
    /// registration are bound to it, so a host that lies about it gets a worker of another chain (threat model H2).
    pub genesis_header: Untrusted<Vec<u8>>,
    /// Trie nodes that prove the light client's genesis keys against the genesis header's state root. Empty on a
    /// restart.
    pub genesis_proof: Untrusted<Vec<Vec<u8>>>,
    /// Runtime code (bytes of `:code`) of the genesis, or, on a restart, of the stored position. May be empty on a
    /// restart: the enclave then asks for it.
    pub runtime_code: Untrusted<Vec<u8>>,
    /// `tokenDecimals` of the chain's properties, for the metadata digest (RFC-78); checked against the runtime's code.
    pub token_decimals: u8,
    /// `tokenSymbol` of the chain's properties.
    pub token_symbol: Untrusted<String>,
    /// The shard to serve; named after the enclave's own measurement when absent.
    pub shard: Option<ShardIdentifier>,
    /// Where the enclave listens for clients, such as `127.0.0.1:2000`. Port 0 lets the system choose.
    pub trusted_listen: String,
    /// Where it listens for peers that want the shielding key, such as `127.0.0.1:3443`.
    pub mutual_attestation_listen: String,
    /// The URL that the registration publishes, such as `wss://127.0.0.1:2000`.
    pub trusted_external: String,
    /// What `author_getMuRaUrl` returns.
    pub mutual_attestation_external: String,
    /// What `author_getUntrustedUrl` returns.
    pub untrusted_external: String,
    /// Empty blocks are confirmed when their number is a multiple of this. At least 1. Every worker of a shard should
    /// use the same.
    pub heartbeat: u32,
    /// Given when the operator takes the worker out: this start serves nobody, opens no port, never registers, and
    /// removes the enclave's registration.
    pub leave: Option<Leave>,
}

/// How an enclave leaves its shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Leave {
    /// Also when no other enclave is known to act for the shard. Then the shard stands still, and its shielding key is
    /// in stores alone; without this the enclave submits nothing.
    pub even_as_last: bool,
}

/// How far an enclave is that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Departure {
    /// It follows the chain to its head first.
    #[codec(index = 0)]
    Following,
    /// It holds the shard's key, and no other enclave is known to act for the shard; so it submits nothing.
    #[codec(index = 1)]
    Last,
    /// The removal of its registration is to be submitted, or on its way.
    #[codec(index = 2)]
    Removing,
    /// At the position, which is final, the chain has no registration of it.
    #[codec(index = 3)]
    Gone,
}

/// A block with all that is needed to verify it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockBundle {
    /// SCALE encoding of the header.
    pub header: Untrusted<Vec<u8>>,
    /// The body's extrinsics, each as the chain encodes it (with its length prefix).
    pub body: Untrusted<Vec<Vec<u8>>>,
    /// Trie nodes that prove the keys of [`Status::watched_keys`] against the header's state root: what the node's
    /// `state_getReadProof` gives. `:code` is proven without its value where the state version allows.
    pub state_proof: Untrusted<Vec<Vec<u8>>>,
}

/// What the enclave answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum EnclaveResponse {
    /// To [`HostRequest::Start`].
    #[codec(index = 0)]
    Started(Box<Started>),
    /// To requests that have no answer of their own.
    #[codec(index = 1)]
    Done(Box<Status>),
    /// To [`HostRequest::Collect`].
    #[codec(index = 2)]
    Collected {
        /// In the order in which they are to be submitted. The same effect comes again, signed anew, until the enclave
        /// has seen it final.
        extrinsics: Vec<OutboxExtrinsic>,
        /// How far the enclave is.
        status: Box<Status>,
    },
    /// To [`HostRequest::Identify`].
    #[codec(index = 4)]
    Identified(Box<Identity>),
    /// The request was refused. State and position are as before; the next honest request is processed.
    #[codec(index = 3)]
    Refused(Refusal),
}

/// Who an enclave is, chain or no chain.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Identity {
    /// Its account on the parentchain, an ed25519 public key.
    pub signer: AccountId32,
    /// Its measurement.
    pub measurement: Measurement,
    /// The shielding public key in its JSON form, when the store holds one.
    pub shielding_key: Option<String>,
    /// What the store belongs to, once it has seen a chain.
    pub bound: Option<Bound>,
}

/// What a store belongs to, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Bound {
    /// Hash of the chain's genesis header.
    pub genesis_hash: BlockHash,
    /// The shard.
    pub shard: ShardIdentifier,
    /// The last block that it verified.
    pub position: BlockReference,
}

/// How an enclave started.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Started {
    /// Its account on the parentchain, an ed25519 public key.
    pub signer: AccountId32,
    /// Its measurement.
    pub measurement: Measurement,
    /// The shard it serves.
    pub shard: ShardIdentifier,
    /// Hash of the genesis header it pinned.
    pub genesis_hash: BlockHash,
    /// The address it listens on for clients.
    pub trusted_address: String,
    /// The address it listens on for peers.
    pub mutual_attestation_address: String,
    /// How far it is.
    pub status: Status,
}

/// How far an enclave is, and what it wants.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// The last block that it verified and, if the shard is born and it holds the key, executed. It jumps back once: to
    /// the block before the shard's birth, when a joiner gets the key.
    pub position: BlockReference,
    /// The newest block that it knows to be final. Equal to `position` when it wants new headers.
    pub finalized: BlockReference,
    /// The newest header it was given.
    pub tip: BlockReference,
    /// Storage keys that the next block's proof must cover.
    pub watched_keys: Vec<Vec<u8>>,
    /// blake2-256 of the runtime code that it needs before the next block.
    pub wanted_code: Option<H256>,
    /// First and last number of the headers that it needs again before the next block: after a gap that was too long to
    /// remember each hash of.
    pub wanted_headers: Option<(u32, u32)>,
    /// Number of extrinsics whose effect it has not yet seen final.
    pub outbox_len: u32,
    /// Number of operations executed since this start, failures included.
    pub operations: u64,
    /// Something an operator should know, such as an account that cannot pay fees. Never about an operation.
    pub notice: Option<String>,
    /// What of the outbox is not submitted any more, and why; one entry for each kind and reason.
    pub parked: Vec<Parked>,
    /// What the enclave's account has and pays; `None` before the first block.
    pub funds: Option<Funds>,
    /// The block since which the oldest of what is under way waits to be seen final.
    pub outbox_since: Option<u32>,
    /// Seconds of the chain's time for which the registration of this start still counts; `None` when it does not.
    pub registration_left_secs: Option<u64>,
    /// Other enclaves that hold a slot of the shard on chain.
    pub peers: u32,
    /// How far it is with leaving; `None` when this start is not for that.
    pub departure: Option<Departure>,
}

/// What the enclave's account has and pays, by verified blocks. Amounts are in the token's smallest unit.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Funds {
    /// The free balance.
    pub balance: u128,
    /// What of it the chain keeps: no fee is paid out of it.
    pub deposit: u128,
    /// Fees that were paid since this start.
    pub fees_paid: u128,
    /// Fees a day, estimated from those that were paid; `None` as long as too little was seen.
    pub fees_per_day: Option<u128>,
    /// Whole days for which the balance lasts at this rate.
    pub days_left: Option<u32>,
    /// The balance that what waits needs, when there is less.
    pub needed: Option<u128>,
    /// Decimals of the token.
    pub token_decimals: u8,
    /// Symbol of the token.
    pub token_symbol: String,
}

impl Funds {
    /// An amount as people write it.
    pub fn written(&self, amount: u128) -> String {
        let (decimals, symbol) = (self.token_decimals, &self.token_symbol);
        let unit = 10u128.checked_pow(decimals.into());
        let Some((whole, part)) =
            unit.and_then(|unit| amount.checked_div(unit).zip(amount.checked_rem(unit)))
        else {
            return format!("{amount} of 10^-{decimals} {symbol}");
        };
        let digits = format!("{part:0width$}", width = usize::from(decimals));
        match digits.trim_end_matches('0') {
            "" => format!("{whole} {symbol}"),
            part => format!("{whole}.{part} {symbol}"),
        }
    }
}

/// Effects that the enclave does not submit, because they would only burn fees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Parked {
    /// What they are.
    pub kind: OutboxKind,
    /// Why.
    pub reason: ParkedReason,
    /// How many.
    pub count: u32,
}

/// Why an effect is parked, and what sets it going again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum ParkedReason {
    /// The shard's account on chain would fall below its existential deposit.
    #[codec(index = 0)]
    ShardFunds,
    /// The chain included it several times without honouring it.
    #[codec(index = 1)]
    Failed,
    /// The chain's runtime has been replaced since, and has no such call any more.
    #[codec(index = 2)]
    Unfit,
}

impl fmt::Display for ParkedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShardFunds => {
                "the shard's account on chain would fall below its existential deposit; it goes on when somebody \
                 transfers funds to the shard's account"
            }
            Self::Unfit => {
                "the chain's runtime has been replaced since it was asked for, and takes no such call; it ends by \
                 itself after its last block"
            }
            Self::Failed => {
                "the chain included it several times without honouring it; look for the failed extrinsics of the \
                 enclave's account on chain, and restart the worker when their cause is gone. It ends by itself when \
                 another worker succeeds"
            }
        })
    }
}

/// A signed extrinsic to be submitted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OutboxExtrinsic {
    /// Names the effect, the same each time it is signed anew; the first one of a batch.
    pub id: u64,
    /// What it is, for logs.
    pub kind: OutboxKind,
    /// The encoded extrinsic with its length prefix, ready for `author_submitExtrinsic`.
    pub extrinsic: Vec<u8>,
}

/// What an extrinsic of the enclave does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum OutboxKind {
    /// Registers this start of the enclave.
    #[codec(index = 0)]
    Registration,
    /// Confirms a block.
    #[codec(index = 1)]
    Confirmation,
    /// Pays out unshielded funds.
    #[codec(index = 2)]
    Unshield,
    /// Confirms blocks and pays out, several of either, in one extrinsic.
    #[codec(index = 3)]
    Batch,
    /// Removes the enclave's registration.
    #[codec(index = 4)]
    Removal,
    /// Does a call of the parentchain in the shard's name, or several such calls.
    #[codec(index = 5)]
    Effect,
}

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Refusal {
    /// Stable code.
    pub code: RefusalCode,
    /// For people: what to do next. Never about an operation or a key.
    pub message: String,
}

/// The kinds of refusal, by whose fault it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum RefusalCode {
    /// The request does not fit the conversation, for example a second `Start`.
    #[codec(index = 0)]
    Conversation,
    /// A header or justification does not verify.
    #[codec(index = 1)]
    Finality,
    /// A block's header, body or proof does not verify, or it is not the next one.
    #[codec(index = 2)]
    Block,
    /// The runtime code is not the one that the chain stores.
    #[codec(index = 3)]
    RuntimeCode,
    /// The sealed store is damaged, of another chain, shard or version, or cannot be written.
    #[codec(index = 4)]
    Store,
    /// The peer refused, was refused, or could not be reached.
    #[codec(index = 5)]
    Provisioning,
    /// The platform cannot do what is asked: no quote, no address to listen on.
    #[codec(index = 6)]
    Platform,
    /// A defect of the enclave.
    #[codec(index = 7)]
    Bug,
    /// The votes of a justification do not finalize its block. Another justification for the same block may.
    #[codec(index = 8)]
    Justification,
}

/// At most so many headers in one request.
pub const MAX_HEADERS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_in_the_chains_unit() {
        let funds = |token_decimals| Funds {
            balance: 0,
            deposit: 0,
            fees_paid: 0,
            fees_per_day: None,
            days_left: None,
            needed: None,
            token_decimals,
            token_symbol: "UNIT".into(),
        };
        for (amount, decimals, text) in [
            (0, 12, "0 UNIT"),
            (1, 12, "0.000000000001 UNIT"),
            (1_500_000_000_000, 12, "1.5 UNIT"),
            (7, 0, "7 UNIT"),
            (u128::MAX, 39, "340282366920938463463374607431768211455 of 10^-39 UNIT"),
        ] {
            assert_eq!(funds(decimals).written(amount), text);
        }
    }

    #[test]
    fn the_codes_of_refusals_are_pinned() {
        // Without an entry here a new code does not compile.
        let pinned = |refusal: RefusalCode| match refusal {
            RefusalCode::Conversation => 0,
            RefusalCode::Finality => 1,
            RefusalCode::Block => 2,
            RefusalCode::RuntimeCode => 3,
            RefusalCode::Store => 4,
            RefusalCode::Provisioning => 5,
            RefusalCode::Platform => 6,
            RefusalCode::Bug => 7,
            RefusalCode::Justification => 8,
        };
        for code in 0..=u8::MAX {
            match RefusalCode::decode(&mut &[code][..]) {
                Ok(refusal) => assert_eq!(pinned(refusal), code),
                Err(_) => assert!(code > 8, "no refusal has the code {code}"),
            }
        }
    }

    #[test]
    fn the_codes_of_extrinsics_are_pinned() {
        // Without an entry here a new kind does not compile.
        let pinned = |kind: OutboxKind| match kind {
            OutboxKind::Registration => 0,
            OutboxKind::Confirmation => 1,
            OutboxKind::Unshield => 2,
            OutboxKind::Batch => 3,
            OutboxKind::Removal => 4,
            OutboxKind::Effect => 5,
        };
        for code in 0..=u8::MAX {
            match OutboxKind::decode(&mut &[code][..]) {
                Ok(kind) => assert_eq!(pinned(kind), code),
                Err(_) => assert!(code > 5, "no kind has the code {code}"),
            }
        }
    }

    #[test]
    fn the_codes_of_departures_are_pinned() {
        // Without an entry here a new state does not compile.
        let pinned = |departure: Departure| match departure {
            Departure::Following => 0,
            Departure::Last => 1,
            Departure::Removing => 2,
            Departure::Gone => 3,
        };
        for code in 0..=u8::MAX {
            match Departure::decode(&mut &[code][..]) {
                Ok(departure) => assert_eq!(pinned(departure), code),
                Err(_) => assert!(code > 3, "no departure has the code {code}"),
            }
        }
    }

    #[test]
    fn the_codes_of_parked_effects_are_pinned() {
        // Without an entry here a new reason does not compile.
        let pinned = |reason: ParkedReason| match reason {
            ParkedReason::ShardFunds => 0,
            ParkedReason::Failed => 1,
            ParkedReason::Unfit => 2,
        };
        for code in 0..=u8::MAX {
            match ParkedReason::decode(&mut &[code][..]) {
                Ok(reason) => assert_eq!(pinned(reason), code),
                Err(_) => assert!(code > 2, "no reason has the code {code}"),
            }
        }
    }
}
