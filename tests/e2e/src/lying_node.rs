// SPDX-License-Identifier: Apache-2.0
//! A node that lies: everything passes between a worker and an honest node, but some answers are changed on the way.
//!
//! To a worker's enclave its node is a part of its host. What a lie leads to is what threat model promises of a
//! malicious one.

use anyhow::{Context, Result};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use std::{
    collections::HashMap,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async, tungstenite::Message};

/// Changes what a method returns, or what a subscription announces, given the method, its parameters and the result.
/// Returns whether it changed anything.
pub type Lie = fn(&str, &Value, &mut Value) -> bool;

/// A proxy in front of a node. It runs until it is dropped.
pub struct LyingNode {
    port: u16,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    node_port: u16,
    lie: Mutex<Option<Lie>>,
    told: AtomicUsize,
}

impl LyingNode {
    /// Listens on a port of its own, in front of the node on `node_port`. It is honest until it is told to lie.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(node_port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared { node_port, lie: Mutex::new(None), told: AtomicUsize::new(0) });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let for_connections = Arc::clone(&shared);
        runtime.spawn(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&for_connections);
                // A connection that breaks is the worker's to make again.
                tokio::spawn(async move { drop(pass(stream, &shared).await) });
            }
        });
        Ok(Self { port, shared, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it tells this lie.
    pub fn lie(&self, lie: Lie) {
        self.shared.told.store(0, Ordering::SeqCst);
        *self.shared.current() = Some(lie);
    }

    /// From now on it is honest again.
    pub fn repent(&self) {
        *self.shared.current() = None;
    }

    /// How often it has told its last lie.
    pub fn told(&self) -> usize {
        self.shared.told.load(Ordering::SeqCst)
    }
}

impl Drop for LyingNode {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<Lie>> {
        self.lie.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a message of the node. `asked` are the requests that wait for an answer, by their ids.
    fn change(&self, text: &str, asked: &mut HashMap<String, (String, Value)>) -> Result<String> {
        let mut message: Value = serde_json::from_str(text)?;
        let lie = *self.current();
        let id = message.get("id").map(Value::to_string);
        let (method, params, result) = match id.and_then(|id| asked.remove(&id)) {
            Some((method, params)) => (method, params, message.pointer_mut("/result")),
            None => {
                let method = message["method"].as_str().unwrap_or_default().to_owned();
                (method, Value::Null, message.pointer_mut("/params/result"))
            }
        };
        if let (Some(lie), Some(result)) = (lie, result)
            && lie(&method, &params, result)
        {
            self.told.fetch_add(1, Ordering::SeqCst);
        }
        Ok(message.to_string())
    }
}

async fn pass(worker: tokio::net::TcpStream, shared: &Shared) -> Result<()> {
    let node = tokio::net::TcpStream::from_std({
        let stream = TcpStream::connect(("127.0.0.1", shared.node_port))?;
        stream.set_nonblocking(true)?;
        stream
    })?;
    let mut to_worker = accept_async(worker).await?;
    let (mut to_node, _) = client_async(format!("ws://127.0.0.1:{}", shared.node_port), node).await?;
    let mut asked = HashMap::new();
    loop {
        tokio::select! {
            request = to_worker.next() => {
                let Some(request) = request.transpose()? else { return Ok(()) };
                if let Message::Text(text) = &request {
                    note(text, &mut asked)?;
                }
                to_node.send(request).await?;
            }
            answer = to_node.next() => {
                let Some(answer) = answer.transpose()? else { return Ok(()) };
                forward(&mut to_worker, answer, shared, &mut asked).await?;
            }
        }
    }
}

async fn forward(
    to_worker: &mut WebSocketStream<tokio::net::TcpStream>,
    answer: Message,
    shared: &Shared,
    asked: &mut HashMap<String, (String, Value)>,
) -> Result<()> {
    let answer = match answer {
        Message::Text(text) => Message::Text(shared.change(&text, asked)?.into()),
        other => other,
    };
    to_worker.send(answer).await?;
    Ok(())
}

/// Remembers what was asked under which id.
fn note(text: &str, asked: &mut HashMap<String, (String, Value)>) -> Result<()> {
    let request: Value = serde_json::from_str(text)?;
    if let (Some(id), Some(method)) = (request.get("id"), request["method"].as_str()) {
        asked.insert(id.to_string(), (method.to_owned(), request["params"].clone()));
    }
    Ok(())
}
