// SPDX-License-Identifier: Apache-2.0
//! Headers: bounded decoding and what names a block.

use codec::{Decode, Encode};
use offstage_primitives::{
    BlockHash,
    bounded::{DecodeError, decode_bounded},
};
use sp_runtime::{generic, traits::BlakeTwo256};
use std::{fmt, ops::RangeInclusive};

/// The header of every chain that Offstage follows: 32-bit numbers, blake2-256.
pub type Header = generic::Header<u32, BlakeTwo256>;

/// Number and hash of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockId {
    /// Height above genesis.
    pub number: u32,
    /// Hash of the header.
    pub hash: BlockHash,
}

impl BlockId {
    /// The name of the block with this header.
    pub fn of(header: &Header) -> Self {
        Self { number: header.number, hash: header.hash().into() }
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} ({:?})", self.number, self.hash)
    }
}

/// Hash of the block before the one with this header.
pub(crate) fn parent_hash(header: &Header) -> BlockHash {
    header.parent_hash.into()
}

/// Decodes a header: at most [`MAX_HEADER_LEN`] bytes, nothing left over.
///
/// # Errors
/// When the bytes are not exactly one header.
pub fn decode_header(bytes: &[u8]) -> Result<Header, DecodeError> {
    decode_bounded(bytes, MAX_HEADER_LEN)
}

/// Why headers were refused. Those before the refused one stay imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// More headers than [`MAX_HEADERS_PER_CALL`] at once.
    #[error("{0} headers at once; send at most {MAX_HEADERS_PER_CALL}")]
    TooMany(usize),
    /// Not a header.
    #[error("header cannot be decoded: {0}; send it as chain_getHeader encodes it")]
    Malformed(DecodeError),
    /// Neither the next header nor one that is known or asked for.
    #[error(
        "header {number} does not continue the chain, whose newest header is {frontier}; send headers in order"
    )]
    OutOfOrder {
        /// Number of the refused header.
        number: u32,
        /// The newest imported header.
        frontier: u32,
    },
    /// The block was executed already.
    #[error("block {0} was executed already; continue after it")]
    Executed(u32),
    /// The header's parent is not the block before it on the imported chain, or another header is known at its height.
    #[error("header {0} is of a fork; send the headers of the finalized chain")]
    Fork(u32),
    /// The authority set ends at this block, and only the old set may finalize it.
    #[error("the authority set changes at block {0}; send a justification for exactly this block first")]
    JustificationNeeded(u32),
    /// A set change that nobody can follow without trusting a node.
    #[error("header {0} forces a change of the authority set; start again from a checkpoint behind it")]
    ForcedChange(u32),
    /// GRANDPA allows one pending change at a time.
    #[error("header {0} announces a set change while another is pending; the chain breaks GRANDPA's rules")]
    ChangeWhilePending(u32),
    /// An empty set, a zero weight, or weights that overflow.
    #[error("header {0} announces an authority set that cannot vote; the chain breaks GRANDPA's rules")]
    InvalidAuthorities(u32),
    /// Heights have run out.
    #[error("header {0} announces a set change beyond the last possible block")]
    Overflow(u32),
}

/// A header whose hash is no longer in memory, and the range to import again so that it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("headers {} to {} left memory; import them again", .0.start(), .0.end())]
pub struct Thinned(pub RangeInclusive<u32>);

/// A header with the set change of a thousand authorities has about 40 KB.
pub const MAX_HEADER_LEN: usize = 512 * 1024;

/// Headers per call of [`import_headers`](crate::LightClient::import_headers), so that one call is short.
pub const MAX_HEADERS_PER_CALL: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sp_core::H256;
    use sp_runtime::{Digest, traits::Header as _};

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(header) = decode_header(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let header = Header::new(7, H256::zero(), H256::zero(), H256::zero(), Digest::default());
        let mut bytes = header.encode();
        assert_eq!(decode_header(&bytes), Ok(header));
        bytes.push(0);
        assert_eq!(decode_header(&bytes), Err(DecodeError::TrailingBytes(1)));
    }
}
