// SPDX-License-Identifier: Apache-2.0
//! Runtimes that do nothing but answer with metadata: the smallest wasm that the light client runs as it runs a chain's
//! own.

/// A runtime that returns this metadata. `trailer` makes its code differ, and is searched for a digest.
pub fn test_code(metadata: &[u8], trailer: &[u8]) -> Vec<u8> {
    // `Option<Vec<u8>>` of `Metadata_metadata_at_version`: `Some`, length, bytes.
    let mut answer = vec![1];
    answer.extend(codec::Encode::encode(&metadata.to_vec()));
    let length = answer.len() as u64;
    let heap = DATA + length;
    let pages = heap / PAGE + 1;
    // One function of two i32 that answers an i64: where the answer lies and, in the upper half, how long it is.
    let packed = (length << 32 | DATA).cast_signed();
    let body = [&[0, I64_CONST][..], &signed(packed), &[END]].concat();
    let data = [&[0, I32_CONST][..], &signed(DATA.cast_signed()), &[END], &vector(&answer)].concat();
    let global = [&[I32, 0, I32_CONST][..], &signed(heap.cast_signed()), &[END]].concat();
    let export = |name: &str, kind: u8| [&vector(name.as_bytes())[..], &[kind, 0]].concat();
    let exports = [
        &[3][..],
        &export("Metadata_metadata_at_version", 0),
        &export("memory", 2),
        &export("__heap_base", 3),
    ];
    [
        &b"\0asm\x01\0\0\0"[..],
        &section(1, &[1, 0x60, 2, I32, I32, 1, I64]),
        &section(3, &[1, 0]),
        &section(5, &[&[1, 0][..], &unsigned(pages)].concat()),
        &section(6, &[&[1][..], &global].concat()),
        &section(7, &exports.concat()),
        &section(10, &[&[1][..], &vector(&body)].concat()),
        &section(11, &[&[1][..], &data].concat()),
        // Custom sections mean nothing to who runs the code.
        &section(0, &[&vector(b"trailer")[..], trailer].concat()),
    ]
    .concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &vector(content)].concat()
}

/// A length and so many bytes.
fn vector(bytes: &[u8]) -> Vec<u8> {
    [&unsigned(bytes.len() as u64)[..], bytes].concat()
}

/// LEB128.
fn unsigned(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// LEB128 of a signed number.
fn signed(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        // The sign is the last byte's second highest bit.
        if (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Where the answer lies in memory.
const DATA: u64 = 1024;

const PAGE: u64 = 65_536;
const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const I32_CONST: u8 = 0x41;
const I64_CONST: u8 = 0x42;
const END: u8 = 0x0b;
