// SPDX-License-Identifier: Apache-2.0
//! Builds the runtime to wasm and compiles the digest of its metadata (RFC-78) into it, so that the extension
//! `CheckMetadataHash` can tell whether a signer saw the real metadata.

#[cfg(feature = "std")]
fn main() {
    substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("UNIT", 12).build();
}

/// The wasm build runs this script too, without the builder.
#[cfg(not(feature = "std"))]
fn main() {}
