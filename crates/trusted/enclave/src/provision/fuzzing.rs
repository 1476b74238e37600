// SPDX-License-Identifier: Apache-2.0
//! The peers' part of [`crate::fuzzing`].

use super::message::{Answer, read_answer, read_ask, write_answer, write_ask};
use crate::keys::ShieldingKey;
use futures::executor::block_on;

/// Both messages of a peer: what is read is written as the same bytes again.
pub fn message(bytes: &[u8]) {
    let mut rest = bytes;
    if let Ok(ask) = block_on(read_ask(&mut rest)) {
        let mut again = Vec::new();
        block_on(write_ask(&mut again, &ask)).expect("it was read, so it can be written");
        assert_eq!([&again[..], rest].concat(), bytes);
    }
    let mut rest = bytes;
    if let Ok(answer) = block_on(read_answer(&mut rest)) {
        let mut again = Vec::new();
        block_on(write_answer(&mut again, &answer)).expect("it was read, so it can be written");
        assert_eq!([&again[..], rest].concat(), bytes);
        if let Answer::Key(key) = answer {
            let _ = ShieldingKey::from_sealable(&key);
        }
    }
}
