// SPDX-License-Identifier: Apache-2.0
//! The RFC-78 metadata digest, and whether the code holds it.

use super::{
    ChainProperties,
    metadata::{Metadata, Version},
};
use frame_metadata::RuntimeMetadata;
use merkleized_metadata::{ExtraInfo, generate_metadata_digest};

/// The digest, if the wasm was built with it.
pub(super) fn proven_digest(
    metadata: RuntimeMetadata,
    version: &Version,
    properties: &ChainProperties,
    parsed: &Metadata,
    wasm: &[u8],
) -> Option<[u8; 32]> {
    let extra = ExtraInfo {
        spec_version: version.spec_version,
        spec_name: version.spec_name.clone(),
        base58_prefix: parsed.ss58_prefix()?,
        decimals: properties.token_decimals,
        token_symbol: properties.token_symbol.clone(),
    };
    let digest = generate_metadata_digest(&metadata, extra).ok()?.hash();
    is_built_in(&digest, wasm).then_some(digest)
}

/// A compiler keeps 32 constant bytes as data or as four 64-bit immediates. For the latter all four must be there: to
/// find properties that give such a digest by chance takes about 2^170 tries.
fn is_built_in(digest: &[u8; 32], wasm: &[u8]) -> bool {
    contains(wasm, digest)
        || digest.chunks_exact(8).all(|part| {
            let value = part.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
            contains(wasm, &i64_const(value.cast_signed()))
        })
}

/// The instruction `i64.const` (0x42) with its operand in signed LEB128.
fn i64_const(mut value: i64) -> Vec<u8> {
    let mut bytes = vec![0x42];
    loop {
        let low = value.to_le_bytes().first().copied().unwrap_or_default() & 0x7f;
        value >>= 7;
        let done = (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0);
        bytes.push(if done { low } else { low | 0x80 });
        if done {
            return bytes;
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_as_data_and_as_immediates() {
        let digest: [u8; 32] = core::array::from_fn(|index| 0xff - index as u8 * 7);
        assert!(is_built_in(&digest, &[&[1, 2][..], &digest, &[3]].concat()));
        let mut code = vec![0x20, 0];
        for part in digest.chunks_exact(8) {
            code.extend(i64_const(i64::from_le_bytes(part.try_into().unwrap())));
            code.extend([0x37, 3, 8]);
        }
        assert!(is_built_in(&digest, &code));
        code.truncate(code.len() - 5);
        assert!(!is_built_in(&digest, &code));
        assert!(!is_built_in(&digest, &digest[1..]));
    }

    #[test]
    fn immediates_are_leb128() {
        assert_eq!(i64_const(0), [0x42, 0]);
        assert_eq!(i64_const(-1), [0x42, 0x7f]);
        assert_eq!(i64_const(64), [0x42, 0xc0, 0]);
        assert_eq!(i64_const(-123_456), [0x42, 0xc0, 0xbb, 0x78]);
    }
}
