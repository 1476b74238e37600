// SPDX-License-Identifier: Apache-2.0
//! The node's finalized head, followed beside the enclave.
//!
//! The enclave answers one question at a time and may take long for it. Where the chain is meanwhile is known from
//! here: for operators on the [`Board`], for the [feeder](crate::feed) in a [`Head`].

use crate::{
    board::Board,
    node::{Node, reference},
};
use anyhow::{Result, bail};
use offstage_protocol::BlockReference;
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// The newest head, for whoever waits for news of the chain.
pub type Head = watch::Receiver<BlockReference>;

/// Tells of each new head, until the connection breaks.
pub struct HeadFollower {
    node: Node,
    board: Board,
    newest: watch::Sender<BlockReference>,
}

impl HeadFollower {
    /// Begins with the head that the node has now.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn begin(node: Node, board: Board) -> Result<(Self, Head)> {
        let head = node.finalized_head().await?;
        board.note_node_answer();
        board.note_head(head);
        let (newest, receiver) = watch::channel(head);
        Ok((Self { node, board, newest }, receiver))
    }

    /// Follows the node's announcements.
    ///
    /// # Errors
    /// When they end. It has no other end.
    pub async fn follow(self) -> Result<Infallible> {
        let mut heads = self.node.finalized_heads().await?;
        loop {
            let head = tokio::select! {
                announced = heads.next() => match announced {
                    Some(Ok(header)) => reference(&header)?,
                    Some(Err(error)) => bail!("the node's announcements broke: {error}"),
                    None => bail!("the node closed the connection"),
                },
                // An announcement may get lost.
                () = tokio::time::sleep(ASK_AGAIN) => self.node.finalized_head().await?,
            };
            self.board.note_node_answer();
            if *self.newest.borrow() != head {
                self.board.note_head(head);
                self.newest.send_replace(head);
            }
        }
    }
}

/// Without an announcement for so long, the node is asked.
const ASK_AGAIN: Duration = Duration::from_secs(3);
