// SPDX-License-Identifier: Apache-2.0
//! Which ports a test takes.

use anyhow::{Context, Result};
use offstage_devnet::ports::{Finder, is_free};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Ports that are free now, and that this process was not given before.
///
/// They are below those that systems take for outgoing connections, and tests that run at once, which nextest numbers,
/// look for theirs in different places; so nothing takes a port between this look and its use.
///
/// # Errors
/// When there are none.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    static FINDER: LazyLock<Mutex<Finder>> = LazyLock::new(|| {
        let slot = std::env::var("NEXTEST_TEST_GLOBAL_SLOT").ok().and_then(|slot| slot.parse().ok());
        let slot = u16::try_from(slot.unwrap_or_else(std::process::id) % SLOTS).unwrap_or(0);
        let first = FIRST_PORT + slot * PORTS_PER_SLOT;
        Mutex::new(Finder::new(first..first + PORTS_PER_SLOT))
    });
    FINDER.lock().unwrap_or_else(PoisonError::into_inner).take().context("no free port")
}

/// These ports, or others in the place of those that are taken.
pub(crate) fn ports<const N: usize>(defaults: Option<[u16; N]>) -> Result<[u16; N]> {
    let mut ports = free_ports()?;
    for (port, default) in ports.iter_mut().zip(defaults.into_iter().flatten()) {
        if is_free(default) {
            *port = default;
        }
    }
    Ok(ports)
}

const FIRST_PORT: u16 = 20_000;
const PORTS_PER_SLOT: u16 = 500;
const SLOTS: u32 = 20;
