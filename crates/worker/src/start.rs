// SPDX-License-Identifier: Apache-2.0
//! What the enclave starts with: the chain's genesis, and what the operator chose.

use crate::{
    node::Node,
    options::{Options, RunOptions},
};
use anyhow::{Context, Result};
use codec::Encode;
use offstage_primitives::{BlockHash, chain::storage};
use offstage_protocol::{Start, Untrusted};

/// What of the chain belongs into the start: its genesis, its token, and, the first time, proofs of the genesis and its
/// runtime's code. A restarted enclave knows where it is and asks for the code of there, so that a node without old
/// states is good enough for it.
///
/// # Errors
/// When the node fails, or has lost its genesis.
pub async fn material(node: &Node, is_restart: bool) -> Result<Start> {
    let genesis = node.genesis_hash().await?;
    let header = node.header(genesis).await?.encode();
    let (proof, code) = match is_restart {
        true => (Vec::new(), Vec::new()),
        false => genesis_state(node, genesis).await?,
    };
    let (token_decimals, token_symbol) = node.token().await?;
    Ok(Start {
        genesis_header: Untrusted::new(header),
        genesis_proof: Untrusted::new(proof),
        runtime_code: Untrusted::new(code),
        token_decimals,
        token_symbol: Untrusted::new(token_symbol),
        shard: None,
        trusted_listen: String::new(),
        mutual_attestation_listen: String::new(),
        trusted_external: String::new(),
        mutual_attestation_external: String::new(),
        untrusted_external: String::new(),
        heartbeat: 0,
        leave: None,
    })
}

async fn genesis_state(node: &Node, genesis: BlockHash) -> Result<(Vec<Vec<u8>>, Vec<u8>)> {
    let keys = [
        storage::CODE_PATH_KEY.to_vec(),
        storage::grandpa_authorities(),
        storage::LEGACY_GRANDPA_AUTHORITIES.to_vec(),
    ];
    let proof =
        node.read_proof(&keys, genesis).await.context("a new worker begins at the chain's genesis")?;
    let code = node
        .storage(storage::CODE, Some(genesis))
        .await?
        .context("the node has no runtime code at genesis")?;
    Ok((proof, code))
}

/// The start as the operator wants it.
pub fn request(options: &Options, run: &RunOptions, material: Start) -> Start {
    let listen = &options.listen;
    let external =
        |given: &Option<String>, scheme: &str, port: u16| options.external(given.as_deref(), scheme, port);
    Start {
        shard: run.shard,
        trusted_listen: format!("{listen}:{}", options.trusted_worker_port),
        mutual_attestation_listen: format!("{listen}:{}", options.mu_ra_port),
        trusted_external: external(&options.trusted_external_address, "wss", options.trusted_worker_port),
        mutual_attestation_external: external(&options.mu_ra_external_address, "wss", options.mu_ra_port),
        untrusted_external: external(
            &options.untrusted_external_address,
            "ws",
            options.untrusted_worker_port,
        ),
        heartbeat: run.heartbeat,
        ..material
    }
}
