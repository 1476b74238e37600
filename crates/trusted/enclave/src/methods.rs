// SPDX-License-Identifier: Apache-2.0
//! RPC methods of the author's own.
//!
//! A method is a name and a function over the state of one block ([`MethodContext`]). Its parameters come as JSON, and
//! are read by serde; what it returns is written by serde. [`Program::method`](crate::Program::method) takes one.
//!
//! # Attacks
//! - *Any parameters*: the parameters are read, the function runs and its value is written inside the executor's
//!   containment. A panic in any of it is one error, and what the function writes is thrown away (threat model C27).
//! - *A name that stands for something else*: the protocol's names are looked up first, and a method that has one, or
//!   begins as they do, is refused at the start. So a method cannot be taken for what the protocol promises.
//! - *An answer without bound*: it is written into a buffer that ends at [`MAX_ANSWER_LEN`].
//! - *An error that tells*: what a client learns of a failure is a fixed text. Parameters that do not fit are not
//!   repeated.

use offstage_primitives::rpc::Method;
use offstage_sdk::{MethodContext, MethodError};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, io};

/// The methods of one program.
#[derive(Default)]
pub struct OwnMethods {
    by_name: BTreeMap<&'static str, OwnMethod>,
}

type OwnMethod = Box<dyn Fn(&MethodContext<'_>, &str) -> Result<String, OwnMethodError> + Send + Sync>;

impl OwnMethods {
    /// None.
    pub const fn none() -> Self {
        Self { by_name: BTreeMap::new() }
    }

    /// One more.
    ///
    /// # Errors
    /// When the name is taken or is none.
    pub fn add<P: DeserializeOwned, R: Serialize>(
        &mut self,
        name: &'static str,
        method: impl Fn(&MethodContext<'_>, P) -> Result<R, MethodError> + Send + Sync + 'static,
    ) -> Result<(), MethodNameError> {
        check(name)?;
        if self.by_name.contains_key(name) {
            return Err(MethodNameError::Twice(name));
        }
        let run = move |context: &MethodContext<'_>, parameters: &str| {
            let parameters = read(parameters).ok_or(OwnMethodError::Parameters)?;
            let value = method(context, parameters).map_err(|error| OwnMethodError::Refused(error.0))?;
            written(&value)
        };
        self.by_name.insert(name, Box::new(run));
        Ok(())
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }

    /// The one with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&'static str> {
        self.by_name.get_key_value(name).map(|(name, _)| *name)
    }

    /// Runs one, inside externalities of a block's state. `parameters` are JSON; the value is JSON.
    ///
    /// # Errors
    /// Why it does not answer.
    pub(crate) fn run(
        &self,
        name: &str,
        context: &MethodContext<'_>,
        parameters: &str,
    ) -> Result<String, OwnMethodError> {
        self.by_name.get(name).ok_or(OwnMethodError::Failed)?(context, parameters)
    }
}

/// Why a method of the author's own has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnMethodError {
    /// The parameters are not those that it takes.
    Parameters,
    /// It refuses, with a fixed text of its author.
    Refused(&'static str),
    /// The permit is not good on the state of the block.
    Permit,
    /// Its value is longer than [`MAX_ANSWER_LEN`].
    TooLong,
    /// It panicked, or its value is no JSON.
    Failed,
}

/// What is wrong with a method's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MethodNameError {
    /// Something else than letters, digits and `_`.
    #[error(
        "the RPC method {0:?} cannot be called so; a name has 1 to {MAX_NAME_LEN} signs of a-z, A-Z, 0-9 and _"
    )]
    Form(&'static str),
    /// The protocol has it, or may have it one day.
    #[error(
        "the RPC method {0} has a name of the protocol, which begin with {reserved}; choose another, such as \
        auction_highest",
        reserved = RESERVED.join(", ")
    )]
    Protocol(&'static str),
    /// The program has it already.
    #[error("the RPC method {0} is there twice; give one of them another name")]
    Twice(&'static str),
}

fn check(name: &'static str) -> Result<(), MethodNameError> {
    let is_name = |sign: u8| sign.is_ascii_alphanumeric() || sign == b'_';
    if name.is_empty() || name.len() > MAX_NAME_LEN || !name.bytes().all(is_name) {
        return Err(MethodNameError::Form(name));
    }
    if Method::named(name).is_some() || RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
        return Err(MethodNameError::Protocol(name));
    }
    Ok(())
}

/// No parameters are an empty array, which is also how a method without any is asked.
fn read<P: DeserializeOwned>(parameters: &str) -> Option<P> {
    serde_json::from_str(parameters).ok().or_else(|| {
        let is_empty = parameters == "[]" || parameters == "{}";
        is_empty.then(|| serde_json::from_str("null").ok()).flatten()
    })
}

fn written(value: &impl Serialize) -> Result<String, OwnMethodError> {
    let mut bytes = Bounded(Vec::new());
    serde_json::to_writer(&mut bytes, value).map_err(|error| match error.is_io() {
        true => OwnMethodError::TooLong,
        false => OwnMethodError::Failed,
    })?;
    String::from_utf8(bytes.0).map_err(|_| OwnMethodError::Failed)
}

/// Takes [`MAX_ANSWER_LEN`] bytes and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_ANSWER_LEN {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of the longest value, in JSON: half of what the answers of a batch may have together.
pub const MAX_ANSWER_LEN: usize = 128 * 1024;

/// Signs of the longest name.
const MAX_NAME_LEN: usize = 64;

/// How names of the protocol begin, those of later versions included.
const RESERVED: [&str; 6] = ["author_", "chain_", "offstage_", "rpc_", "state_", "system_"];

#[cfg(test)]
mod tests;
