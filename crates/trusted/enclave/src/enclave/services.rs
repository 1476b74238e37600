// SPDX-License-Identifier: Apache-2.0
//! The listeners for clients and peers. They run beside the loop and hold a read-only view, nothing else.

use super::Refused;
use crate::{
    provision::{self, ProvisionLimits},
    rpc::{self, RpcLimits},
    view::View,
};
use offstage_protocol::RefusalCode;
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};
use tokio::runtime::{Builder, Runtime};

/// What clients and peers may use of the enclave.
#[derive(Clone, Debug, Default)]
pub struct ServiceLimits {
    /// Clients.
    pub clients: RpcLimits,
    /// Enclaves that ask for the shielding key.
    pub peers: ProvisionLimits,
}

/// Running listeners. They stop when this goes.
pub(super) struct Services {
    runtime: Option<Runtime>,
}

/// Bound, not yet answering.
pub(super) struct Bound {
    trusted: TcpListener,
    mutual_attestation: TcpListener,
    /// Where clients are listened to.
    pub(super) trusted_address: SocketAddr,
    /// Where peers are listened to.
    pub(super) mutual_attestation_address: SocketAddr,
}

/// Binds both addresses.
pub(super) fn bind(trusted: &str, mutual_attestation: &str) -> Result<Bound, Refused> {
    let (trusted, trusted_address) = listen(trusted)?;
    let (mutual_attestation, mutual_attestation_address) = listen(mutual_attestation)?;
    Ok(Bound { trusted, mutual_attestation, trusted_address, mutual_attestation_address })
}

impl Bound {
    /// Begins to answer.
    pub(super) fn serve(self, view: Arc<View>, limits: ServiceLimits) -> Result<Services, Refused> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(THREADS)
            .thread_name("listener")
            .enable_all()
            .build()
            .map_err(|error| {
                Refused::new(RefusalCode::Platform, format_args!("no threads for the listeners: {error}"))
            })?;
        let peers = view.clone();
        runtime.spawn(async move {
            if let Err(error) = rpc::serve(view, self.trusted, limits.clients).await {
                tracing::error!(%error, "the listener for clients stopped; restart the worker");
            }
        });
        runtime.spawn(async move {
            if let Err(error) = provision::serve(peers, self.mutual_attestation, limits.peers).await {
                tracing::error!(%error, "the listener for peers stopped; restart the worker");
            }
        });
        Ok(Services { runtime: Some(runtime) })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens sockets for clients and peers")]
fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Refused> {
    let refused = |error: std::io::Error| {
        Refused::new(
            RefusalCode::Platform,
            format_args!(
                "cannot listen on {address}: {error}; free the port, or choose another with --trusted-worker-port \
                 (clients) or --mu-ra-port (peers)"
            ),
        )
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// Few: the loop that executes blocks has the first right to the cores.
const THREADS: usize = 2;
