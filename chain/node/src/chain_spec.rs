// SPDX-License-Identifier: GPL-3.0-only
//! The chains that the node knows by name, and those it reads from files.

use offstage_runtime::{SS58_PREFIX, WASM_BINARY, quote_verification::quote_verification::HostFunctions};
use sc_service::{ChainType, GenericChainSpec, NoExtension, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use std::path::PathBuf;

/// A chain specification whose genesis may be built by a runtime with our host functions.
pub(crate) type ChainSpec = GenericChainSpec<NoExtension, HostFunctions>;

/// One validator, Alice, and a block each second.
///
/// # Errors
/// When this node was built without its runtime.
pub(crate) fn development() -> Result<ChainSpec, String> {
    named("Offstage Development", "offstage_dev", ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Four validators, Alice to Dave, and a block every six seconds.
///
/// # Errors
/// When this node was built without its runtime.
pub(crate) fn local() -> Result<ChainSpec, String> {
    named("Offstage Local Testnet", "offstage_local", ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

/// A chain from its specification, plain or raw, in the JSON file `path`.
///
/// # Errors
/// When the file cannot be read or is no chain specification.
pub(crate) fn from_file(path: &str) -> Result<ChainSpec, String> {
    if !PathBuf::from(path).is_file() {
        return Err(format!(
            "there is no chain `{path}`: give dev, local, or the path of a chain specification"
        ));
    }
    ChainSpec::from_json_file(path.into())
        .map_err(|error| format!("cannot read the chain specification {path}: {error}"))
}

fn named(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let wasm = WASM_BINARY
        .ok_or("this node was built without its runtime: build it again without SKIP_WASM_BUILD")?;
    Ok(ChainSpec::builder(wasm, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id(id)
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// What wallets show.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "UNIT".into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("ss58Format".into(), SS58_PREFIX.into());
    properties
}
