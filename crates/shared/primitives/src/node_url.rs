// SPDX-License-Identifier: Apache-2.0
//! Where a node of the parentchain listens. Client and worker read it in the same way.

use alloc::{borrow::ToOwned, format, string::String};
use core::fmt;

/// The WebSocket URL of a node, with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeUrl(String);

impl NodeUrl {
    /// Reads `ws://host`, `wss://host:port` or a URL with a path, which is whole as it is; `default_port` counts when
    /// the text names neither port nor path.
    ///
    /// # Errors
    /// [`NodeUrlError`] for other texts.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, NodeUrlError> {
        let rest = text.strip_prefix("ws://").or_else(|| text.strip_prefix("wss://")).ok_or(NodeUrlError)?;
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NodeUrlError);
        }
        let authority = rest.trim_end_matches('/');
        let (place, path) = authority.split_once(['/', '?', '#']).unzip();
        let port = port_of(place.unwrap_or(authority))?;
        if path.is_some() || port.is_some() {
            return Ok(Self(text.to_owned()));
        }
        Ok(Self(format!("{}:{default_port}", text.trim_end_matches('/'))))
    }

    /// The same machine at another port. A URL with a path stays as it is.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        let text = self.0.trim_end_matches('/');
        match text.rsplit_once(':') {
            Some((before, old)) if old.parse::<u16>().is_ok() => Self(format!("{before}:{port}")),
            _ => self.clone(),
        }
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The port that an authority names, if it names one. A colon within brackets belongs to an IPv6 address.
fn port_of(authority: &str) -> Result<Option<u16>, NodeUrlError> {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']').ok_or(NodeUrlError)?;
            match rest.strip_prefix(':') {
                None if rest.is_empty() => (host, None),
                None => return Err(NodeUrlError),
                Some(port) => (host, Some(port)),
            }
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port != 0).ok_or(NodeUrlError));
    if host.is_empty() { Err(NodeUrlError) } else { port.transpose() }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no URL of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeUrlError;

impl fmt::Display for NodeUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a node's URL begins with ws:// or wss://, then come a host and perhaps a port (1 to 65535) or a path, for \
             example ws://127.0.0.1:9944",
        )
    }
}

impl core::error::Error for NodeUrlError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn node_urls_get_their_port() {
        for (url, whole) in [
            ("ws://127.0.0.1", "ws://127.0.0.1:9944"),
            ("ws://127.0.0.1/", "ws://127.0.0.1:9944"),
            ("wss://node.example:443", "wss://node.example:443"),
            ("wss://node.example/rpc", "wss://node.example/rpc"),
            ("ws://[::1]", "ws://[::1]:9944"),
            ("ws://[::1]:1", "ws://[::1]:1"),
            ("wss://someone:secret@node.example", "wss://someone:secret@node.example:9944"),
        ] {
            let parsed = NodeUrl::parse(url, 9944).unwrap();
            assert_eq!(parsed.to_string(), whole);
            assert_eq!(NodeUrl::parse(whole, 1).unwrap(), parsed);
        }
        for url in [
            "http://127.0.0.1",
            "127.0.0.1",
            "127.0.0.1:9944",
            "ws://",
            "ws://:9944",
            "ws://a b",
            "ws://a\x1b[2J",
            "ws://a:",
            "ws://a:0",
            "ws://a:65536",
            "ws://a:9944:9944",
            "ws://a:port/path",
            "ws://[::1",
            "ws://[::1]9944",
            "ws://[]:9944",
            "ws:///path",
            "ws://someone@",
        ] {
            assert!(NodeUrl::parse(url, 9944).is_err(), "{url}");
        }
    }

    #[test]
    fn a_port_is_replaced_where_there_is_one() {
        for (url, other) in [
            ("ws://127.0.0.1", "ws://127.0.0.1:1"),
            ("ws://[::1]:9944/", "ws://[::1]:1"),
            ("wss://node.example/rpc", "wss://node.example/rpc"),
        ] {
            assert_eq!(NodeUrl::parse(url, 9944).unwrap().with_port(1).as_str(), other);
        }
    }
}
