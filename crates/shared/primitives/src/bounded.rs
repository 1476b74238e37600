// SPDX-License-Identifier: Apache-2.0
//! Decoding of bytes that an adversary may have chosen.

use codec::{Decode, DecodeLimit, MemTrackingInput};
use core::fmt;

/// Decodes all of `bytes` as a `T`: at most `max_len` bytes, at most [`MAX_DEPTH`] nested values, nothing left over.
///
/// What is decoded takes [`MEMORY_FACTOR`] times `max_len` and [`MEMORY_BASE`] bytes of memory at most: an empty vector
/// is one byte on the wire and 24 in memory, so a length limit alone would let small parts multiply.
///
/// # Errors
/// [`DecodeError`] that names which of the rules was broken; it never quotes the bytes, which may be plaintext.
pub fn decode_bounded<T: Decode>(bytes: &[u8], max_len: usize) -> Result<T, DecodeError> {
    if bytes.len() > max_len {
        return Err(DecodeError::TooLong { len: bytes.len(), max_len });
    }
    let mut input = bytes;
    let memory = max_len.saturating_mul(MEMORY_FACTOR).saturating_add(MEMORY_BASE);
    let mut within = MemTrackingInput::new(&mut input, memory);
    let value = T::decode_with_depth_limit(MAX_DEPTH, &mut within).map_err(|_| DecodeError::Malformed)?;
    if input.is_empty() { Ok(value) } else { Err(DecodeError::TrailingBytes(input.len())) }
}

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than the caller allows.
    TooLong {
        /// Bytes that came.
        len: usize,
        /// Bytes that are allowed.
        max_len: usize,
    },
    /// Not an encoding of the wanted type, nested too deeply, or of too many small parts.
    Malformed,
    /// This many bytes follow a well-formed value.
    TrailingBytes(usize),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, max_len } => write!(f, "{len} bytes are more than the {max_len} allowed"),
            Self::Malformed => f.write_str("malformed encoding"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the value"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Values may nest this deep. The deepest type of ours nests about ten levels.
pub const MAX_DEPTH: u32 = 32;

/// Bytes of memory per byte of the length limit.
pub const MEMORY_FACTOR: usize = 8;

/// Bytes of memory that any value may take, for types that are large in memory and small on the wire.
pub const MEMORY_BASE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{boxed::Box, vec, vec::Vec};
    use codec::Encode;

    #[derive(Encode, Decode)]
    struct Nested(Option<Box<Nested>>);

    #[test]
    fn small_parts_do_not_multiply_memory() {
        let many = |count: usize| vec![Vec::<u8>::new(); count].encode();
        assert!(decode_bounded::<Vec<Vec<u8>>>(&many(10_000), 100_000).is_ok());
        let (bytes, limit) = (many(100_000), 100_004);
        assert_eq!(decode_bounded::<Vec<Vec<u8>>>(&bytes, limit), Err(DecodeError::Malformed));
    }

    #[test]
    fn length_trailing_bytes_and_depth_are_refused() {
        assert_eq!(decode_bounded::<u32>(&[1, 0, 0, 0], 4), Ok(1));
        assert_eq!(decode_bounded::<u32>(&[1, 0, 0, 0], 3), Err(DecodeError::TooLong { len: 4, max_len: 3 }));
        assert_eq!(decode_bounded::<u32>(&[1, 0, 0, 0, 9], 5), Err(DecodeError::TrailingBytes(1)));
        assert_eq!(decode_bounded::<u32>(&[1], 5), Err(DecodeError::Malformed));
        let mut deep = vec![1u8; 10_000];
        deep.push(0);
        assert_eq!(decode_bounded::<Nested>(&deep, 20_000).err(), Some(DecodeError::Malformed));
    }
}
