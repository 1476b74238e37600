// SPDX-License-Identifier: Apache-2.0
use crate::cli::{context::Context, output::Printed};
use anyhow::Result;
use clap::Args;
use offstage_primitives::rpc::{BlockReference, Phase, WorkerStatus};
use serde_json::json;

/// Print how far the worker has followed the parentchain: a worker here follows one
#[derive(Args, Debug)]
pub(in crate::cli) struct GetParentchainsInfo {}

impl GetParentchainsInfo {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let status = context.stranger().await?.status().await?;
        context.observer.print(&show(&status));
        Ok(())
    }
}

fn show(status: &WorkerStatus) -> Printed {
    let phase = match status.phase {
        Phase::CatchingUp => "catching up",
        Phase::NeedsShieldingKey => "needs the shielding key",
        Phase::AwaitingRegistration => "awaits its registration",
        Phase::Serving => "serving",
        Phase::Superseded => "superseded",
        Phase::Leaving => "leaving the shard",
    };
    let block = |at: &BlockReference| json!({ "number": at.number, "hash": format!("{:?}", at.hash) });
    let text = format!(
        "phase: {phase}\nexecuted block: {} {:?}\nnewest final block it knows: {} {:?}",
        status.position.number, status.position.hash, status.finalized.number, status.finalized.hash
    );
    let (position, finalized) = (block(&status.position), block(&status.finalized));
    Printed::new(text, json!({ "phase": phase, "executed": position, "finalized": finalized }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Output;
    use offstage_primitives::BlockHash;

    #[test]
    fn phase_and_blocks_are_told() {
        let block =
            |number: u8| BlockReference { number: u32::from(number), hash: BlockHash::new([number; 32]) };
        let shown = show(&WorkerStatus { phase: Phase::Serving, position: block(3), finalized: block(4) });
        let text = shown.in_form(Output::Text).unwrap();
        assert!(text.starts_with("phase: serving\nexecuted block: 3 0x0303"), "{text}");
        assert!(text.contains("\nnewest final block it knows: 4 0x0404"), "{text}");
    }
}
