// SPDX-License-Identifier: Apache-2.0
//! The commands about the parentchain.

use super::{Context, key_of, report::render_workers, terminal::print_line};
use crate::{
    account::{Account, AccountText, ss58},
    keystore::Keystore,
    parentchain::transaction::Call,
    progress::{Observer, Stage},
};
use anyhow::Result;

pub(super) async fn balance(context: &Context<'_>, account: &AccountText) -> Result<()> {
    let account = account.parse()?.id();
    let balance = context.chain().await?.free_balance(&account).await?;
    context.observer.result(&balance.to_string());
    Ok(())
}

pub(super) fn new_account(keystore: &Keystore) -> Result<()> {
    print_line(&ss58(&keystore.new_account()?));
    Ok(())
}

pub(super) fn list_accounts(keystore: &Keystore) -> Result<()> {
    for account in keystore.accounts()? {
        print_line(&ss58(&account));
    }
    Ok(())
}

pub(super) async fn print_metadata(context: &Context<'_>) -> Result<()> {
    let metadata = context.chain().await?.metadata().await?;
    context.observer.result(&format!("0x{}", hex::encode(metadata)));
    Ok(())
}

pub(super) async fn faucet(context: &Context<'_>, accounts: &[AccountText]) -> Result<()> {
    let accounts = accounts.iter().map(|text| Ok(text.parse()?.id())).collect::<Result<Vec<_>>>()?;
    let alice = Account::from_secret("//Alice")?;
    let chain = context.chain().await?;
    let amount = chain.existential_deposit().await?.saturating_mul(FAUCET_DEPOSITS).max(FAUCET_MINIMUM);
    let call = Call::all(accounts.iter().map(|account| Call::transfer(account, amount)).collect());
    chain.send(&call, &alice, context.observer).await?;
    for account in &accounts {
        context.observer.line(&format!("gave {amount} to {}", ss58(account)));
    }
    context.observer.result(&amount.to_string());
    Ok(())
}

pub(super) async fn transfer(
    context: &Context<'_>,
    from: &AccountText,
    to: &AccountText,
    amount: u128,
) -> Result<()> {
    let from = key_of(from, &Keystore::parentchain())?;
    let call = Call::transfer(&to.parse()?.id(), amount);
    let included = context.chain().await?.send(&call, &from, context.observer).await?;
    context.observer.result(&format!("{:?}", included.extrinsic_hash));
    Ok(())
}

pub(super) async fn list_workers(context: &Context<'_>) -> Result<()> {
    let enclaves = context.chain().await?.enclaves().await?;
    context.observer.result(render_workers(&enclaves).trim_end());
    Ok(())
}

pub(super) async fn listen(
    context: &Context<'_>,
    exit_after_events: Option<u32>,
    exit_after_blocks: Option<u32>,
) -> Result<()> {
    let chain = context.chain().await?;
    let mut blocks = chain.final_blocks().await?;
    let (mut events, mut count) = (0u32, 0u32);
    let done = |limit: Option<u32>, reached: u32| limit.is_some_and(|limit| reached >= limit);
    context.observer.waiting_for(Stage::Finality);
    while !done(exit_after_events, events) && !done(exit_after_blocks, count) {
        let block = blocks.next_events().await?;
        context.observer.line(&format!("block {} {:?}", block.number, block.hash));
        count = count.saturating_add(1);
        for event in block.events {
            if done(exit_after_events, events) {
                break;
            }
            context.observer.result(&event);
            events = events.saturating_add(1);
        }
    }
    Ok(())
}

/// What the faucet gives, in existential deposits: enough for thousands of fees.
const FAUCET_DEPOSITS: u128 = 1000;

/// What the faucet gives at least, in the smallest unit: one unit of 12 decimals.
const FAUCET_MINIMUM: u128 = 1_000_000_000_000;
