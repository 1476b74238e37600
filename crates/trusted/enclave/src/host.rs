// SPDX-License-Identifier: Apache-2.0
//! The conversation with the host: one frame in, one frame out, on one thread.
//!
//! # Attacks
//! - *A malformed frame* is refused and the conversation goes on, because its end is known. A frame that is too long,
//!   or a stream that ends inside one, ends the conversation: nothing after it can be trusted to be a frame (threat
//!   model H12).
//! - *A defect of the enclave*: a panic ends the process after a refusal that names no data. The store has the last
//!   committed block.

use crate::enclave::{Enclave, Restart};
use offstage_protocol::{
    EnclaveResponse, HostRequest, Refusal, RefusalCode,
    framing::{FrameError, read_frame, write_frame},
};
use offstage_sdk::StateTransition;
use std::{
    io::{BufReader, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Answers the host until it ends the conversation.
///
/// # Errors
/// When the stream fails, or the enclave cannot go on.
pub fn converse<S: StateTransition>(
    enclave: &mut Enclave<S>,
    from_host: impl Read,
    mut to_host: impl Write,
) -> Result<(), HostError> {
    let mut from_host = BufReader::with_capacity(BUFFER_LEN, from_host);
    loop {
        let request = match read_frame::<HostRequest>(&mut from_host) {
            Ok(Some(request)) => request,
            // The host is gone, or wants the enclave gone.
            Ok(None) => return Ok(()),
            Err(error @ FrameError::Malformed) => {
                write_frame(&mut to_host, &refusal(RefusalCode::Conversation, &error.to_string()))?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let is_last = matches!(request, HostRequest::Shutdown);
        // After a panic nothing in memory is used again.
        let Ok(response) = catch_unwind(AssertUnwindSafe(|| enclave.handle(request))) else {
            write_frame(
                &mut to_host,
                &refusal(RefusalCode::Bug, "bug in the enclave; restart the worker and report it"),
            )?;
            return Err(HostError::Bug);
        };
        write_frame(&mut to_host, &response)?;
        if is_last {
            return Ok(());
        }
        match enclave.must_restart() {
            None => {}
            Some(Restart::StoreFailed) => return Err(HostError::Store),
            Some(Restart::FormerStore) => return Err(HostError::FormerStore),
        }
    }
}

/// Why the conversation ended.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The stream failed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The store failed.
    #[error("the store failed; the last committed block is safe; check the disk and start the worker again")]
    Store,
    /// The enclave goes on with the store that it had before.
    #[error("the former store opens with the shard's key; the enclave starts again to go on with it")]
    FormerStore,
    /// The enclave panicked.
    #[error("bug in the enclave; the last committed block is safe; restart the worker and report it")]
    Bug,
}

fn refusal(code: RefusalCode, message: &str) -> EnclaveResponse {
    EnclaveResponse::Refused(Refusal { code, message: message.into() })
}

const BUFFER_LEN: usize = 64 * 1024;
