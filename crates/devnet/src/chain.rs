// SPDX-License-Identifier: Apache-2.0
//! The specification of a development chain.

use crate::{DevnetError, error::io};
use offstage_primitives::{
    AccountId32,
    ss58::{GENERIC_PREFIX, ss58},
};
use serde_json::{Value, json};
use std::{fs::File, io::Read, path::Path, process::Command};

/// The specification of the node's development chain.
///
/// # Errors
/// When the node does not print one.
pub fn development(node: &Path) -> Result<Value, DevnetError> {
    let printed = Command::new(node)
        .args(["export-chain-spec", "--chain", "dev"])
        .output()
        .map_err(|source| DevnetError::Start { name: "offstage-node".to_owned(), source })?;
    if !printed.status.success() {
        let told = String::from_utf8_lossy(&printed.stderr);
        return Err(DevnetError::Specification(told.lines().last().unwrap_or_default().to_owned()));
    }
    serde_json::from_slice(&printed.stdout).map_err(|error| DevnetError::Specification(error.to_string()))
}

/// Gives the chain another time from block to block, in milliseconds. It is another chain then, with a genesis of its
/// own.
///
/// # Errors
/// When the specification has no block time.
pub fn set_block_time(specification: &mut Value, milliseconds: u64) -> Result<(), DevnetError> {
    *part(specification, "/blockTime/slotDuration")? = milliseconds.into();
    Ok(())
}

/// Makes the chain one that was never there: an account that nobody has the key of gets a unit. So nothing that clients
/// keep of another chain, and no permit or call that was signed for one, is good for this one.
///
/// # Errors
/// When the specification has no balances, or there are no random numbers.
pub fn make_unique(specification: &mut Value) -> Result<(), DevnetError> {
    let mut account = [0; 32];
    let source = Path::new("/dev/urandom");
    File::open(source).and_then(|mut file| file.read_exact(&mut account)).map_err(io("read", source))?;
    let account = ss58(&AccountId32::new(account), GENERIC_PREFIX);
    let balances = part(specification, "/balances/balances")?.as_array_mut();
    balances
        .ok_or_else(|| DevnetError::Specification("its balances are no list".to_owned()))?
        .push(json!([account, UNIT]));
    Ok(())
}

fn part<'value>(specification: &'value mut Value, path: &str) -> Result<&'value mut Value, DevnetError> {
    specification
        .pointer_mut(&format!("/genesis/runtimeGenesis/patch{path}"))
        .ok_or_else(|| DevnetError::Specification(format!("it has no {path}")))
}

/// A unit of 12 decimals.
const UNIT: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_chains_are_the_same() {
        let plain = json!({ "genesis": { "runtimeGenesis": { "patch": {
            "balances": { "balances": [["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", 1]] },
            "blockTime": { "slotDuration": 1000 },
        } } } });
        let (mut first, mut second) = (plain.clone(), plain.clone());
        make_unique(&mut first).unwrap();
        make_unique(&mut second).unwrap();
        assert!(first != second && first != plain);
        set_block_time(&mut second, 3000).unwrap();
        assert_eq!(
            second.pointer("/genesis/runtimeGenesis/patch/blockTime/slotDuration"),
            Some(&3000.into())
        );
        let told = make_unique(&mut json!({})).unwrap_err().to_string();
        assert!(told.contains("/balances/balances") && told.contains("version"), "{told}");
    }
}
