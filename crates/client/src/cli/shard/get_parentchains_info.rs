// SPDX-License-Identifier: Apache-2.0
use crate::cli::context::Context;
use anyhow::Result;
use clap::Args;
use offstage_primitives::rpc::{Phase, WorkerStatus};

/// Print how far the worker has followed the parentchain: a worker here follows one
#[derive(Args, Debug)]
pub(in crate::cli) struct GetParentchainsInfo {}

impl GetParentchainsInfo {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let status = context.stranger().await?.status().await?;
        context.observer.result(&render(&status));
        Ok(())
    }
}

fn render(status: &WorkerStatus) -> String {
    let phase = match status.phase {
        Phase::CatchingUp => "catching up",
        Phase::NeedsShieldingKey => "needs the shielding key",
        Phase::AwaitingRegistration => "awaits its registration",
        Phase::Serving => "serving",
        Phase::Superseded => "superseded",
        Phase::Leaving => "leaving the shard",
    };
    format!(
        "phase: {phase}\nexecuted block: {} {:?}\nnewest final block it knows: {} {:?}",
        status.position.number, status.position.hash, status.finalized.number, status.finalized.hash
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{BlockHash, rpc::BlockReference};

    #[test]
    fn phase_and_blocks_are_told() {
        let block =
            |number: u8| BlockReference { number: u32::from(number), hash: BlockHash::new([number; 32]) };
        let text = render(&WorkerStatus { phase: Phase::Serving, position: block(3), finalized: block(4) });
        assert!(text.starts_with("phase: serving\nexecuted block: 3 0x0303"), "{text}");
        assert!(text.contains("\nnewest final block it knows: 4 0x0404"), "{text}");
    }
}
