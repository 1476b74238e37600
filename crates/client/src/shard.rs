// SPDX-License-Identifier: Apache-2.0
//! A shard with a FRAME runtime, as a program uses it.
//!
//! ```no_run
//! use offstage_client::{account::Account, profile::Profiles, shard::{Shard, Transaction}};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = Profiles::of_user()?.load(&"demo".parse()?)?;
//! let shard = Shard::connect(&profile).await?;
//! let arguments = ["dest=//Bob".to_owned(), "value=25_000".to_owned()];
//! let call = shard.runtime().call("Balances.transfer_allow_death", &arguments)?;
//! let result = shard.call(Transaction::new(call, Account::from_secret("//Alice")?)).await?.result().await?;
//! assert!(result.outcome().is_success());
//! # Ok(())
//! # }
//! ```
//!
//! A call is anything that is a [`subxt::transactions::Payload`]: what [`ShardRuntime::call`] makes of names and texts,
//! or what `subxt`'s macro makes of the metadata that `offstage trusted metadata --scale` saves, with the types of the
//! author's pallets.
//!
//! Each step verifies anew what it relies on: the worker is connected to, and its evidence held against the chain,
//! whenever something is asked of it or encrypted to it.

use crate::{
    account::Account,
    parentchain::Parentchain,
    pin::Pin,
    profile::{NODE_PORT, Profile, WORKER_PORT},
    progress::Unobserved,
    shard_runtime::{Item, ShardRuntime, Shown, ShownResult},
    worker::{Worker, WorkerAddress},
    workflow::{self, CheckedResult, Completed, Posted, WorkflowError},
};
use offstage_primitives::{
    receipt::Outcome,
    result::{HistoryEntry, OperationResult},
};
use subxt::transactions::Payload;

/// A shard, by a profile.
pub struct Shard {
    chain: Parentchain,
    address: WorkerAddress,
    pin: Pin,
    runtime: ShardRuntime,
}

/// A call of the shard's runtime, who signs it, and who pays for it on the parentchain.
pub struct Transaction<P> {
    call: P,
    author: Account,
    payer: Option<Account>,
}

impl<P: Payload> Transaction<P> {
    /// Signed, and paid for on the parentchain, by `author`. Everybody sees there who pays.
    pub fn new(call: P, author: Account) -> Self {
        Self { call, author, payer: None }
    }

    /// Paid for on the parentchain by another account, so that nobody there sees who signs in the shard.
    #[must_use]
    pub fn paid_by(self, payer: Account) -> Self {
        Self { payer: Some(payer), ..self }
    }
}

impl Shard {
    /// Connects to the parentchain and to a worker of the profile's shard, and verifies both.
    ///
    /// # Errors
    /// [`WorkflowError`]; [`RuntimeError::NoRuntime`](crate::shard_runtime::RuntimeError::NoRuntime) when the shard's
    /// logic has no FRAME runtime.
    pub async fn connect(profile: &Profile) -> Result<Self, WorkflowError> {
        let node = match &profile.node {
            Some(node) => node.as_str().to_owned(),
            None => format!("ws://127.0.0.1:{NODE_PORT}"),
        };
        let address = match &profile.worker {
            Some(worker) => worker.clone(),
            None => WorkerAddress::parse("wss://127.0.0.1", WORKER_PORT)?,
        };
        let chain = Parentchain::connect(&node, &profile.trust(), &Unobserved).await?;
        Self::on(chain, address, profile.pin()).await
    }

