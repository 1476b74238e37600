// SPDX-License-Identifier: Apache-2.0
//! `offstage dev`: a network on this machine, with the author's enclave. The network itself is `offstage-devnet`'s;
//! here is what its author sees and says.

mod once;
mod screen;
mod signals;
mod stay;

use super::{
    error::CliError,
    options::Options,
    terminal::{Terminal, print_error_line},
    trust::parse_hash,
};
use crate::{
    profile::{Profile, ProfileName},
    trust::TrustedRoot,
    worker::WorkerAddress,
};
use anyhow::{Context, Result};
use clap::Args;
use offstage_devnet::{
    author::{Author, folder_of_crate},
    network::{Network, Setup},
    ports::{MAX_WORKERS, Ports},
    process::become_guarded,
    programs::Programs,
};
use offstage_primitives::node_url::NodeUrl;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Run a parentchain and workers on this machine, with the enclave of your own logic
///
/// Start it in the crate of your logic (`offstage new` makes one). It builds the enclave, starts a chain with funds
/// for //Alice, //Bob, //Charlie, //Dave, //Eve and //Ferdie, starts workers, and writes a profile. In another
/// terminal, `offstage --profile dev …` then talks to your logic. It builds again whenever you save a source, and
/// starts the shard afresh with the new measurement. A build that is broken changes nothing. Ctrl-C ends all of it;
/// started again, it goes on where it was.
///
/// With --once it starts all of it on free ports and in a temporary folder, runs a command, ends all of it, and returns
/// the command's exit code.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Dev {
    /// How many workers
    #[arg(short = 'w', long, default_value_t = 2, value_name = "COUNT", value_parser = parse_workers)]
    workers: usize,
    /// Run this enclave as it is, and build and watch nothing; with --build, where the build puts it
    #[arg(long, value_name = "FILE")]
    enclave: Option<PathBuf>,
    /// What a shell is told to build the enclave, in the crate's folder [default: cargo build --release]
    #[arg(long, value_name = "CMD")]
    build: Option<String>,
    /// Program of the crate that is the enclave, where it has several
    #[arg(long, value_name = "NAME")]
    bin: Option<String>,
    /// Where chain, shards and logs are kept [default: .offstage/dev beside Cargo.toml]
    #[arg(short = 'f', long, value_name = "FOLDER", conflicts_with = "once")]
    folder: Option<PathBuf>,
    /// Begin with a new chain
    #[arg(long, conflicts_with = "once")]
    reset: bool,
    /// Take the ports from here on: two for the node, then four for each worker [default: 9944 and 30333; 2000, 3443,
    /// 4545 and 8787; the next worker has each of its ports 10 higher]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..))]
    first_port: Option<u16>,
    /// Folder of offstage-node and offstage-worker [default: that of this program, then PATH]
    #[arg(long, value_name = "FOLDER")]
    bin_dir: Option<PathBuf>,
    /// Name of the profile that is written
    #[arg(long, default_value = "dev", value_name = "NAME", conflicts_with = "once")]
    write_profile: ProfileName,
    /// Run the command that follows, and end
    #[arg(long, requires = "command")]
    once: bool,
    /// The command that --once runs, with its arguments; options of `dev` come before it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, requires = "once", value_name = "CMD")]
    command: Vec<String>,
}

impl Dev {
    pub(super) async fn run(&self, options: &Options, terminal: &Terminal) -> Result<ExitCode> {
        if self.once {
            once::run(self, options).await
        } else {
            stay::run(self, terminal).await.map(|()| ExitCode::SUCCESS)
        }
    }

    /// The programs, the ports and the folder.
    fn setup(&self, folder: PathBuf, otherwise: impl FnOnce(usize) -> Result<Ports>) -> Result<Setup> {
        let path = std::env::var("PATH").unwrap_or_default();
        let guard = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(Setup {
            folder,
            programs: Programs::find(self.bin_dir.as_deref(), &path)?,
            ports: match self.first_port {
                Some(first) => Ports::from(first, self.workers)?,
                None => otherwise(self.workers)?,
            },
            guard: Some((guard, WITH_PARENT)),
        })
    }

