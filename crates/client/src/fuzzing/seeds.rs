// SPDX-License-Identifier: Apache-2.0
//! Seeds of the target.

use super::*;
use crate::{trust::TrustedRoot, worker::WorkerAddress};
use corpus::Target;
use offstage_primitives::{BlockHash, Measurement, node_url::NodeUrl};

#[path = "../../../../fuzz/src/corpus.rs"]
mod corpus;

const TARGETS: &[Target] = &[("profile", profile)];

#[test]
fn seeds_hold_what_the_target_asserts() {
    corpus::replay(TARGETS);
}

#[test]
#[ignore = "rewrites fuzz/corpus"]
fn write_seeds() {
    let whole = Profile {
        shard: [1; 32].into(),
        measurement: Some(Measurement([2; 32])),
        genesis: BlockHash::new([3; 32]),
        checkpoint: Some(BlockHash::new([4; 32])),
        root: TrustedRoot::Development,
        node: NodeUrl::parse("wss://node.example/rpc", 1).ok(),
        worker: WorkerAddress::parse("wss://[::1]:2010", 1).ok(),
    };
    let small = Profile {
        measurement: None,
        checkpoint: None,
        root: TrustedRoot::Intel,
        node: None,
        worker: None,
        ..whole.clone()
    };
    let unknown = small.to_json().replace("root", "rot");
    corpus::write(
        "profile",
        [("whole", whole.to_json()), ("small", small.to_json()), ("unknown-field", unknown)]
            .map(|(name, text)| (name, text.into_bytes())),
    );
}
