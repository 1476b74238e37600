// SPDX-License-Identifier: Apache-2.0
//! The parentchain by itself: the production preset with four validators on one machine.

use anyhow::{Context, Result};
use offstage_devnet::process::Process;
use offstage_e2e::{
    audit::Auditor,
    network::{binary, wait_until},
    ports::free_ports,
};
use std::{net::TcpStream, path::Path, process::Command, time::Duration};

/// GRANDPA needs more than two thirds of the validators: three of four go on without the fourth.
#[test]
fn three_of_four_validators_go_on_finalizing() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(story(folder.path())).unwrap_or_else(|error| panic!("{error:#}"));
}

async fn story(folder: &Path) -> Result<()> {
    let [boot_port, rpc_port] = free_ports()?;
    let mut validators = vec![validator("alice", folder, boot_port, rpc_port, None)?];
    for name in ["bob", "charlie", "dave"] {
        let [port, rpc] = free_ports()?;
        validators.push(validator(name, folder, port, rpc, Some(boot_port))?);
    }
    let first = validators.first_mut().context("a validator")?;
    wait_until("the first validator answers", PATIENCE, || {
        first.require_alive()?;
        Ok(TcpStream::connect(("127.0.0.1", rpc_port)).is_ok())
    })?;
    let auditor = Auditor::connect(&format!("ws://127.0.0.1:{rpc_port}")).await?;
    wait_for_finalized(&auditor, 2).await?;

    validators.pop().context("a fourth validator")?.stop();
    let stopped_at = auditor.finalized().await?;
    wait_for_finalized(&auditor, stopped_at + 4).await
}

fn validator(name: &str, folder: &Path, port: u16, rpc_port: u16, boot: Option<u16>) -> Result<Process> {
    let mut command = Command::new(binary("offstage-node")?);
    command
        .args([
            "--chain",
            "local",
            "--validator",
            "--no-mdns",
            "--no-telemetry",
            "--no-prometheus",
            "--allow-private-ip",
        ])
        .args([&format!("--{name}"), "--port", &port.to_string(), "--rpc-port", &rpc_port.to_string()])
        .arg("--base-path")
        .arg(folder.join(name));
    match boot {
        None => command.args(["--node-key", BOOT_KEY]),
        Some(port) => command
            .arg("--unsafe-force-node-key-generation")
            .args(["--bootnodes", &format!("/ip4/127.0.0.1/tcp/{port}/p2p/{BOOT_PEER}")]),
    };
    Ok(Process::start(name, command, &folder.join(format!("{name}.log")))?)
}

async fn wait_for_finalized(auditor: &Auditor, number: u64) -> Result<()> {
    for _ in 0..PATIENCE.as_secs() {
        if auditor.finalized().await? >= number {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    anyhow::bail!("block {number} was not finalized within {} s", PATIENCE.as_secs())
}

/// Blocks come every six seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// The number one, as an ed25519 seed, and the peer identifier that libp2p derives from it.
const BOOT_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000001";
const BOOT_PEER: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
