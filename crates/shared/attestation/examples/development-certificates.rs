// SPDX-License-Identifier: Apache-2.0
//! Writes the development authority's certificates to where the sources include them. Needed only when what they say
//! changes; every chain whose genesis names the former root then refuses new quotes.
#![expect(clippy::disallowed_methods, reason = "it writes files")]

use offstage_attestation::development::issue_certificates;
use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let certificates = issue_certificates()?;
    for (file, der) in [
        ("../primitives/src/development_root.der", certificates.root),
        ("src/development/processor_authority.der", certificates.processor_authority),
        ("src/development/tcb_signer.der", certificates.tcb_signer),
        ("src/development/platform.der", certificates.platform),
    ] {
        fs::write(crate_folder.join(file), &der)?;
        println!("{file}: {} bytes", der.len());
    }
    Ok(())
}
