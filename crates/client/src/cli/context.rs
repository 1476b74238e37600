// SPDX-License-Identifier: Apache-2.0
//! What every command needs: where to connect, what to trust, and somebody to tell.

use super::{error::CliError, options::Options, terminal::Terminal};
use crate::{
    account::{Account, AccountText, NamedAccount},
    keystore::Keystore,
    parentchain::{Parentchain, check_transport},
    pin::Pin,
    profile::{NODE_PORT, Profile, Profiles, WORKER_PORT},
    progress::{Observer, Stage},
    trust::Trust,
    verification::Expected,
    worker::{Stranger, Worker, WorkerAddress},
    workflow,
};
use anyhow::Result;
use offstage_primitives::{AccountId32, Measurement, ShardIdentifier, node_url::NodeUrl};

/// What every command needs.
pub(super) struct Context<'run> {
    /// Where the node is.
    pub(super) node: NodeUrl,
    /// Where the worker is.
    pub(super) worker: WorkerAddress,
    /// Where trust starts.
    pub(super) trust: Trust,
    /// Whom to tell.
    pub(super) observer: &'run Terminal,
    /// The measurement that the user demands of the worker.
    pub(super) measurement: Option<Measurement>,
    max_age: u32,
    show_block: bool,
    shard: Option<ShardIdentifier>,
}

impl<'run> Context<'run> {
    /// What the options say, and beside them the profile that they name.
    pub(super) fn new(options: &Options, observer: &'run Terminal) -> Result<Self> {
        let profile = options.pin.profile.as_ref().map(|name| Profiles::of_user()?.load(name)).transpose()?;
        Self::with(options, profile.as_ref(), observer)
    }

    /// What the options say, and beside them this profile. An option counts before the profile.
    pub(super) fn with(
        options: &Options,
        profile: Option<&Profile>,
        observer: &'run Terminal,
    ) -> Result<Self> {
        let root = options.trust.root.or(profile.map(|profile| profile.root));
        let node = node(options, profile)?;
        check_transport(node.as_str(), options.trust.insecure_plain_ws)?;
        Ok(Self {
            node,
            worker: worker(options, profile)?,
            trust: Trust {
                genesis: options.trust.genesis.or(profile.map(|profile| profile.genesis)),
                checkpoint: options.trust.checkpoint.or(profile.and_then(|profile| profile.checkpoint)),
                root: root.unwrap_or_default(),
            },
            observer,
            max_age: options.max_age,
            show_block: options.show_block,
            shard: options.pin.shard.or(profile.map(|profile| profile.shard)),
            measurement: options.pin.measurement.or(profile.and_then(|profile| profile.measurement)),
        })
    }

    /// The shard that the user means. Whatever pays, encrypts or signs begins with this (threat model C12).
    pub(super) fn pin(&self) -> Result<Pin, CliError> {
        self.pin_of(None)
    }

    /// The same, where the command has a place of its own for the shard.
    pub(super) fn pin_of(&self, shard: Option<ShardIdentifier>) -> Result<Pin, CliError> {
        Pin::new(shard.or(self.shard), self.measurement).ok_or(CliError::NoShard)
    }

    /// The chain, followed from where the user's trust starts.
    pub(super) async fn chain(&self) -> Result<Parentchain> {
        self.observer.waiting_for(Stage::Node);
        Ok(Parentchain::connect(self.node.as_str(), &self.trust, self.observer).await?)
    }

    /// The chain, and a worker of the shard that the user means.
    pub(super) async fn worker(&self, pin: &Pin) -> Result<(Parentchain, Worker)> {
        let chain = self.chain().await?;
        let mut worker = workflow::connect(&chain, &self.worker, pin, self.observer).await?;
        worker.accept_age(self.max_age);
        self.observer.waiting_for(Stage::Answer);
        Ok((chain, worker))
    }

    /// A worker that is asked what everybody may ask. What the user says of it must hold, and he need say nothing.
    pub(super) async fn stranger(&self) -> Result<Stranger> {
        self.look().await.map(|(_, stranger)| stranger)
    }

    /// The same, with the chain.
    pub(super) async fn look(&self) -> Result<(Parentchain, Stranger)> {
        let expected = Pin::new(self.shard, self.measurement).map(Expected::from).unwrap_or_default();
        let chain = self.chain().await?;
        let stranger = workflow::look(&chain, &self.worker, &expected, self.observer).await?;
        self.observer.waiting_for(Stage::Answer);
        Ok((chain, stranger))
    }

    /// Says which block the last answer holds for, if the user wants to know.
    pub(super) fn show_block(&self, worker: &Worker) {
        if let Some(block) = worker.answered_at().filter(|_| self.show_block) {
            self.observer.line(&format!("answer of block {block}"));
        }
    }

    /// An account that signs nothing here: it receives, or it is looked at.
    pub(super) fn recipient(&self, text: &AccountText) -> Result<AccountId32> {
        let account = text.parse_recipient()?;
        if text.shows_secret() {
            self.observer.warn_of_shown_secret();
        }
        Ok(account)
    }

    /// An account with or without its key, as the user named it.
    pub(super) fn account(&self, text: &AccountText) -> Result<NamedAccount> {
        if text.shows_secret() {
            self.observer.warn_of_shown_secret();
        }
        Ok(text.parse()?)
    }

    /// An account with its key: named by a secret, or found in `keystore`.
    pub(super) fn key(&self, text: &AccountText, keystore: &Keystore) -> Result<Account> {
        key_of(self.account(text)?, keystore)
    }
}

/// The account with its key.
pub(super) fn key_of(account: NamedAccount, keystore: &Keystore) -> Result<Account> {
    Ok(match account {
        NamedAccount::Key(account) => *account,
        NamedAccount::Address(id) => keystore.key(&id)?,
    })
}

pub(super) fn node(options: &Options, profile: Option<&Profile>) -> Result<NodeUrl> {
    let known = profile.and_then(|profile| profile.node.as_ref());
    Ok(match (&options.node_url, options.node_port, known) {
        (None, None, Some(known)) => known.clone(),
        (None, Some(port), Some(known)) => known.with_port(port),
        (url, port, _) => {
            NodeUrl::parse(url.as_deref().unwrap_or("ws://127.0.0.1"), port.unwrap_or(NODE_PORT))?
        }
    })
}

pub(super) fn worker(options: &Options, profile: Option<&Profile>) -> Result<WorkerAddress> {
    let known = profile.and_then(|profile| profile.worker.as_ref());
    Ok(match (&options.worker_url, options.trusted_worker_port, known) {
        (None, None, Some(known)) => known.clone(),
        (None, Some(port), Some(known)) => known.with_port(port),
        (url, port, _) => {
            WorkerAddress::parse(url.as_deref().unwrap_or("wss://127.0.0.1"), port.unwrap_or(WORKER_PORT))?
        }
    })
}
