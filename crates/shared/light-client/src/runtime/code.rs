// SPDX-License-Identifier: Apache-2.0
//! Runtime code as it is stored: wasm, or wasm compressed with Zstandard behind a magic prefix.

use ruzstd::decoding::StreamingDecoder;
use sp_core::H256;
use sp_crypto_hashing::blake2_256;
use std::{borrow::Cow, io::Read};

/// blake2-256 of the code as it is stored.
pub(super) fn hash(code: &[u8]) -> Result<H256, CodeError> {
    if code.len() > MAX_CODE_LEN {
        return Err(CodeError::TooLong(code.len()));
    }
    Ok(H256(blake2_256(code)))
}

/// The wasm within.
pub(super) fn decompress(code: &[u8]) -> Result<Cow<'_, [u8]>, CodeError> {
    let Some(compressed) = code.strip_prefix(&ZSTD_PREFIX) else { return Ok(Cow::Borrowed(code)) };
    let decoder = StreamingDecoder::new(compressed).map_err(|_| CodeError::Compression)?;
    let mut wasm = Vec::new();
    decoder
        .take(MAX_WASM_LEN.saturating_add(1))
        .read_to_end(&mut wasm)
        .map_err(|_| CodeError::Compression)?;
    match u64::try_from(wasm.len()) {
        Ok(length) if length <= MAX_WASM_LEN => Ok(Cow::Owned(wasm)),
        _ => Err(CodeError::Bomb),
    }
}

/// Why code cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// More than [`MAX_CODE_LEN`].
    #[error("runtime code of {0} bytes is longer than the {MAX_CODE_LEN} allowed")]
    TooLong(usize),
    /// Not Zstandard.
    #[error("runtime code is not compressed as its prefix says")]
    Compression,
    /// More than 50 MiB when decompressed.
    #[error("runtime code decompresses to more than {MAX_WASM_LEN} bytes")]
    Bomb,
}

/// sp-maybe-compressed-blob: what marks compressed code.
const ZSTD_PREFIX: [u8; 8] = [82, 188, 83, 118, 70, 219, 142, 5];

/// Bytes of code as it is stored. Validators of the largest chains allow 5 MB.
pub const MAX_CODE_LEN: usize = 16 * 1024 * 1024;

/// sp-maybe-compressed-blob's `CODE_BLOB_BOMB_LIMIT`, which every node applies.
const MAX_WASM_LEN: u64 = 50 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn compressed(wasm: &[u8]) -> Vec<u8> {
        [&ZSTD_PREFIX[..], &compress_to_vec(wasm, CompressionLevel::Fastest)].concat()
    }

    #[test]
    fn compressed_and_plain_code_give_the_same_wasm() {
        let wasm = b"\0asm, repeated ".repeat(1000);
        assert_eq!(decompress(&wasm).unwrap(), &wasm[..]);
        assert_eq!(decompress(&compressed(&wasm)).unwrap(), &wasm[..]);
    }

    #[test]
    fn a_bomb_and_garbage_are_refused() {
        let bomb = compressed(&vec![0; MAX_WASM_LEN as usize + 1]);
        assert!(bomb.len() < 1024 * 1024);
        assert_eq!(decompress(&bomb), Err(CodeError::Bomb));
        assert_eq!(decompress(&[&ZSTD_PREFIX[..], &[7; 100]].concat()), Err(CodeError::Compression));
        assert_eq!(hash(&vec![0; MAX_CODE_LEN + 1]), Err(CodeError::TooLong(MAX_CODE_LEN + 1)));
    }
}
