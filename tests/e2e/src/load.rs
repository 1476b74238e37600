// SPDX-License-Identifier: Apache-2.0
//! Users who go on whatever happens to node and workers, and who know afterwards what they are owed.
//!
//! Each user pays fees from an account of their own and invokes one call after the other: transfers to a common account
//! in the shard, and unshieldings to a public account that nothing else uses. A call whose fate is unknown, because
//! the node went away, is sent again with the same ciphertext. The chain may then hold it twice; the shard must
//! execute it once.

use anyhow::{Context, Result};
use offstage_balances_interface::{BalancesOperation, TrustedCall};
use offstage_client::{
    account::Account,
    parentchain::Parentchain,
    progress::Unobserved,
    trust::{Trust, TrustedRoot},
    verification::VerifiedWorker,
    workflow::{encode_and_encrypt, send, wrap_into_extrinsic},
};
use offstage_primitives::{
    AccountId32, H256, ShardIdentifier,
    trusted::{TrustedCallSigned, TrustedOperation, call_payload},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// What the tests trust: the chain that the node names, and enclaves in software.
pub const DEVELOPMENT: Trust = Trust { genesis: None, checkpoint: None, root: TrustedRoot::Development };

/// What one call moves, in the smallest unit.
pub const AMOUNT: u128 = 1_000_000_000_000;

/// The common account in the shard to which everybody transfers.
pub const COMMON_ACCOUNT: &str = "//Common";

/// A user of the load.
#[derive(Clone, Debug)]
pub struct LoadUser {
    /// Pays the fees, for example `//Bob`.
    pub payer: String,
    /// The account in the shard, for example `//Bob//incognito`.
    pub incognito: String,
    /// Receives on the parentchain what the user unshields.
    pub payee: String,
}

/// What a user did, when all of it is final.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Hashes of the operations.
    pub operations: Vec<H256>,
    /// How many of them were transfers.
    pub transfers: u128,
    /// How many were unshieldings.
    pub unshields: u128,
    /// How often a call had to be sent again.
    pub repeated: usize,
}

impl LoadUser {
    /// The user who pays with `//<name>`.
    pub fn named(name: &str) -> Self {
        Self {
            payer: format!("//{name}"),
            incognito: format!("//{name}//incognito"),
            payee: format!("//{name}//payee"),
        }
    }

    /// The public account that receives.
    ///
    /// # Errors
    /// When the name is no account.
    pub fn payee(&self) -> Result<AccountId32> {
        Ok(Account::from_secret(&self.payee)?.id())
    }

    /// Invokes calls until `stop` is set. Ends when the last of them is final.
    ///
    /// # Errors
    /// When a call cannot be brought into a final block within five minutes.
    pub async fn run(self, node_url: String, worker: VerifiedWorker, stop: Arc<AtomicBool>) -> Result<Done> {
        let (payer, author) = (Account::from_secret(&self.payer)?, Account::from_secret(&self.incognito)?);
        let common = Account::from_secret(COMMON_ACCOUNT)?.id();
        let payee = self.payee()?;
        let shard = worker.shard();
        let mut done = Done::default();
        let mut chain = None;
        while !stop.load(Ordering::Relaxed) {
            let number = done.operations.len();
            let call = if number.is_multiple_of(2) {
                done.transfers += 1;
                TrustedCall::BalanceTransfer(author.id(), common.clone(), AMOUNT)
            } else {
                done.unshields += 1;
                TrustedCall::BalanceUnshield(author.id(), payee.clone(), AMOUNT, shard)
            };
            let operation = classic(call, u32::try_from(number)?, &author, &worker);
            let cyphertext = encode_and_encrypt(&operation, &worker)?;
            done.operations.push(operation.hash());
            let sent = bring_in(&mut chain, &node_url, shard, &cyphertext, &payer);
            done.repeated += timeout(PATIENCE, sent).await.context("a call never became final")?;
        }
        Ok(done)
    }
}

/// A call in the classic form, which does not expire while node and workers are away.
pub fn classic(
    call: TrustedCall,
    nonce: u32,
    author: &Account,
    worker: &VerifiedWorker,
) -> BalancesOperation {
    let payload = call_payload(&call, nonce, worker.measurement(), &worker.shard());
    let signature = author.sign(&payload);
    TrustedOperation::IndirectCall(TrustedCallSigned { call, nonce, signature })
}

/// Sends until a final block has it. Returns how often it was sent again.
async fn bring_in(
    chain: &mut Option<Parentchain>,
    node_url: &str,
    shard: ShardIdentifier,
    cyphertext: &[u8],
    payer: &Account,
) -> usize {
    let mut repeated = 0;
    loop {
        let attempt = async {
            let connected = match chain.take() {
                Some(connected) => connected,
                None => Parentchain::connect(node_url, &DEVELOPMENT, &Unobserved).await?,
            };
            let call = wrap_into_extrinsic(shard, cyphertext);
            send(&connected, &call, payer, &Unobserved).await?;
            anyhow::Ok(connected)
        };
        match timeout(ATTEMPT, attempt).await {
            Ok(Ok(connected)) => {
                *chain = Some(connected);
                return repeated;
            }
            Ok(Err(_)) | Err(_) => {
                repeated += 1;
                sleep(PAUSE).await;
            }
        }
    }
}

/// How long a user tries to bring one call in.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(45);
/// How long a user waits after a failed attempt.
const PAUSE: Duration = Duration::from_millis(300);
