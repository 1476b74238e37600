// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{context::Context, output::Printed},
    printable::printable,
    progress::{Observer, Stage},
};
use anyhow::Result;
use clap::Args;
use serde_json::json;

/// Print the parentchain's events as its blocks become final
#[derive(Args, Debug)]
pub(in crate::cli) struct Listen {
    /// End after this many events
    #[arg(short = 'e', long = "exit-after", alias = "exit-after-events", value_name = "N")]
    exit_after_events: Option<u32>,
    /// End after this many blocks
    #[arg(short = 'b', long = "await-blocks", alias = "exit-after-blocks", value_name = "N")]
    exit_after_blocks: Option<u32>,
}

impl Listen {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let chain = context.chain().await?;
        let mut blocks = chain.final_blocks().await?;
        let (mut events, mut count) = (0u32, 0u32);
        let done = |limit: Option<u32>, reached: u32| limit.is_some_and(|limit| reached >= limit);
        context.observer.waiting_for(Stage::Finality);
        while !done(self.exit_after_events, events) && !done(self.exit_after_blocks, count) {
            let block = blocks.next_events().await?;
            context.observer.line(&format!("block {} {:?}", block.number, block.hash));
            count = count.saturating_add(1);
            for event in block.events {
                if done(self.exit_after_events, events) {
                    break;
                }
                // Texts in events are strangers'.
                let event = printable(&event);
                let json =
                    json!({ "block": block.number, "hash": format!("{:?}", block.hash), "event": event });
                context.observer.print(&Printed::new(event, json));
                events = events.saturating_add(1);
            }
        }
        Ok(())
    }
}
