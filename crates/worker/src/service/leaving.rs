// SPDX-License-Identifier: Apache-2.0
//! `unregister`: an operator takes a worker out for good.
//!
//! The registration can be removed by the enclave alone, which has the key of its account. So the enclave is started
//! for that on its store, follows the chain as ever, and hands out the removal until its own verified chain shows that
//! the registration is gone. This side brings blocks and submits; that the registration is gone is the enclave's word.
//! Whatever kills either of them in between, the same command goes on.

use super::{Service, told_to_stop, wait_for_node};
use crate::{
    board::Board,
    cli::stored_identity,
    options::{Options, RunOptions},
    patience::Waiting,
    text::generic_address,
    trouble,
};
use anyhow::{Result, bail};
use clap::Args;
use offstage_protocol::{Departure, Leave, OutboxKind, ParkedReason, Status};
use std::cell::RefCell;
use tokio::sync::watch;

/// Options of `unregister`.
#[derive(Args, Clone, Debug)]
pub struct UnregisterOptions {
    /// Also when no other worker is known to act for the shard. What is lost: until a worker with the shard's key runs
    /// again, nobody executes what is sent to the shard, and payments that wait are not made. The key is then in the
    /// stores of the shard's former workers alone. When the last of these is gone, the shard's state is lost for good,
    /// and nobody can pay out the funds on its account
    #[arg(long)]
    pub last: bool,
    /// End with an error when no node answers for ten seconds, at the start or later, instead of waiting for it
    #[arg(long)]
    pub require_node: bool,
}

/// How the enclave leaves, and who hears how far it is.
pub(super) struct Leaving {
    pub(super) how: Leave,
    news: watch::Sender<Option<Status>>,
}

impl Leaving {
    fn new(how: Leave) -> (Self, watch::Receiver<Option<Status>>) {
        let (news, heard) = watch::channel(None);
        (Self { how, news }, heard)
    }

    /// The enclave says how far it is.
    pub(super) fn hear(&self, status: &Status) {
        self.news.send_replace(Some(status.clone()));
    }
}

/// Removes the registration of the enclave whose store is in the data folder. Returns what happened, for people.
///
/// # Errors
/// When there is no store or a worker runs on it, when no other worker is known to act for the shard, when the chain
/// does not honour the removal, and with `--require-node` when there is no node.
pub async fn unregister(options: &Options, unregister: &UnregisterOptions) -> Result<String> {
    let binary = options.enclave_binary()?;
    let identity = stored_identity(options).await?;
    let account = generic_address(&identity.signer);
    let Some(bound) = identity.bound else {
        return Ok(format!("the enclave {account} has never followed a chain, so it is registered on none"));
    };
    let run = RunOptions::of(bound.shard, unregister.require_node);
    let (leaving, mut heard) = Leaving::new(Leave { even_as_last: unregister.last });
    let board = Board::default();
    let live = async {
        let node = wait_for_node(options, &run, &board, &mut Waiting::begin()).await?;
        let (board, failures) = (board.clone(), RefCell::default());
        Service { options, run: &run, board, node, failures, leaving: Some(leaving) }.live(&binary).await
    };
    tokio::select! {
        outcome = outcome(&mut heard, &account, unregister.last) => outcome,
        ended = live => match ended {
            Ok(()) => bail!("the enclave ended; run `unregister` again"),
            Err(error) => Err(error),
        },
        () = trouble::watch(board.clone()) => bail!("nobody watches the enclave; run `unregister` again"),
        () = told_to_stop() => bail!(
            "stopped before the registration was seen gone in a final block; run `unregister` again to go on"
        ),
    }
}

/// Waits until the enclave has left, or says that it does not.
async fn outcome(
    heard: &mut watch::Receiver<Option<Status>>,
    account: &str,
    is_last: bool,
) -> Result<String> {
    let mut was_registered = false;
    loop {
        let status = heard.borrow_and_update().clone();
        if let Some(outcome) = status.and_then(|status| judge(&status, account, is_last, &mut was_registered))
        {
            return outcome;
        }
        if heard.changed().await.is_err() {
            // The enclave's end says more.
            std::future::pending::<()>().await;
        }
    }
}

/// What an enclave's status says of its leaving, once that is over.
fn judge(status: &Status, account: &str, is_last: bool, was_registered: &mut bool) -> Option<Result<String>> {
    let block = status.position.number;
    match status.departure? {
        Departure::Following => None,
        Departure::Last => Some(Err(anyhow::anyhow!(
            "no other worker is known to act for the shard: none is registered with its key and confirmed one of the \
             last 60 blocks. So the enclave stays registered. Start another worker of the shard first and let it \
             confirm a block, or say --last; `offstage-worker unregister --help` has what is lost then"
        ))),
        Departure::Removing => {
            if !std::mem::replace(was_registered, true) {
                tracing::info!(block, "at the head of the chain; removing the registration");
            }
            let is_removal = |kind| kind == OutboxKind::Removal;
            let failed = status
                .parked
                .iter()
                .any(|parked| is_removal(parked.kind) && parked.reason == ParkedReason::Failed);
            failed.then(|| {
                Err(anyhow::anyhow!(
                    "the chain included the removal of the registration several times without honouring it: look for \
                     the failed extrinsics of {account} on chain, and run `unregister` again when their cause is gone"
                ))
            })
        }
        Departure::Gone => {
            let mut told = match was_registered {
                true => format!(
                    "the enclave {account} is unregistered: final block {block} has no registration of it any more"
                ),
                false => format!(
                    "the enclave {account} is not registered in final block {block}: there is nothing to remove"
                ),
            };
            if is_last && status.outbox_len > 0 {
                told.push('\n');
                told.push_str(&format!(
                    "{} effects of the shard (confirmations and payments) that are not final wait in the stores of \
                     its workers until one of them runs again",
                    status.outbox_len
                ));
            }
            Some(Ok(told))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::status;
    use offstage_protocol::Parked;

    fn at(departure: Departure) -> Status {
        Status { departure: Some(departure), outbox_len: 3, ..status(7) }
    }

    fn judged(status: &Status) -> Option<Result<String, String>> {
        judge(status, "5G", false, &mut false).map(|outcome| outcome.map_err(|error| error.to_string()))
    }

    #[test]
    fn what_became_of_it_is_told_and_nothing_before_it_is_known() {
        for under_way in [status(1), at(Departure::Following), at(Departure::Removing)] {
            assert_eq!(judged(&under_way), None);
        }
        let gone = judged(&at(Departure::Gone)).unwrap().unwrap();
        assert!(gone.contains("5G is not registered in final block 7"), "{gone}");
        let mut was_registered = false;
        assert!(judge(&at(Departure::Removing), "5G", true, &mut was_registered).is_none());
        let gone = judge(&at(Departure::Gone), "5G", true, &mut was_registered).unwrap().unwrap();
        assert!(gone.contains("5G is unregistered") && gone.contains("3 effects of the shard"), "{gone}");
        let last = judged(&at(Departure::Last)).unwrap().unwrap_err();
        assert!(last.contains("--last") && last.contains("stays registered"), "{last}");
    }

    #[test]
    fn a_removal_that_the_chain_does_not_honour_is_an_error() {
        let parked = |kind| {
            let parked = Parked { kind, reason: ParkedReason::Failed, count: 1 };
            Status { parked: vec![parked], ..at(Departure::Removing) }
        };
        assert_eq!(judged(&parked(OutboxKind::Confirmation)), None);
        let error = judged(&parked(OutboxKind::Removal)).unwrap().unwrap_err();
        assert!(error.contains("without honouring it") && error.contains("5G"), "{error}");
    }
}
