// SPDX-License-Identifier: Apache-2.0
//! Entry point for the fuzz target in `fuzz/`: it takes any bytes and asserts what must hold of them. Not part of a
//! production build.

use crate::profile::{MAX_PROFILE_LEN, Profile};

/// A profile's file: it is refused, or means the same when it is written again, if it is then short enough to be
/// written at all.
pub fn profile(bytes: &[u8]) {
    match Profile::parse(bytes) {
        Ok(profile) => {
            assert!(bytes.len() <= MAX_PROFILE_LEN);
            let json = profile.to_json();
            if json.len() <= MAX_PROFILE_LEN {
                assert_eq!(Profile::parse(json.as_bytes()), Ok(profile));
            }
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}

#[cfg(test)]
mod seeds;
