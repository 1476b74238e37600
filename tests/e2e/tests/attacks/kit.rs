// SPDX-License-Identifier: Apache-2.0
//! What several of the attacks need.

use anyhow::{Context, Result, ensure};
use offstage_balances_interface::TrustedCall;
use offstage_client::{
    account::Account,
    parentchain::Parentchain,
    pin::Pin,
    progress::Unobserved,
    verification::VerifiedWorker,
    worker::{Worker, WorkerAddress},
    workflow,
};
use offstage_e2e::{
    audit::Auditor,
    load::{DEVELOPMENT, classic},
    network::Network,
};
use offstage_primitives::{AccountId32, H256, ShardIdentifier};
use std::time::Duration;

/// Starts the node and so many workers, one after the other, and looks at the chain.
pub(crate) async fn begin(network: &mut Network, workers: usize) -> Result<Auditor> {
    network.start_node()?;
    for _ in 0..workers {
        let index = network.add_worker()?;
        network.wait_until_initialized(index)?;
    }
    Auditor::connect(&network.node_url()).await
}

/// The shard of the network's workers.
pub(crate) fn shard() -> Result<ShardIdentifier> {
    offstage_e2e::network::shard()
}

/// A connection to a worker that was verified.
pub(crate) async fn worker(network: &Network, index: usize) -> Result<Worker> {
    let chain = Parentchain::connect(&network.node_url(), &DEVELOPMENT, &Unobserved).await?;
    let address = WorkerAddress::parse("wss://127.0.0.1", network.trusted_port(index)?)?;
    Ok(workflow::connect(&chain, &address, &Pin::shard(shard()?), &Unobserved).await?)
}

/// An unshielding by `author`, ready for the chain, and the operation's hash.
pub(crate) fn unshielding(
    worker: &VerifiedWorker,
    author: &Account,
    nonce: u32,
    payee: AccountId32,
    amount: u128,
) -> Result<(H256, Vec<u8>)> {
    let call = TrustedCall::BalanceUnshield(author.id(), payee, amount, worker.shard());
    let operation = classic(call, nonce, author, worker);
    Ok((operation.hash(), workflow::encode_and_encrypt(&operation, worker)?))
}

/// Waits until the chain has finalized the block with this number.
pub(crate) async fn wait_for_block(auditor: &Auditor, number: u64) -> Result<u64> {
    let mut seen = (0, 0);
    loop {
        let head = auditor.finalized().await?;
        if head >= number {
            return Ok(head);
        }
        // As long as the chain goes on there is hope.
        seen = if head > seen.0 { (head, 0) } else { (seen.0, seen.1 + 1) };
        ensure!(seen.1 < STANDSTILL, "the chain stands at block {head} and does not reach {number}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the outbox of a worker is empty, which is so when all that it had to submit was seen final.
pub(crate) fn wait_for_empty_outbox(network: &Network, index: usize) -> Result<()> {
    offstage_e2e::network::wait_until(
        &format!("the outbox of worker {} is empty", index + 1),
        SETTLING,
        || Ok(network.health(index).is_ok_and(|health| health["outbox"] == 0)),
    )
}

/// A number that a worker tells in `/health`.
pub(crate) fn told(network: &Network, index: usize, field: &str) -> Result<u64> {
    network.health(index)?[field].as_u64().with_context(|| format!("/health has no number `{field}`"))
}

/// An amount for people, in the chain's unit.
pub(crate) fn units(amount: u128) -> String {
    format!("{}.{:06} UNIT", amount / UNIT, amount % UNIT / 1_000_000)
}

/// The chain's unit in its smallest one.
pub(crate) const UNIT: u128 = 1_000_000_000_000;
/// How long things may take that have no bound in blocks, on a machine that does much else.
pub(crate) const SETTLING: Duration = Duration::from_secs(300);
/// Between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(300);
/// Looks without a new block after which the chain is taken for dead.
const STANDSTILL: u32 = 400;
