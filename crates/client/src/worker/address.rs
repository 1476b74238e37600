// SPDX-License-Identifier: Apache-2.0
//! Where a worker listens.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// Host and port of a worker's trusted endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerAddress {
    host: String,
    port: u16,
}

impl WorkerAddress {
    /// Reads `wss://host` or `wss://host:port`; `default_port` counts when the text names none.
    ///
    /// # Errors
    /// [`AddressError`] for other texts.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, AddressError> {
        let authority = text.strip_prefix("wss://").ok_or(AddressError::Scheme)?.trim_end_matches('/');
        if authority.contains(['/', '?', '#', '@']) {
            return Err(AddressError::Host);
        }
        let (host, port) = match authority.rsplit_once(':') {
            // A colon within brackets belongs to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => {
                (host, u16::from_str(port).map_err(|_| AddressError::Port)?)
            }
            _ => (authority, default_port),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.chars().any(char::is_whitespace) {
            return Err(AddressError::Host);
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// The same machine at another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        Self { host: self.host.clone(), port }
    }

    /// Name or IP address of the machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for WorkerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "wss://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "wss://{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is no address of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It does not begin with `wss://`.
    #[error("a worker's URL begins with wss://, for example wss://127.0.0.1")]
    Scheme,
    /// The host is missing or malformed.
    #[error("a worker's URL is wss://host or wss://host:port, without a path")]
    Host,
    /// The port is not one.
    #[error("the port in the worker's URL is no number from 0 to 65535")]
    Port,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, shown) in [
            ("wss://127.0.0.1", "wss://127.0.0.1:2000"),
            ("wss://localhost:2001/", "wss://localhost:2001"),
            ("wss://[::1]", "wss://[::1]:2000"),
            ("wss://[::1]:9", "wss://[::1]:9"),
        ] {
            assert_eq!(WorkerAddress::parse(text, 2000).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn other_texts_say_why() {
        for (text, error) in [
            ("ws://127.0.0.1", AddressError::Scheme),
            ("127.0.0.1:2000", AddressError::Scheme),
            ("wss://", AddressError::Host),
            ("wss://host/path", AddressError::Host),
            ("wss://host:port", AddressError::Port),
            ("wss://host:70000", AddressError::Port),
        ] {
            assert_eq!(WorkerAddress::parse(text, 2000), Err(error), "{text}");
        }
    }
}
