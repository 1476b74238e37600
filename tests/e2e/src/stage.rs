// SPDX-License-Identifier: Apache-2.0
//! Where a test plays: a network in a folder of its own, which is kept when the test fails.

use crate::network::Network;
use anyhow::Result;

/// Plays a story on a network of which nothing runs yet.
///
/// # Panics
/// When the story fails, with the reason and the folder that has the logs.
pub fn play(story: impl AsyncFnOnce(&mut Network) -> Result<()>) {
    let folder = tempfile::Builder::new().prefix("offstage-e2e-").tempdir().expect("a folder");
    let mut network = Network::new(folder.path()).expect("free ports");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(story(&mut network));
    drop(network);
    if let Err(error) = outcome {
        panic!("{error:#}\nthe logs are kept in {}", folder.keep().display());
    }
}
