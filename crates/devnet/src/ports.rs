// SPDX-License-Identifier: Apache-2.0
//! Which ports a network takes.

use crate::DevnetError;
use std::{net::TcpListener, ops::Range};

/// The ports of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The node's.
    pub node: NodePorts,
    /// Each worker's.
    pub workers: Vec<WorkerPorts>,
}

/// The ports of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePorts {
    /// For JSON-RPC.
    pub rpc: u16,
    /// For other nodes.
    pub peer: u16,
}

/// The ports of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerPorts {
    /// For clients.
    pub trusted: u16,
    /// For other workers.
    pub mutual_attestation: u16,
    /// For whoever wants to know how it is.
    pub health: u16,
    /// For its figures.
    pub metrics: u16,
}

impl Ports {
    /// The ports that are the defaults of our programs' flags, and beside them those of further workers: clients need
    /// no flags to find such a network.
    pub fn usual(workers: usize) -> Self {
        Self {
            node: NodePorts::USUAL,
            workers: (0..workers.min(MAX_WORKERS)).map(WorkerPorts::usual).collect(),
        }
    }

    /// The ports from `first` on: two for the node, and four for each worker.
    ///
    /// # Errors
    /// [`DevnetError::NoPorts`] when there are not so many.
    pub fn from(first: u16, workers: usize) -> Result<Self, DevnetError> {
        let nothing = DevnetError::NoPorts { workers, first };
        let mut free = first..=u16::MAX;
        let mut take = || free.next();
        let mut all = || {
            let node = NodePorts { rpc: take()?, peer: take()? };
            let workers = (0..workers).map(|_| WorkerPorts::new([take()?, take()?, take()?, take()?].into()));
            Some(Self { node, workers: workers.collect::<Option<_>>()? })
        };
        all().ok_or(nothing)
    }

    /// Ports that are free now.
    ///
    /// # Errors
    /// When there are none.
    pub fn free(workers: usize) -> Result<Self, DevnetError> {
        let mut finder = Finder::of_process(FREE_PORTS);
        let nothing = DevnetError::NoPorts { workers, first: finder.next };
        let mut all = || {
            let node = NodePorts::from(finder.take::<2>()?);
            let workers = (0..workers).map(|_| WorkerPorts::new(finder.take::<4>()));
            Some(Self { node, workers: workers.collect::<Option<_>>()? })
        };
        all().ok_or(nothing)
    }

    /// Fails when somebody else has one of them.
    ///
    /// # Errors
    /// [`DevnetError::PortInUse`].
    pub fn require_free(&self) -> Result<(), DevnetError> {
        let node = [self.node.rpc, self.node.peer].map(|port| (port, "the node".to_owned()));
        let workers = self.workers.iter().enumerate().flat_map(|(index, ports)| {
            let all = [ports.trusted, ports.mutual_attestation, ports.health, ports.metrics];
            all.map(|port| (port, format!("worker {}", index.saturating_add(1))))
        });
        match node.into_iter().chain(workers).find(|(port, _)| !is_free(*port)) {
            None => Ok(()),
            Some((port, whose)) => Err(DevnetError::PortInUse { port, whose }),
        }
    }
}

impl NodePorts {
    /// Those that our programs take by themselves.
    pub const USUAL: Self = Self { rpc: 9944, peer: 30333 };
}

impl From<[u16; 2]> for NodePorts {
    fn from([rpc, peer]: [u16; 2]) -> Self {
        Self { rpc, peer }
    }
}

impl WorkerPorts {
    /// Those of the worker with this index. The first has those that our programs take by themselves.
    pub fn usual(index: usize) -> Self {
        let further = u16::try_from(index).unwrap_or(u16::MAX).saturating_mul(10);
        Self::from([2000, 3443, 4545, 8787].map(|port: u16| port.saturating_add(further)))
    }

    fn new(ports: Option<[u16; 4]>) -> Option<Self> {
        ports.map(Self::from)
    }
}

impl From<[u16; 4]> for WorkerPorts {
    fn from([trusted, mutual_attestation, health, metrics]: [u16; 4]) -> Self {
        Self { trusted, mutual_attestation, health, metrics }
    }
}

/// Looks for free ports, and gives none twice.
#[derive(Clone, Debug)]
pub struct Finder {
    next: u16,
    end: u16,
}

impl Finder {
    /// Looks in this range. It should be below those that systems take for outgoing connections (32768 and more), so
    /// that nothing takes a port between this look and its use.
    pub fn new(range: Range<u16>) -> Self {
        Self { next: range.start, end: range.end }
    }

    /// Looks in a part of the range that depends on this process's number: processes that look at once look in
    /// different places.
    fn of_process(range: Range<u16>) -> Self {
        let parts = range.end.saturating_sub(range.start).checked_div(PORTS_PER_PROCESS).unwrap_or(1).max(1);
        let part = std::process::id().checked_rem(u32::from(parts)).unwrap_or(0);
        let part = u16::try_from(part).unwrap_or(0);
        Self { next: range.start.saturating_add(part.saturating_mul(PORTS_PER_PROCESS)), end: range.end }
    }

    /// Ports that are free now.
    pub fn take<const N: usize>(&mut self) -> Option<[u16; N]> {
        let mut ports = [0; N];
        for port in &mut ports {
            *port = loop {
                let candidate = self.next;
                if candidate >= self.end {
                    return None;
                }
                self.next = candidate.saturating_add(1);
                if is_free(candidate) {
                    break candidate;
                }
            };
        }
        Some(ports)
    }
}

/// Whether nobody on this machine has the port.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// The most workers of a network.
pub const MAX_WORKERS: usize = 10;

/// Where [`Ports::free`] looks.
const FREE_PORTS: Range<u16> = 10_000..20_000;

/// More than a network of [`MAX_WORKERS`] has.
const PORTS_PER_PROCESS: u16 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all(ports: &Ports) -> Vec<u16> {
        let workers = ports.workers.iter();
        let workers =
            workers.flat_map(|ports| [ports.trusted, ports.mutual_attestation, ports.health, ports.metrics]);
        [ports.node.rpc, ports.node.peer].into_iter().chain(workers).collect()
    }

    #[test]
    fn no_port_is_taken_twice() {
        for ports in
            [Ports::usual(MAX_WORKERS), Ports::from(7000, MAX_WORKERS).unwrap(), Ports::free(3).unwrap()]
        {
            let numbers = all(&ports);
            assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "{ports:?}");
        }
        assert_eq!(all(&Ports::from(65_526, 2).unwrap()).last(), Some(&65_535));
        let none = Ports::from(65_527, 2).unwrap_err();
        assert!(none.is_usage() && none.to_string().contains("choose a lower --first-port"), "{none}");
    }

    #[test]
    fn a_port_in_use_is_named_with_the_option_that_helps() {
        let ports = Ports::free(2).unwrap();
        ports.require_free().unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", ports.workers[1].health)).unwrap();
        let told = ports.require_free().unwrap_err().to_string();
        let port = ports.workers[1].health;
        assert!(told.starts_with(&format!("port {port}, for worker 2, is in use")), "{told}");
        assert!(told.contains("--first-port"), "{told}");
    }

    #[test]
    fn a_range_that_is_full_gives_nothing() {
        let port = Ports::free(0).unwrap().node.rpc;
        let _taken = TcpListener::bind(("127.0.0.1", port));
        assert_eq!(Finder::new(port..port + 1).take::<1>(), None);
        assert_eq!(Finder::new(9..9).take::<1>(), None);
    }
}
