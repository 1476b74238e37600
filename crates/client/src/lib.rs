// SPDX-License-Identifier: Apache-2.0
//! # The user's side
//!
//! A client wants a confidential worker to do something, and trusts nobody between itself and the enclave: not the
//! worker's host, not the network. This library does what a client does, and the `offstage` program is a command
//! line around it.
//!
//! ## The concept
//! An operation is *signed* by its author, *encrypted* to a key that only the shard's enclaves have, and put on the
//! parentchain inside an extrinsic. The chain orders it; every worker of the shard executes it; one of them publishes a
//! Merkle root over the outcomes. So the client needs three things: a reason to believe that the key is an
//! enclave's, a node that takes the extrinsic, and a proof of what became of the operation.
//!
//! ## The flow
//! 1. [`worker`] connects over TLS that ends in the enclave, and [`verification`] decides whether it is one: quote,
//!    measurement, registration on chain, TLS key and shielding key must all fit. There is one function for it and no
//!    switch that turns it off.
//! 2. [`workflow`] has the steps, each a function: compose, encrypt ([`offstage_envelope`]), wrap, send, wait, check.
//! 3. [`parentchain`] talks to the node, by the chain's own metadata.
//!
//! For a shard with a FRAME runtime [`shard`] does all of it in a line.
//!
//! The library is generic over the shard's business logic: its words are type parameters. Only [`cli`] knows a logic,
//! the balances of `offstage_balances_interface`.
//!
//! Beside them: [`pin`] (which shard the user means), [`profile`] (what a user knows of a shard, under a name),
//! [`trust`] (where trust starts), [`account`] and [`keystore`] (keys), [`amount`] (how amounts are written),
//! [`progress`] (what a waiting operation is doing), [`cli`] (the command line).
//!
//! ## Usage
//! ```no_run
//! use offstage_balances_interface::{Getter, TrustedCall};
//! use offstage_client::{
//!     account::Account, parentchain::Parentchain, pin::Pin, progress::Unobserved, trust::Trust,
//!     worker::WorkerAddress, workflow,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let trust = Trust::default();
//! let chain = Parentchain::connect("ws://127.0.0.1:9944", &trust, &Unobserved).await?;
//! let address = WorkerAddress::parse("wss://127.0.0.1", 2000)?;
//! let (alice, bob) = (Account::from_secret("//Alice")?, Account::from_secret("//Bob")?);
//! let call = TrustedCall::BalanceTransfer(alice.id(), bob.id(), 25_000_000_000);
//! let pin = Pin::shard("8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j".parse()?);
//! let worker = workflow::connect(&chain, &address, &pin, &Unobserved).await?;
//! let completed = workflow::invoke::<_, Getter>(
//!     &chain, &address, worker, call, &alice, &alice, &Unobserved,
//! )
//! .await?;
//! println!("{}", completed.outcome);
//! # Ok(())
//! # }
//! ```
//!
//! ## Threats
//! - a genuine enclave of somebody else's shard: whatever pays, encrypts or signs takes a [`pin`], which the user
//!   brings;
//! - a man in the middle offers his own keys or proxies TLS: refused, see [`verification`];
//! - a worker lies about an outcome: its receipt must follow from the root on chain;
//! - whoever reads the chain sees who pays for an extrinsic and for which shard it is, and nothing of what is inside;
//! - the node that the client asks, or whoever sits between, lies: what it says is proven or refused, see
//!   [`parentchain`].
#![forbid(unsafe_code)]

pub mod account;
pub mod amount;
pub mod cli;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod keystore;
pub mod parentchain;
pub mod pin;
mod printable;
pub mod profile;
pub mod progress;
pub mod secret;
pub mod shard;
pub mod shard_runtime;
pub mod trust;
pub mod verification;
pub mod worker;
pub mod workflow;