    /// The same, on a connection to the parentchain that there is already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn on(chain: Parentchain, address: WorkerAddress, pin: Pin) -> Result<Self, WorkflowError> {
        let mut worker = workflow::connect(&chain, &address, &pin, &Unobserved).await?;
        let runtime = ShardRuntime::of(&mut worker).await?.with_ss58_prefix(chain.ss58_prefix().await);
        Ok(Self { chain, address, pin, runtime })
    }

    /// The shard's runtime, by its metadata.
    pub fn runtime(&self) -> &ShardRuntime {
        &self.runtime
    }

    /// The parentchain.
    pub fn parentchain(&self) -> &Parentchain {
        &self.chain
    }

    /// A worker of the shard, verified now.
    ///
    /// # Errors
    /// [`WorkflowError`].
    pub async fn worker(&self) -> Result<Worker, WorkflowError> {
        Ok(workflow::connect(&self.chain, &self.address, &self.pin, &Unobserved).await?)
    }

    /// Signs a call with its author's next nonce, encrypts it to the shard, and puts it on the parentchain. Returns
    /// when the block that has it is final.
    ///
    /// # Errors
    /// [`WorkflowError`].
    pub async fn call<P: Payload>(&self, transaction: Transaction<P>) -> Result<Sent<'_>, WorkflowError> {
        let Transaction { call, author, payer } = transaction;
        let payer = payer.as_ref().unwrap_or(&author);
        let worker = self.worker().await?;
        let posted =
            workflow::post(&self.chain, worker, &self.runtime, &call, &author, payer, &Unobserved).await?;
        Ok(Sent { shard: self, author, posted })
    }

    /// Asks for a storage item or a view function. `None` when there is no value, or none for this asker.
    ///
    /// # Errors
    /// [`WorkflowError`].
    pub async fn ask(&self, item: &Item, asker: Option<&Account>) -> Result<Option<Shown>, WorkflowError> {
        let answer = self.worker().await?.question(item.question.clone(), asker).await?;
        Ok(answer.map(|answer| self.runtime.show(item, &answer)).transpose()?)
    }

    /// The newest operations of an account that a worker remembers, at most `most`, newest first.
    ///
    /// # Errors
    /// [`WorkflowError`].
    pub async fn history(&self, owner: &Account, most: usize) -> Result<Vec<HistoryEntry>, WorkflowError> {
        Ok(workflow::history_of(&mut self.worker().await?, owner, most).await?)
    }
}

/// A call that is in a final block of the parentchain.
pub struct Sent<'shard> {
    shard: &'shard Shard,
    author: Account,
    posted: Posted,
}

impl Sent<'_> {
    /// Waits until a worker has executed it, and checks the receipt against the chain.
    ///
    /// # Errors
    /// [`WorkflowError`]. A call that was executed without success is no error.
    pub async fn receipt(self) -> Result<Completed, WorkflowError> {
        let Shard { chain, address, .. } = self.shard;
        workflow::follow(chain, address, self.posted, &Unobserved).await
    }

    /// The same, with what only the author is told: the error by name, and the events.
    ///
    /// # Errors
    /// [`WorkflowError`]. A call that was executed without success is no error.
    pub async fn result(self) -> Result<CallResult, WorkflowError> {
        let Self { shard, author, posted } = self;
        let completed = workflow::follow(&shard.chain, &shard.address, posted, &Unobserved).await?;
        // Of what used up no nonce there is nothing to tell but its outcome.
        let told = match completed.outcome.used_nonce() {
            false => None,
            true => {
                let (chain, mut worker) = (&shard.chain, shard.worker().await?);
                let CheckedResult { result, .. } =
                    workflow::result_of(chain, &mut worker, completed.operation, &author, &Unobserved)
                        .await?;
                Some((shard.runtime.show_result(&result)?, result))
            }
        };
        let (shown, raw) = told.map_or((None, None), |(shown, raw)| (Some(shown), Some(raw)));
        Ok(CallResult { completed, shown, raw })
    }
}

/// What became of a call, as its author knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallResult {
    /// Where it is, and what its receipt says.
    pub completed: Completed,
    /// The error by name, the events and the cost. `None` when it used up no nonce: then it did nothing.
    pub shown: Option<ShownResult>,
    /// The same in bytes, for types that `subxt`'s macro made.
    pub raw: Option<OperationResult>,
}

impl CallResult {
    /// What its receipt says.
    pub fn outcome(&self) -> Outcome {
        self.completed.outcome
    }

    /// Why the runtime refused it, if it did: `Balances.InsufficientBalance`, for example.
    pub fn refusal(&self) -> Option<&str> {
        self.shown.as_ref()?.refusal.as_deref()
    }
}
