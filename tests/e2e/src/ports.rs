// SPDX-License-Identifier: Apache-2.0
//! Which ports a network takes.

use anyhow::{Result, ensure};
use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// Ports that are free now, and that this process was not given before.
///
/// They are below those that systems take for outgoing connections, and tests that run at once, which nextest numbers,
/// look for theirs in different places; so nothing takes a port between this look and its use.
///
/// # Errors
/// When there are none.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let slot = std::env::var("NEXTEST_TEST_GLOBAL_SLOT").ok().and_then(|slot| slot.parse().ok());
    let slot = slot.unwrap_or_else(std::process::id) % SLOTS;
    let first = FIRST_PORT + u16::try_from(slot)? * PORTS_PER_SLOT;
    let mut ports = [0; N];
    for port in &mut ports {
        *port = loop {
            let given = GIVEN.fetch_add(1, Ordering::Relaxed);
            ensure!(given < PORTS_PER_SLOT, "no free port from {first} on");
            if TcpListener::bind(("127.0.0.1", first + given)).is_ok() {
                break first + given;
            }
        };
    }
    Ok(ports)
}

/// These ports, or others in the place of those that are taken.
pub(crate) fn ports<const N: usize>(defaults: Option<[u16; N]>) -> Result<[u16; N]> {
    let mut ports = free_ports()?;
    for (port, default) in ports.iter_mut().zip(defaults.into_iter().flatten()) {
        if TcpListener::bind(("127.0.0.1", default)).is_ok() {
            *port = default;
        }
    }
    Ok(ports)
}

/// The node's ports for JSON-RPC and for peers.
pub(crate) const NODE_PORTS: [u16; 2] = [9944, 30333];

/// Each worker's ports for clients, peers, health and metrics.
pub(crate) const WORKER_PORTS: [[u16; 4]; 2] = [[2000, 3443, 4545, 8787], [2010, 3453, 4555, 8797]];

const FIRST_PORT: u16 = 20_000;
const PORTS_PER_SLOT: u16 = 500;
const SLOTS: u32 = 20;
