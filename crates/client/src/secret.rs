// SPDX-License-Identifier: Apache-2.0
//! Where secrets come from, so that they need not stand on a command line.
//!
//! # Threats
//! Every user of a machine reads the command lines of all its processes in `/proc/*/cmdline`, and a shell keeps them
//! in its history (threat model H23). A secret is better read from standard input, from a file, or from the
//! environment, which only the same user reads.

use std::{
    env, fs,
    io::{self, BufRead, IsTerminal, Read, stdin},
    path::Path,
};
use zeroize::Zeroizing;

/// Reads the next line of standard input. On a terminal `prompt` asks for it, and what is typed is not shown.
///
/// # Errors
/// When nothing can be read, or it is too long.
pub fn from_stdin(prompt: &str) -> io::Result<Zeroizing<String>> {
    if stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(Zeroizing::new).and_then(bounded);
    }
    line_of(&mut stdin().lock())
}

/// Reads a file that holds a secret and nothing else.
///
/// # Errors
/// When it cannot be read, or is too long.
pub fn from_file(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_LEN + 1));
    fs::File::open(path)?.take(MAX_SECRET_LEN as u64 + 1).read_to_string(&mut text)?;
    bounded(text)
}

/// Reads a variable of the environment.
///
/// # Errors
/// When it is not set, or too long.
pub fn from_environment(name: &str) -> io::Result<Zeroizing<String>> {
    let text = env::var(name).map_err(|_| io::Error::new(io::ErrorKind::NotFound, "it is not set"))?;
    bounded(Zeroizing::new(text))
}

/// A line, however its reader is buffered: what follows stays for the next one.
fn line_of(reader: &mut impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(MAX_SECRET_LEN + 1));
    let read = reader.by_ref().take(MAX_SECRET_LEN as u64 + 1).read_line(&mut line)?;
    if read == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is nothing to read"));
    }
    bounded(line)
}

fn bounded(text: Zeroizing<String>) -> io::Result<Zeroizing<String>> {
    if text.len() > MAX_SECRET_LEN {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long to be a secret"));
    }
    Ok(text)
}

/// The longest secret, in bytes. A phrase of 24 words has at most 215 characters; derivations may follow.
pub const MAX_SECRET_LEN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_the_rest_is_left() {
        let mut input = &b"//Alice\n0x12\n"[..];
        assert_eq!(*line_of(&mut input).unwrap(), "//Alice\n");
        assert_eq!(*line_of(&mut input).unwrap(), "0x12\n");
        assert!(line_of(&mut input).is_err());
        let long = vec![b'a'; MAX_SECRET_LEN + 1];
        assert!(line_of(&mut &long[..]).is_err());
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(from_file(&path).is_err());
        fs::write(&path, "//Alice\n").unwrap();
        assert_eq!(*from_file(&path).unwrap(), "//Alice\n");
        fs::write(&path, vec![b'a'; MAX_SECRET_LEN + 1]).unwrap();
        assert!(from_file(&path).is_err());
    }

    #[test]
    fn a_variable_that_is_not_set_is_an_error() {
        assert!(from_environment("OFFSTAGE_TEST_NOT_SET").is_err());
        assert!(!from_environment("PATH").unwrap().is_empty());
    }
}
