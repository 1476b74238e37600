// SPDX-License-Identifier: Apache-2.0
//! Length-prefixed frames over any stream of bytes.
//!
//! Sans-IO in the sense that matters: the functions take `std::io::Read` and `Write`, so tests run them over byte
//! slices, cut at every byte.

use codec::{Decode, DecodeLimit, Encode, MemTrackingInput};
use std::io::{self, Read, Write};

/// Writes one message as a frame and flushes.
///
/// # Errors
/// When the stream fails, or the message is longer than [`MAX_FRAME_LEN`].
pub fn write_frame<T: Encode>(stream: &mut impl Write, message: &T) -> Result<(), FrameError> {
    let payload = message.encode();
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    if len > MAX_FRAME_LEN {
        return Err(FrameError::TooLong(len));
    }
    stream.write_all(&len.to_le_bytes())?;
    stream.write_all(&payload)?;
    stream.flush()?;
    Ok(())
}

/// Reads one frame as a message. `None` when the stream ended between two frames.
///
/// Memory grows with the bytes that really come, not with the length that is claimed; and a message takes at most
/// [`MAX_DECODED_LEN`], although an empty vector is one byte in a frame and twenty-four in memory.
///
/// # Errors
/// When the stream fails or ends inside a frame, the claimed length is over [`MAX_FRAME_LEN`], or the payload is not
/// exactly one message.
pub fn read_frame<T: Decode>(stream: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut prefix = Vec::with_capacity(4);
    stream.by_ref().take(4).read_to_end(&mut prefix)?;
    if prefix.is_empty() {
        return Ok(None);
    }
    let prefix = <[u8; 4]>::try_from(prefix).map_err(|_| FrameError::Truncated)?;
    let len = u32::from_le_bytes(prefix);
    if len > MAX_FRAME_LEN {
        return Err(FrameError::TooLong(len));
    }
    let mut payload = Vec::new();
    stream.by_ref().take(len.into()).read_to_end(&mut payload)?;
    if u32::try_from(payload.len()).ok() != Some(len) {
        return Err(FrameError::Truncated);
    }
    let mut input = &payload[..];
    let mut within = MemTrackingInput::new(&mut input, MAX_DECODED_LEN);
    let message = T::decode_with_depth_limit(MAX_DEPTH, &mut within).map_err(|_| FrameError::Malformed)?;
    if input.is_empty() { Ok(Some(message)) } else { Err(FrameError::Malformed) }
}

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed.
    #[error("the stream between host and enclave failed: {0}")]
    Stream(#[from] io::Error),
    /// The stream ended inside a frame.
    #[error("the stream between host and enclave ended inside a frame")]
    Truncated,
    /// A frame of this many bytes.
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_LEN}")]
    TooLong(u32),
    /// Not an encoding of the expected message.
    #[error("a frame does not hold a message of this protocol; host and enclave are of different versions")]
    Malformed,
}

/// The longest frame, in bytes: a block's body (16 MiB) and its proof with the most events (40 MiB), or a runtime's
/// code, fit.
pub const MAX_FRAME_LEN: u32 = 64 * 1024 * 1024;

/// Memory that a message may take: all the bytes of the longest frame, and as much again for what holds them.
pub const MAX_DECODED_LEN: usize = 128 * 1024 * 1024;

/// Messages nest about five levels.
const MAX_DEPTH: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockBundle, HostRequest, Untrusted};
    use proptest::prelude::*;

    fn message() -> HostRequest {
        HostRequest::ImportBlock(Box::new(BlockBundle {
            header: Untrusted::new(vec![1; 100]),
            body: Untrusted::new(vec![vec![2; 50]; 3]),
            state_proof: Untrusted::new(vec![vec![3; 40]; 2]),
        }))
    }

    #[test]
    fn h12_a_stream_cut_at_any_byte_is_an_error_and_never_a_message() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &message()).unwrap();
        assert_eq!(read_frame::<HostRequest>(&mut &bytes[..]).unwrap(), Some(message()));
        assert!(matches!(read_frame::<HostRequest>(&mut &bytes[..0]), Ok(None)));
        for cut in 1..bytes.len() {
            assert!(
                matches!(read_frame::<HostRequest>(&mut &bytes[..cut]), Err(FrameError::Truncated)),
                "{cut}"
            );
        }
    }

    #[test]
    fn h12_a_claimed_length_reserves_nothing() {
        let huge = (MAX_FRAME_LEN + 1).to_le_bytes();
        assert!(matches!(read_frame::<HostRequest>(&mut &huge[..]), Err(FrameError::TooLong(_))));
        let claimed = MAX_FRAME_LEN.to_le_bytes();
        assert!(matches!(read_frame::<HostRequest>(&mut &claimed[..]), Err(FrameError::Truncated)));
    }

    /// The longest frame, full of empty headers, would take 24 times its length.
    #[test]
    fn h12_small_parts_do_not_multiply_memory() {
        let headers = |count: u32| {
            let mut payload = vec![1];
            codec::Compact(count).encode_to(&mut payload);
            payload.resize(payload.len() + count as usize, 0);
            let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
            bytes.extend(payload);
            read_frame::<HostRequest>(&mut &bytes[..])
        };
        assert!(matches!(headers(crate::MAX_HEADERS as u32), Ok(Some(HostRequest::ImportHeaders(_)))));
        assert!(matches!(headers(MAX_FRAME_LEN - 100), Err(FrameError::Malformed)));
        let one = HostRequest::ImportRuntimeCode(Untrusted::new(vec![7; MAX_FRAME_LEN as usize - 100]));
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &one).unwrap();
        assert_eq!(read_frame(&mut &bytes[..]).unwrap(), Some(one));
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        let mut payload = message().encode();
        payload.push(0);
        let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
        bytes.extend(payload);
        assert!(matches!(read_frame::<HostRequest>(&mut &bytes[..]), Err(FrameError::Malformed)));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
            framed.extend(&bytes);
            let _ = read_frame::<HostRequest>(&mut &framed[..]);
            let _ = read_frame::<crate::EnclaveResponse>(&mut &framed[..]);
        }
    }
}
