// SPDX-License-Identifier: Apache-2.0
//! A worker that is genuine, and not yet known to be the one that the user means.

use super::{ChainView, Worker, WorkerAddress, WorkerError};
use crate::verification::{Expected, VerifiedWorker};
use offstage_primitives::{Measurement, ShardIdentifier, rpc::WorkerStatus};

/// A verified worker of whatever shard it says. It can be asked what everybody may ask; nothing can be encrypted to
/// it, signed for it or paid through it: for that, connect with a [`Pin`](crate::pin::Pin) that comes from the user
/// (threat model C12).
pub struct Stranger(Worker);

impl Stranger {
    /// Connects to the worker at `address` and verifies it.
    ///
    /// # Errors
    /// As [`Worker::connect`].
    pub async fn connect<C: ChainView>(
        chain: &C,
        address: &WorkerAddress,
        expected: &Expected,
    ) -> Result<Self, WorkerError> {
        Worker::verified(chain, address, expected).await.map(Self)
    }

    /// The shard that it serves, by its evidence.
    pub fn shard(&self) -> ShardIdentifier {
        self.0.identity().shard()
    }

    /// The measurement of its code, by its evidence.
    pub fn measurement(&self) -> &Measurement {
        self.0.identity().measurement()
    }

    /// `author_getFingerprint`: its measurement, in its own words.
    ///
    /// # Errors
    /// [`WorkerError`], also when the answer is not what its evidence says.
    pub async fn ask_measurement(&mut self) -> Result<Measurement, WorkerError> {
        self.0.measurement().await
    }

    /// `author_getShard`: its shard, in its own words.
    ///
    /// # Errors
    /// [`WorkerError`], also when the answer is not what its evidence says.
    pub async fn ask_shard(&mut self) -> Result<ShardIdentifier, WorkerError> {
        self.0.shard().await
    }

    /// `state_getMetadata`: the metadata of the business logic's runtime (SCALE).
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn metadata(&mut self) -> Result<Vec<u8>, WorkerError> {
        self.0.metadata().await
    }

    /// `system_version`: the worker's version.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn version(&mut self) -> Result<String, WorkerError> {
        self.0.version().await
    }

    /// `offstage_getStatus`: what it is doing, and up to which block.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn status(&mut self) -> Result<WorkerStatus, WorkerError> {
        self.0.status().await
    }

    /// With this one could encrypt, so it stays in the library.
    pub(crate) fn identity(&self) -> &VerifiedWorker {
        self.0.identity()
    }
}
