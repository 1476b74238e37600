// SPDX-License-Identifier: Apache-2.0
//! One question to a worker's `/health`.

use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a worker's `/health` returns, whether it is ready or not; or why there is no answer.
pub(super) async fn health(place: &str) -> Result<Value, String> {
    let asking = async {
        let mut stream = TcpStream::connect(place).await.map_err(|error| error.to_string())?;
        let question = format!("GET /health HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n");
        stream.write_all(question.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_LEN).read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
        read(&answer)
    };
    match tokio::time::timeout(TIMEOUT, asking).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

fn read(answer: &[u8]) -> Result<Value, String> {
    let foreign = || "what answers there is no worker".to_owned();
    let text = std::str::from_utf8(answer).map_err(|_| foreign())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(foreign)?;
    // A worker that is not ready says so with 503 and the same report.
    if !["200", "503"].into_iter().any(|code| head.split_whitespace().nth(1) == Some(code)) {
        return Err(foreign());
    }
    let health: Value = serde_json::from_str(body).map_err(|_| foreign())?;
    if health.get("initialized").is_none_or(|initialized| !initialized.is_boolean()) {
        return Err(foreign());
    }
    Ok(health)
}

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_LEN: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_is_not_ready_is_a_worker_and_others_are_not() {
        let answer =
            |code: &str, body: &str| read(format!("HTTP/1.1 {code} x\r\na: b\r\n\r\n{body}").as_bytes());
        let health = r#"{ "initialized": false, "phase": null }"#;
        for code in ["200", "503"] {
            assert_eq!(answer(code, health).unwrap()["initialized"], false);
        }
        for (code, body) in
            [("404", health), ("200", "{}"), ("200", "ok"), ("200", r#"{"initialized":"yes"}"#)]
        {
            assert!(answer(code, body).unwrap_err().contains("no worker"), "{code} {body}");
        }
        assert!(read(b"\xff").is_err() && read(b"").is_err());
    }
}
