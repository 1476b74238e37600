// SPDX-License-Identifier: Apache-2.0
//! The few forms of DER (X.690) that the authority writes itself.

/// A value behind its tag and length.
pub(super) fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let len = value.len();
    let mut encoded = vec![tag];
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => encoded.push(short),
        _ => {
            let bytes: Vec<u8> = len.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // At most eight bytes of length.
            encoded.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            encoded.extend(bytes);
        }
    }
    encoded.extend_from_slice(value);
    encoded
}

/// A SEQUENCE of encoded values.
pub(super) fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &values.concat())
}

/// An OCTET STRING.
pub(super) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

/// An INTEGER.
pub(super) fn integer(value: u8) -> Vec<u8> {
    if value < 0x80 { tagged(0x02, &[value]) } else { tagged(0x02, &[0, value]) }
}

/// An ENUMERATED.
pub(super) fn enumerated(value: u8) -> Vec<u8> {
    tagged(0x0a, &[value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(tagged(4, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(tagged(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tagged(4, &[0; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
        assert_eq!(integer(0x80), [2, 2, 0, 0x80]);
    }
}
