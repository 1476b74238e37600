// SPDX-License-Identifier: Apache-2.0
//! `offstage dev --once`: a network for one command. stdout is the command's alone.

use super::{
    Dev, profile_of,
    signals::{Asked, Signals},
};
use crate::cli::{error::CliError, options::Options, terminal::print_error_line};
use anyhow::{Context, Result, bail};
use offstage_devnet::{build, network::Network, ports::Ports, process};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
    time::{Duration, Instant},
};

pub(super) async fn run(dev: &Dev, options: &Options) -> Result<ExitCode> {
    let enclave = match dev.author()? {
        None => dev.enclave.clone().unwrap_or_default(),
        Some(author) => {
            if !build::build_now(&author, dev.build.as_deref())? {
                return Err(CliError::Build.into());
            }
            author.enclave
        }
    };
    // While the author's program is built, a signal ends this one as it ends any other: nothing runs yet.
    let mut signals = Signals::new()?;
    let folder = TemporaryFolder::new()?;
    let setup = dev.setup(folder.0.join("network"), |workers| Ok(Ports::free(workers)?))?;
    let mut network = Network::open(setup, false)?;
    network.serve(&enclave)?;
    print_error_line("starting parentchain and workers");
    if !wait(&mut network, &mut signals, Duration::from_secs(options.timeout)).await? {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let code = run_command(&dev.command, &network, &mut signals).await?;
    print_error_line("ending parentchain and workers");
    Ok(code)
}

/// Waits until the network is ready; `false` when somebody does not want it any more.
async fn wait(network: &mut Network, signals: &mut Signals, patience: Duration) -> Result<bool> {
    let begun = Instant::now();
    loop {
        let status = network.look()?;
        let trouble =
            status.workers.iter().find_map(|worker| worker.trouble.clone()).or(status.node.trouble.clone());
        if status.is_ready() && profile_of(network)?.is_some() {
            return Ok(true);
        }
        if begun.elapsed() > patience {
            let trouble = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
            bail!(CliError::NotReady { seconds: patience.as_secs(), trouble });
        }
        tokio::select! {
            _ = signals.next() => return Ok(false),
            () = tokio::time::sleep(TICK) => {},
        }
    }
}

async fn run_command(words: &[String], network: &Network, signals: &mut Signals) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("--once needs a command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    tell(&mut command, network)?;
    let mut child =
        command.spawn().map_err(|source| CliError::Command { program: program.clone(), source })?;
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().or_else(|| status.signal().map(|signal| signal.saturating_add(128)));
            return Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)));
        }
        tokio::select! {
            // A terminal has told the command, too, which may have its own way to end.
            asked = signals.next() => if asked == Asked::Somebody { end(&child) },
            () = tokio::time::sleep(TICK) => {},
        }
    }
}

fn end(child: &Child) {
    process::ask_to_end(child.id());
}

/// Tells a command where the network is. What the user's own surroundings say of another network is taken out.
fn tell(command: &mut Command, network: &Network) -> Result<()> {
    let profile = profile_of(network)?.context("the network says nothing of itself")?;
    for variable in ["OFFSTAGE_PROFILE", "OFFSTAGE_MRENCLAVE", "OFFSTAGE_CHECKPOINT"] {
        command.env_remove(variable);
    }
    let workers = network.ports().workers.iter();
    let workers = workers.map(|ports| format!("{}:{}", super::WORKER_HERE, ports.trusted));
    command
        .env("OFFSTAGE_SHARD", profile.shard.to_string())
        .env("OFFSTAGE_GENESIS", profile.genesis.to_string())
        .env("OFFSTAGE_ROOT", profile.root.to_string())
        .env("OFFSTAGE_WORKER_URLS", workers.collect::<Vec<_>>().join(" "));
    if let (Some(node), Some(worker)) = (profile.node, profile.worker) {
        command.env("OFFSTAGE_NODE_URL", node.to_string()).env("OFFSTAGE_WORKER_URL", worker.to_string());
    }
    let own = std::env::current_exe()?;
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&others));
    command.env("PATH", std::env::join_paths(folders)?);
    Ok(())
}

/// A folder that is removed when it is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("offstage-dev-{}", std::process::id()));
        // Somebody else's folder of this name is not used.
        fs::create_dir(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TICK: Duration = Duration::from_millis(200);

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
