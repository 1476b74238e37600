// SPDX-License-Identifier: Apache-2.0
//! Funding the enclave's account from //Alice, on development chains.

use crate::node::Node;
use anyhow::{Context, Result, anyhow, ensure};
use offstage_primitives::{AccountId32, chain::balances};
use subxt::{
    OnlineClient, SubstrateConfig,
    dynamic::{self, Value},
};
use subxt_signer::sr25519::dev;

/// Sends [`DEVELOPMENT_FUNDS`] from //Alice when the account has less than half of that, and waits until it is there.
///
/// # Errors
/// When the chain has no rich //Alice, as every chain but a development one.
pub async fn fund_from_alice(node: &Node, account: &AccountId32) -> Result<()> {
    if node.free_balance(account).await? >= DEVELOPMENT_FUNDS / 2 {
        return Ok(());
    }
    let mut last = None;
    // Another worker may spend //Alice's nonce at the same moment; then the transfer is simply tried again.
    for _ in 0..ATTEMPTS {
        match transfer(node, account).await {
            Ok(()) => {
                tracing::info!(
                    account = node.address(account).await,
                    "funded the enclave's account from //Alice"
                );
                return Ok(());
            }
            Err(error) => {
                tracing::debug!("funding failed, trying again: {error:#}");
                last = Some(error);
            }
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let address = node.address(account).await;
    Err(last.unwrap_or_else(|| anyhow!("no attempt was made"))).with_context(|| {
        format!(
            "cannot fund the enclave's account {address} from //Alice: --dev is for development chains; elsewhere \
             transfer some to it, from an account of yours"
        )
    })
}

async fn transfer(node: &Node, account: &AccountId32) -> Result<()> {
    let client = OnlineClient::<SubstrateConfig>::from_rpc_client(node.rpc().clone()).await?;
    let destination = Value::unnamed_variant("Id", [Value::from_bytes(AsRef::<[u8; 32]>::as_ref(account))]);
    let call = dynamic::transaction(
        balances::PALLET,
        balances::TRANSFER_KEEP_ALIVE,
        vec![destination, Value::u128(DEVELOPMENT_FUNDS)],
    );
    client
        .transactions()
        .await?
        .sign_and_submit_then_watch_default(&call, &dev::alice())
        .await?
        .wait_for_finalized_success()
        .await?;
    ensure!(node.free_balance(account).await? >= DEVELOPMENT_FUNDS / 2, "the transfer did not arrive");
    Ok(())
}

/// 100 units of 12 decimals: fees for some hundred thousand confirmations.
pub const DEVELOPMENT_FUNDS: u128 = 100_000_000_000_000;
const ATTEMPTS: u32 = 5;
