// SPDX-License-Identifier: Apache-2.0
//! Profiles: what a user knows of a shard and its chain, under a name.
//!
//! A profile is a JSON file, `offstage/profiles/<name>.json` in the user's configuration folder (`$XDG_CONFIG_HOME`,
//! or `~/.config`):
//!
//! ```json
//! {
//!   "shard": "8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j",
//!   "genesis": "0x0101010101010101010101010101010101010101010101010101010101010101", "root": "development", "node":
//!   "ws://127.0.0.1:9944", "worker": "wss://127.0.0.1:2000" }
//! ```
//!
//! `mrenclave` (base58) and `checkpoint` (a block's hash) may be there too; `root` is `intel` where it is not named;
//! `node` and `worker` are addresses, and prove nothing.
//!
//! # Threats
//! Who can write a profile decides into whose shard the user pays (threat model C12), so a file that others may write
//! is refused, and the files are the owner's alone (0600, in a folder 0700). The file is bounded and read strictly:
//! what is not understood is refused with its line, because a pin that is mistyped must not pass for one that is not
//! there.

mod folder;

pub use folder::Profiles;

use crate::{
    pin::Pin,
    trust::{Trust, TrustedRoot},
    worker::WorkerAddress,
};
use offstage_primitives::{BlockHash, Measurement, ShardIdentifier, node_url::NodeUrl};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use std::{fmt, io, marker::PhantomData, path::PathBuf, str::FromStr};
use thiserror::Error;

/// What a user knows of a shard and its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The shard.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub shard: ShardIdentifier,
    /// The measurement that its workers must have; without it, whichever the chain allows.
    #[serde(rename = "mrenclave", default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "write_some", deserialize_with = "read_some")]
    pub measurement: Option<Measurement>,
    /// Hash of the chain's genesis header.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub genesis: BlockHash,
    /// Hash of a final block from which the chain's finality is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "write_some", deserialize_with = "read_some")]
    pub checkpoint: Option<BlockHash>,
    /// Who vouches for the platforms of enclaves.
    #[serde(default, serialize_with = "write", deserialize_with = "read")]
    pub root: TrustedRoot,
    /// Where to find a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "write_some", deserialize_with = "read_some")]
    pub node: Option<NodeUrl>,
    /// Where to find a worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "write_some", deserialize_with = "read_some")]
    pub worker: Option<WorkerAddress>,
}

impl Profile {
    /// Reads a profile's file.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_PROFILE_LEN {
            return Err(format!("it is longer than {MAX_PROFILE_LEN} bytes"));
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The file of the profile.
    pub fn to_json(&self) -> String {
        // Every field is a text, so there is nothing that JSON could not hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Where trust starts.
    pub fn trust(&self) -> Trust {
        Trust { genesis: Some(self.genesis), checkpoint: self.checkpoint, root: self.root }
    }

    /// The shard that the user means.
    pub fn pin(&self) -> Pin {
        Pin::shard(self.shard).with_measurement(self.measurement)
    }
}

/// The name of a profile, which is the name of its file: letters, digits, `-`, `_` and `.`, not first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(String);

impl FromStr for ProfileName {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins_well && text.len() <= MAX_NAME_LEN && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProfileError::Name)
        }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it stands in a profile.
trait Text: Sized {
    fn parse(text: &str) -> Result<Self, String>;
    fn text(&self) -> String;
}

impl Text for ShardIdentifier {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("the shard: {error}"))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for Measurement {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("the measurement: {error}"))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for BlockHash {
    fn parse(text: &str) -> Result<Self, String> {
        let mut hash = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or_default();
        hex::decode_to_slice(digits, &mut hash)
            .map_err(|_| "a block's hash is 0x and 64 hexadecimal digits".to_owned())?;
        Ok(hash.into())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for TrustedRoot {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::trust::UnknownRoot| error.to_string())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for NodeUrl {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text, NODE_PORT).map_err(|error| error.to_string())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for WorkerAddress {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text, WORKER_PORT).map_err(|error| error.to_string())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// Parses while the reader still stands at the text, so that an error has its line.
struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(E::custom)
    }
}

fn read<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_str(TextVisitor(PhantomData))
}

fn read_some<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    read(from).map(Some)
}

fn write<T: Text, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.text())
}

fn write_some<T: Text, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => write(value, to),
        None => to.serialize_none(),
    }
}

/// What can go wrong with profiles.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not a name.
    #[error(
        "a profile's name has at most {MAX_NAME_LEN} letters, digits, `-`, `_` and `.`, the first a letter or digit"
    )]
    Name,
    /// There is none of this name.
    #[error(
        "there is no profile {name}: `offstage profile list` shows which there are, `offstage profile add` makes one"
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is one of this name already.
    #[error(
        "there is a profile {name} already: remove it with `offstage profile remove {name}`, or say --replace"
    )]
    Exists {
        /// The name.
        name: String,
    },
    /// What would be written could not be read again.
    #[error("the profile would be longer than {MAX_PROFILE_LEN} bytes: use shorter addresses")]
    TooLong,
    /// The file cannot be understood.
    #[error("the profile {path} cannot be used: {reason}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line.
        reason: String,
    },
    /// Others could have written the file.
    #[error(
        "the profile {path} may be written by other users of this machine: look at what is in it, then chmod 600 it",
        path = .path.display()
    )]
    WritableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// The user has no folder for configuration.
    #[error("there is no folder for profiles: set HOME, or XDG_CONFIG_HOME to an absolute path")]
    NoFolder,
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl ProfileError {
    /// Whether it is about what the user typed.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Name | Self::Unknown { .. } | Self::Exists { .. })
    }
}

/// The WebSocket port of a node, where none is named.
pub const NODE_PORT: u16 = 9944;

/// The port on which a worker's enclave serves clients, where none is named.
pub const WORKER_PORT: u16 = 2000;

/// The longest file of a profile, in bytes. One with every field has some 500.
pub const MAX_PROFILE_LEN: usize = 4096;

/// The longest name of a profile, in bytes.
const MAX_NAME_LEN: usize = 64;

#[cfg(test)]
mod tests;
