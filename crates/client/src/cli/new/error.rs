// SPDX-License-Identifier: Apache-2.0
//! What can be in the way of a new crate.

use std::{io, path::PathBuf};
use thiserror::Error;

/// What can be in the way of a new crate.
#[derive(Debug, Error)]
pub(in crate::cli) enum NewError {
    #[error("{name} is no name for a crate: {reason}")]
    Name { name: String, reason: &'static str },
    #[error("{folder} is there already, and stays as it is: take another name", folder = .folder.display())]
    Exists { folder: PathBuf },
    #[error(
        "this folder is in the checkout of Offstage at {sdk}, and the crate would be part of it: go to a folder \
         outside", sdk = .sdk.display()
    )]
    Inside { sdk: PathBuf },
    #[error("there is no checkout of Offstage {place}: clone it, and name its folder with --sdk")]
    NoSdk { place: String },
    #[error(
        "{path} has a form that is not known here ({reason}): use the `offstage` of that checkout",
        path = .path.display()
    )]
    Form { path: PathBuf, reason: String },
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl NewError {
    /// Whether it is about what the user typed.
    pub(in crate::cli) fn is_usage(&self) -> bool {
        match self {
            Self::Name { .. } | Self::Exists { .. } | Self::Inside { .. } | Self::NoSdk { .. } => true,
            Self::Form { .. } | Self::Io { .. } => false,
        }
    }
}

/// The error of an operation on a file.
pub(super) fn io<'path>(
    action: &'static str,
    path: &'path std::path::Path,
) -> impl FnOnce(io::Error) -> NewError + use<'path> {
    move |source| NewError::Io { action, path: path.to_owned(), source }
}
