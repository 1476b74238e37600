// SPDX-License-Identifier: Apache-2.0
//! Builds the runtime to wasm and compiles the digest of its metadata (RFC-78) into it, so that the extension
//! `CheckMetadataHash` can tell whether a signer saw the real metadata.

fn main() {
    // Set by the wasm builder, read by macros of Substrate.
    println!("cargo::rustc-check-cfg=cfg(substrate_runtime)");
    build_wasm();
}

#[cfg(feature = "std")]
fn build_wasm() {
    // The builder looks for Cargo.lock above the target directory, which may lie elsewhere, and would otherwise build
    // the runtime with other versions than those that are locked. Asked when the script runs, because Cargo shares
    // compiled scripts between clones.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("Cargo says where the package is");
    let workspace = std::path::Path::new(&package).join("../..");
    // SAFETY: a build script starts with one thread, and this is its first action.
    unsafe { std::env::set_var("WASM_BUILD_WORKSPACE_HINT", workspace) };
    substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("UNIT", 12).build();
}

/// The wasm build runs this script too, without the builder.
#[cfg(not(feature = "std"))]
fn build_wasm() {}
