// SPDX-License-Identifier: Apache-2.0
//! What a program says when it refuses: one line with the reason and what to do, and an exit code that is not zero.

use crate::{network::binary, ports::free_ports};
use anyhow::{Context, Result, ensure};
use std::process::{Command, Output, Stdio};

/// As [`refusal`], for whoever does not need the message.
///
/// # Errors
/// As [`refusal`].
pub fn refused(name: &str, arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
    refusal(name, arguments, code, words).map(drop)
}

/// As [`worker_refusal`], for whoever does not need the message.
///
/// # Errors
/// As [`refusal`].
pub fn worker_refused(node_port: &str, data: &str, words: &[&str]) -> Result<()> {
    worker_refusal(node_port, data, words).map(drop)
}

/// Runs a binary that must refuse. Its message must have these words, and nothing that only a developer can read. The
/// answer is what it said.
///
/// # Errors
/// When it does not refuse, or in another way.
pub fn refusal(name: &str, arguments: &[&str], code: i32, words: &[&str]) -> Result<String> {
    let output = run(name, arguments)?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(code), "{name} {arguments:?} ended with {}:\n{told}", output.status);
    ensure!(output.stdout.is_empty(), "{name} {arguments:?} wrote results");
    for word in words {
        ensure!(told.contains(word), "{name} {arguments:?} says nothing of `{word}`:\n{told}");
    }
    for noise in ["panicked", "RUST_BACKTRACE", "stack backtrace", "Some(", "Err("] {
        ensure!(!told.contains(noise), "{name} {arguments:?} says `{noise}`:\n{told}");
    }
    let errors = told.lines().filter(|line| line.starts_with("error: ")).count();
    ensure!((1..=2).contains(&errors), "{name} {arguments:?} has {errors} lines of error:\n{told}");
    // What is wrong in one line, and at most one more with a hint.
    ensure!(code != 2 || told.lines().count() <= 2, "{name} {arguments:?} is told at length:\n{told}");
    Ok(told)
}

/// As [`refusal`], for a worker that is to run beside whatever has the default ports.
///
/// # Errors
/// As [`refusal`].
pub fn worker_refusal(node_port: &str, data: &str, words: &[&str]) -> Result<String> {
    let ports = free_ports()?.map(|port| port.to_string());
    refusal("offstage-worker", &worker_run(node_port, data, &ports), 1, words)
}

/// The command line of a worker on these ports.
pub fn worker_run<'a>(node_port: &'a str, data: &'a str, ports: &'a [String; 3]) -> Vec<&'a str> {
    let flags = WORKER_PORT_FLAGS.into_iter().zip(ports);
    let ports = flags.flat_map(|(flag, port)| [flag, port.as_str()]);
    ["-p", node_port, "-d", data].into_iter().chain(ports).chain(["run", "--require-node"]).collect()
}

/// The flags of the ports on which a worker listens.
pub const WORKER_PORT_FLAGS: [&str; 3] = ["--trusted-worker-port", "--mu-ra-port", "--untrusted-http-port"];

fn run(name: &str, arguments: &[&str]) -> Result<Output> {
    // What a client keeps of a chain must not come from another one: all of them have the same genesis.
    let home = tempfile::tempdir()?;
    // What goes on instead of refusing is ended, with another code.
    Command::new("timeout")
        .arg("180")
        .arg(binary(name)?)
        .args(arguments)
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))
}
