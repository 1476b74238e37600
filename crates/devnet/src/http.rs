// SPDX-License-Identifier: Apache-2.0
//! What node and workers say of themselves, over HTTP on this machine.

use crate::DevnetError;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// The status code and the body of what is at `path`.
///
/// # Errors
/// When nothing answers in time, or not in HTTP.
pub fn get(port: u16, path: &str) -> Result<(u16, String), DevnetError> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\n"), "", ANSWER_PATIENCE)
}

/// The same, for whoever looks often and has something else to do.
///
/// # Errors
/// When nothing answers in time, or not in HTTP.
pub fn glance(port: u16, path: &str) -> Result<(u16, String), DevnetError> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\n"), "", GLANCE_PATIENCE)
}

/// What a node answers to a question in JSON-RPC.
///
/// # Errors
/// When nothing answers in time, or with an error.
pub fn ask(port: u16, method: &str, parameters: &Value) -> Result<Value, DevnetError> {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        question.len()
    );
    let (_, body) = exchange(port, &head, &question, GLANCE_PATIENCE)?;
    let answer: Value = serde_json::from_str(&body)
        .map_err(|error| DevnetError::Answer { port, reason: error.to_string() })?;
    match answer.get("result") {
        Some(result) => Ok(result.clone()),
        None => Err(DevnetError::Answer { port, reason: body }),
    }
}

fn exchange(port: u16, head: &str, body: &str, patience: Duration) -> Result<(u16, String), DevnetError> {
    let failed = |reason: String| DevnetError::Answer { port, reason };
    let converse = || {
        let mut stream =
            TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        // With the port, as RFC 9110, section 7.2, has it: a node refuses a host that it does not know itself by.
        let question = format!("{head}Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(question.as_bytes())?;
        read(stream)
    };
    let answer = converse().map_err(|error: std::io::Error| failed(error.to_string()))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| failed("no HTTP".to_owned()))?;
    let code = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    Ok((code.ok_or_else(|| failed("no HTTP".to_owned()))?, body.to_owned()))
}

/// An answer up to its end: where it says that it ends, for a server may keep the connection, or where that closes.
fn read(from: impl Read) -> std::io::Result<String> {
    let (mut from, mut answer, mut part) = (from.take(MAX_ANSWER_LEN), Vec::new(), [0; 4096]);
    loop {
        let len = from.read(&mut part)?;
        answer.extend_from_slice(part.get(..len).unwrap_or_default());
        let text = String::from_utf8_lossy(&answer);
        if len == 0 || is_whole(&text) {
            return Ok(text.into_owned());
        }
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let said = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = said.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths
        .next()
        .and_then(|(_, length)| length.trim().parse().ok())
        .is_some_and(|length| body.len() >= length)
}

const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
const GLANCE_PATIENCE: Duration = Duration::from_secs(1);

/// More than any of these answers has, in bytes.
const MAX_ANSWER_LEN: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::BufRead, io::BufReader, net::TcpListener, thread};

    /// A server that gives this answer to one question, if that names it as its host, and closes nothing until it is
    /// asked to.
    fn serve(answer: &'static str) -> (u16, impl FnOnce()) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            assert!(head.contains(&format!("Host: 127.0.0.1:{port}")), "{head:?}");
            stream.write_all(answer.as_bytes()).unwrap();
            stream
        });
        (port, move || drop(server.join().unwrap()))
    }

    #[test]
    fn an_answer_ends_where_it_says_so_though_the_connection_stays() {
        let (port, end) = serve("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\nnothing".trim());
        assert!(glance(port, "/").is_err(), "a head that does not end is none");
        end();
        let (port, end) = serve("HTTP/1.1 404 Not Found\r\ncontent-length: 7\r\n\r\nnot yet");
        assert_eq!(glance(port, "/").unwrap(), (404, "not yet".to_owned()));
        end();
    }

    #[test]
    fn a_nodes_answer_and_its_error_are_told_apart() {
        let (port, end) =
            serve("HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}");
        assert_eq!(ask(port, "x", &json!([])).unwrap(), json!(5));
        end();
        let (port, end) = serve("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"error\":1}");
        assert!(ask(port, "x", &json!([])).unwrap_err().to_string().contains("error"));
        end();
    }
}
