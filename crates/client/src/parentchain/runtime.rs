// SPDX-License-Identifier: Apache-2.0
//! The chain's runtimes: what calls and events mean, by the code that the chain's state proves.
//!
//! The code is run in an interpreter for its metadata, as the enclave does it; a node's own word for the metadata
//! counts nothing. It is run once for each runtime that a run of the client meets.

use super::{Inner, Parentchain, ParentchainError, finality, innermost};
use codec::Decode;
use offstage_light_client::{FinalBlock, VerifiedRuntime};
use offstage_primitives::{BlockHash, chain::storage};
use std::sync::Arc;
use subxt::{
    Metadata, OnlineClient, PolkadotConfig,
    config::polkadot::{PolkadotConfigBuilder, SpecVersionForRange},
    metadata::ArcMetadata,
};

/// A runtime that the chain's state proves.
#[derive(Clone)]
pub(crate) struct Runtime {
    verified: Arc<VerifiedRuntime>,
    metadata: ArcMetadata,
}

impl Runtime {
    /// As the light client reads it.
    pub(crate) fn verified(&self) -> &VerifiedRuntime {
        &self.verified
    }
}

/// The runtimes that were met, the newest last.
#[derive(Default)]
pub(crate) struct Runtimes(Vec<Runtime>);

impl Parentchain {
    /// The runtime in the state of a final block, which executes the block after it.
    pub(crate) async fn runtime_at(&self, block: &FinalBlock) -> Result<Runtime, ParentchainError> {
        let Inner { node, runtimes, .. } = &*self.0;
        let state = finality::read(node, block, &[]).await?;
        let mut runtimes = runtimes.lock().await;
        let known = runtimes.0.iter().find(|known| known.verified.code_hash() == state.code_hash());
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let code = node.storage(storage::CODE, block.id().hash).await?.unwrap_or_default();
        let properties = node.properties().await;
        let unproven = |reason: String| ParentchainError::Unproven {
            what: format!("runtime of block {}", block.id().number),
            reason,
        };
        let (verified, metadata) =
            state.runtime(&code, &properties).map_err(|error| unproven(error.to_string()))?;
        let metadata = Metadata::decode(&mut &metadata[..]).map_err(|error| unproven(error.to_string()))?;
        let runtime = Runtime { verified: Arc::new(verified), metadata: Arc::new(metadata) };
        runtimes.0.push(runtime.clone());
        Ok(runtime)
    }

    /// What signs and submits by this runtime's metadata and version, whatever the node says of them.
    pub(crate) async fn api_by(
        &self,
        runtime: &Runtime,
    ) -> Result<OnlineClient<PolkadotConfig>, ParentchainError> {
        let spec_version = runtime.verified.spec_version();
        let versions = SpecVersionForRange {
            block_range: 0..u64::MAX,
            spec_version,
            transaction_version: runtime.verified.transaction_version(),
        };
        let config = PolkadotConfigBuilder::new()
            .use_historic_types(false)
            .set_metadata_for_spec_versions([(spec_version, runtime.metadata.clone())])
            .set_spec_version_for_block_ranges([versions])
            .build();
        let api = OnlineClient::from_backend_with_config(config, self.0.backend.clone()).await;
        let api = api.map_err(|error| ParentchainError::Read {
            what: "the chain's genesis",
            reason: innermost(&error),
        })?;
        let found = BlockHash::from(api.genesis_hash().0);
        if found == self.0.genesis_hash {
            Ok(api)
        } else {
            Err(ParentchainError::OtherChain { found, pinned: self.0.genesis_hash })
        }
    }
}