    /// The crate whose enclave is to be built; without one, the enclave is ready.
    fn author(&self) -> Result<Option<Author>> {
        let here = Path::new(".");
        Ok(match (&self.enclave, &self.build) {
            (Some(_), None) => None,
            (Some(enclave), Some(_)) => Some(Author {
                folder: folder_of_crate(here)?,
                binary: self.bin.clone().unwrap_or_default(),
                enclave: enclave.clone(),
            }),
            (None, _) => Some(Author::find(here, self.bin.as_deref())?),
        })
    }
}

/// Runs a program of a devnet so that it ends with whoever started it
#[derive(Args, Debug)]
pub(super) struct WithParent {
    /// The process that started this one
    parent: u32,
    /// The program and what it is told, of which nothing is for this program, though it may know an option of that name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

impl WithParent {
    pub(super) fn run(&self) -> ExitCode {
        let Some((program, arguments)) = self.command.split_first() else { return ExitCode::FAILURE };
        let error = become_guarded(self.parent, Path::new(program), arguments);
        print_error_line(&format!("error: cannot start {}: {error}", Path::new(program).display()));
        ExitCode::FAILURE
    }
}

/// What clients have to know of a network whose node has answered and whose workers serve a shard.
fn profile_of(network: &Network) -> Result<Option<Profile>> {
    let (Some(genesis), Some(measurement)) = (network.genesis(), network.measurement()) else {
        return Ok(None);
    };
    let Some(worker) = network.ports().workers.first() else { return Ok(None) };
    Ok(Some(Profile {
        shard: measurement.0.into(),
        measurement: None,
        genesis: parse_hash(genesis).map_err(|reason| CliError::CommandLine(reason.to_owned()))?,
        checkpoint: None,
        root: TrustedRoot::Development,
        node: Some(NodeUrl::parse(HERE, network.ports().node.rpc)?),
        worker: Some(WorkerAddress::parse(WORKER_HERE, worker.trusted)?),
    }))
}

fn parse_workers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_WORKERS).contains(number));
    number.ok_or_else(|| format!("a network here has 1 to {MAX_WORKERS} workers"))
}

/// The hidden command that runs a program of the network so that it ends with `offstage dev`.
pub(super) const WITH_PARENT: &str = "with-parent";

const HERE: &str = "ws://127.0.0.1";
const WORKER_HERE: &str = "wss://127.0.0.1";

const EXAMPLES: &str = "\
Examples:
  offstage dev
  offstage dev --workers 1 --reset
  offstage dev --enclave bin/offstage-enclave
  offstage dev --once offstage trusted metadata
  offstage dev --workers 1 --once sh tests/devnet.sh

What --once tells its command, which has `offstage` on its PATH:
  OFFSTAGE_SHARD, OFFSTAGE_GENESIS, OFFSTAGE_ROOT, OFFSTAGE_NODE_URL, OFFSTAGE_WORKER_URL: `offstage` needs no options
  OFFSTAGE_WORKER_URLS: the workers' addresses, with blanks between them";

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn a_program_gets_the_options_that_offstage_has_too() {
        let told = ["--node-port", "1", "--profile", "x", "-w", "2", "--once", "-h"];
        let guarded = Cli::parse_from(["offstage", super::WITH_PARENT, "7", "worker"].iter().chain(&told));
        let Command::WithParent(guarded) = guarded.command else { panic!("{guarded:?}") };
        assert_eq!(guarded.command[1..], told);
        let dev = Cli::parse_from(["offstage", "dev", "--once", "worker"].iter().chain(&told));
        let Command::Dev(dev) = dev.command else { panic!("{dev:?}") };
        assert_eq!(dev.command[1..], told);
        assert!(dev.once && dev.workers == 2);
    }
}
