// SPDX-License-Identifier: Apache-2.0
//! The machine: room on the disk, ports that are free.

use super::Check;
use crate::{data_dir, options::Options};
use std::{
    net::{TcpListener, ToSocketAddrs},
    path::Path,
};

/// Room for the store.
pub(super) fn disk(folder: &Path) -> Check {
    // The folder may not be there yet: its nearest parent that is has the same disk, most likely.
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(there) = absolute.ancestors().find(|ancestor| ancestor.is_dir()) else {
        return Check::fail("disk", format!("there is no folder above {}", folder.display()));
    };
    match rustix::fs::statvfs(there) {
        Ok(room) => free(room.f_bavail.saturating_mul(room.f_frsize), there),
        Err(error) => Check::warn("disk", format!("its free space cannot be told: {error}")),
    }
}

fn free(bytes: u64, folder: &Path) -> Check {
    let text = format!("{} MiB are free at {}", bytes / MIB, folder.display());
    if bytes < LEAST_FREE {
        Check::fail(
            "disk",
            format!("{text}: free some, a store begins with some MiB and grows with the shard"),
        )
    } else if bytes < FREE {
        Check::warn("disk", format!("{text}: free some, a store grows with the shard"))
    } else {
        Check::ok("disk", text)
    }
}

/// Each port that the worker will listen on.
pub(super) fn ports(options: &Options) -> Vec<Check> {
    let mut wanted = vec![
        (&options.listen, options.trusted_worker_port, "--trusted-worker-port"),
        (&options.listen, options.mu_ra_port, "--mu-ra-port"),
        (&options.untrusted_http_address, options.untrusted_http_port, "--untrusted-http-port"),
    ];
    if options.enable_metrics {
        wanted.push((&options.untrusted_http_address, options.metrics_port, "--metrics-port"));
    }
    let is_running = data_dir::is_in_use(&options.data_dir);
    let taken: Vec<Check> = wanted
        .iter()
        .filter_map(|(address, port, flag)| {
            let error = bind(address, *port).err()?;
            Some(match is_running {
                true => Check::warn("ports", format!("{address}:{port} is in use, by this folder's worker or another")),
                false => Check::fail(
                    "ports",
                    format!("{address}:{port} cannot be listened on ({error}): free it, or choose another with {flag}"),
                ),
            })
        })
        .collect();
    if taken.is_empty() {
        let ports: Vec<String> = wanted.iter().map(|(_, port, _)| port.to_string()).collect();
        return vec![Check::ok("ports", format!("{} are free", ports.join(", ")))];
    }
    taken
}

fn bind(address: &str, port: u16) -> std::io::Result<()> {
    let places = (address.trim_matches(['[', ']']), port).to_socket_addrs()?;
    places.into_iter().try_for_each(|place| TcpListener::bind(place).map(drop))
}

const MIB: u64 = 1024 * 1024;
/// A new store, and room for a repair.
const LEAST_FREE: u64 = 64 * MIB;
/// A year of blocks of six seconds with some operations.
const FREE: u64 = 2048 * MIB;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn words(checks: &[Check]) -> String {
        checks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_taken_port_is_named_with_its_flag() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port().to_string();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let cli = Cli::try_parse_from([
            "offstage-worker",
            "-d",
            &data,
            "-r",
            &port,
            "-P",
            "0",
            "--untrusted-http-port",
            "0",
            "preflight",
        ]);
        let told = words(&ports(&cli.unwrap().options));
        assert!(
            told.starts_with("fail  ports") && told.contains("--mu-ra-port") && told.contains(&port),
            "{told}"
        );
        let cli = Cli::try_parse_from([
            "offstage-worker",
            "-d",
            &data,
            "-r",
            "0",
            "-P",
            "0",
            "--untrusted-http-port",
            "0",
            "preflight",
        ]);
        assert!(words(&ports(&cli.unwrap().options)).starts_with("ok    ports"));
    }

    #[test]
    fn room_is_judged_where_the_folder_will_be() {
        let folder = tempfile::tempdir().unwrap();
        assert!(disk(&folder.path().join("not/yet")).to_string().contains("MiB are free"));
        for (bytes, verdict) in [(0, "fail"), (LEAST_FREE, "warn"), (FREE, "ok")] {
            assert!(free(bytes, folder.path()).to_string().starts_with(verdict), "{bytes}");
        }
    }
}
