// SPDX-License-Identifier: Apache-2.0
//! From a backup to a data folder.

use super::{
    archive::{Checked, DAMAGED, Entry, Head, PIECE_LEN, read_checksum},
    names_in,
};
use crate::{cli::stored_identity, data_dir, enclave, node::Node, options::Options, text::generic_address};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use offstage_primitives::{BlockHash, H256, ShardIdentifier};
use offstage_protocol::files;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Options of `restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreOptions {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Hash of the genesis of the chain that the backup must be of [default: what the node says]
    #[arg(long, value_name = "HASH", value_parser = parse_genesis)]
    pub genesis: Option<BlockHash>,
    /// Shard that the backup must be of, in base58 [default: any]
    #[arg(short = 's', long, value_name = "BASE58")]
    pub shard: Option<ShardIdentifier>,
}

fn parse_genesis(text: &str) -> Result<BlockHash, &'static str> {
    text.parse::<H256>().map(BlockHash::from).map_err(|_| "a block's hash is 0x and 64 hexadecimal digits")
}

/// Makes a data folder of a backup. Returns what it is of, for people.
///
/// # Errors
/// When there is a worker's file in the folder already, or the backup is damaged, of another enclave, chain or shard.
/// The folder then has no more in it than before.
pub async fn restore(options: &Options, restore: &RestoreOptions) -> Result<String> {
    let (file, folder) = (&restore.file, &options.data_dir);
    let of_backup = || format!("cannot restore the backup {}", file.display());
    // What is damaged is told as that, whatever else is missing: the checksum needs neither enclave nor node.
    check(file).with_context(of_backup)?;
    let mut from = BufReader::new(File::open(file).with_context(of_backup)?);
    let head = Head::read(&mut from).with_context(of_backup)?;
    fits(options, restore, &head).await.with_context(of_backup)?;
    if folder.is_dir() {
        let there = names_in(folder)?;
        ensure!(
            there.is_empty(),
            "the data folder {} has a worker's files in it ({}): name another folder with --data-dir, nothing is \
            overwritten",
            folder.display(),
            there.join(", ")
        );
    }
    data_dir::prepare(folder)?;
    let outcome = unpack(&head, &mut from, folder);
    if outcome.is_err() {
        for entry in &head.files {
            let _ = fs::remove_file(unfinished(folder, &entry.name));
        }
    }
    outcome.with_context(of_backup)?;
    // Only the enclave can tell whether it is whole inside.
    let identity = stored_identity(options).await;
    let opens = identity.as_ref().is_ok_and(|identity| generic_address(&identity.signer) == head.account);
    if !opens {
        for entry in &head.files {
            let _ = fs::remove_file(folder.join(&entry.name));
        }
        return Err(match identity {
            Ok(_) => anyhow::anyhow!("it holds another account than it says"),
            Err(error) => error,
        })
        .with_context(of_backup);
    }
    Ok(head.described())
}

/// Whether enclave, chain and shard are those that the operator has.
async fn fits(options: &Options, restore: &RestoreOptions, head: &Head) -> Result<()> {
    ensure!(
        head.files.iter().any(|entry| files::STORES.contains(&entry.name.as_str())),
        "there is no store in it"
    );
    let binary = options.enclave_binary()?;
    let measurement = enclave::measurement(&binary).await?.to_string();
    ensure!(
        measurement == head.measurement,
        "it is of the enclave with measurement {}, and {} has {measurement}: name the other one with --enclave",
        head.measurement,
        binary.display()
    );
    let Some(genesis) = &head.genesis else { return Ok(()) };
    let expected = match restore.genesis {
        Some(genesis) => genesis,
        None => node_genesis(&options.node()).await?,
    };
    ensure!(
        *genesis == format!("{expected:?}"),
        "it is of the chain with genesis {genesis}, and this one has {expected:?}: name a node of that chain with \
        --node-url"
    );
    if let Some(shard) = restore.shard {
        let stored = head.shard.as_deref().unwrap_or("none");
        ensure!(stored == shard.to_string(), "it is of shard {stored}, not {shard}");
    }
    Ok(())
}

async fn node_genesis(url: &str) -> Result<BlockHash> {
    let asking = async { Node::connect(url).await?.genesis_hash().await };
    match tokio::time::timeout(NODE_TIMEOUT, asking).await {
        Ok(outcome) => outcome.context("which chain is meant says the node, or --genesis"),
        Err(_) => {
            bail!("the node at {url} does not answer; which chain is meant says the node, or --genesis")
        }
    }
}

/// Reads all of it, and writes nothing.
fn check(file: &Path) -> Result<()> {
    let mut from = BufReader::new(File::open(file)?);
    let head = Head::read(&mut from)?;
    read_files(&head, &mut from, |_| Ok(io::sink()), |_| Ok(()))
}

/// Writes all files under other names, and gives them theirs when the checksum is right. It is looked at here too: the
/// file may be another one by now.
fn unpack(head: &Head, from: &mut impl Read, folder: &Path) -> Result<()> {
    let open = |entry: &Entry| {
        let path = unfinished(folder, &entry.name);
        Ok(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?)
    };
    read_files(head, from, open, |file| Ok(file.sync_all()?))?;
    for entry in &head.files {
        fs::rename(unfinished(folder, &entry.name), folder.join(&entry.name))?;
    }
    Ok(File::open(folder)?.sync_all()?)
}

/// Copies each file to what `open` gives for it, and demands the right checksum behind the last one.
fn read_files<W: Write>(
    head: &Head,
    from: &mut impl Read,
    open: impl Fn(&Entry) -> Result<W>,
    close: impl Fn(W) -> Result<()>,
) -> Result<()> {
    let mut sum = Checked::new(());
    sum.add(&head.to_bytes());
    let mut piece = vec![0; PIECE_LEN];
    for entry in &head.files {
        let mut to = open(entry)?;
        let mut left = entry.len;
        while left > 0 {
            let len = usize::try_from(left).map_or(PIECE_LEN, |left| left.min(PIECE_LEN));
            let part = piece.get_mut(..len).context(DAMAGED)?;
            from.read_exact(part).context(DAMAGED)?;
            sum.add(part);
            to.write_all(part)?;
            left -= len as u64;
        }
        close(to)?;
    }
    if read_checksum(from)? != sum.checksum() {
        bail!(DAMAGED);
    }
    Ok(())
}

fn unfinished(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.restoring"))
}

const NODE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
pub(super) fn unpack_for_tests(from: &mut impl std::io::BufRead, folder: &Path) -> Result<Head> {
    let head = Head::read(from)?;
    unpack(&head, from, folder)?;
    Ok(head)
}
