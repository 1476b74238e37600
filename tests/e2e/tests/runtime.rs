// SPDX-License-Identifier: Apache-2.0
//! A shard's runtime as its users meet it: calls, questions and mistakes by the generic commands, two workers.

use anyhow::{Result, ensure};
use offstage_client::{
    account::Account,
    parentchain::Parentchain,
    pin::Pin,
    progress::Unobserved,
    shard::{Shard, Transaction},
    worker::WorkerAddress,
};
use offstage_e2e::{audit::Auditor, load::DEVELOPMENT, stage::play};

/// The error that the client prints, and the exit code.
fn refusal(user: &offstage_e2e::user::User, arguments: &[&str]) -> Result<(String, Option<i32>)> {
    let output = user.try_run(&[&["trusted"], arguments].concat())?;
    ensure!(!output.status.success(), "{arguments:?} succeeded");
    Ok((String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code()))
}

/// Money comes in, moves by ordinary extrinsics, goes out; each account reads its own; both workers have the same
/// state.
#[test]
fn a_runtime_is_used_by_its_metadata_alone() {
    play(async |network| {
        network.start_node()?;
        let auditor = Auditor::connect(&network.node_url()).await?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        network.add_worker()?;
        network.wait_until_initialized(1)?;
        let (user, other) = (network.user(0)?, network.user(1)?);
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "50_000_000_000", &shard])?;

        // ---- Calls: with names, without, and through the other worker.
        let transfer = "Balances.transfer_allow_death";
        user.trusted(&["call", "--from", "//Dora", transfer, "dest=//Erik", "value=20_000_000_000"])?;
        other.trusted(&["call", "--from", "//Erik", transfer, "//Dora", "5_000_000_000"])?;
        // The classic call uses the same nonces.
        user.trusted(&["transfer", "//Dora", "//Erik", "1_000_000_000"])?;
        let before: u128 = user.run(&["balance", "//Ferdie"])?.parse()?;
        let pay = [
            "call",
            "--from",
            "//Erik",
            "Parentchain.unshield",
            "beneficiary=//Ferdie",
            "amount=6_000_000_000",
        ];
        other.trusted(&pay)?;

        // ---- Questions: to each account its own.
        let head = auditor.finalized().await?;
        for (index, user) in [(0, &user), (1, &other)] {
            network.wait_for_position(index, head)?;
            let answer = user.trusted(&["query", "--output", "json", "System.Account", "//Dora"])?;
            let account: serde_json::Value = serde_json::from_str(&answer)?;
            ensure!(account["data"]["free"] == 34_000_000_000u64, "{answer}");
            ensure!(user.trusted(&["query", "Balances.TotalIssuance"])? == "44000000000");
            ensure!(user.incognito_balance("//Erik")? == 10_000_000_000);
        }
        let foreign = ["query", "--as", "//Erik", "System.Account", "//Dora"];
        let (said, _) = refusal(&user, &foreign)?;
        ensure!(
            said.contains("no answer: there is no value, or the runtime does not tell it to you"),
            "{said}"
        );

        // ---- Mistakes: nothing is sent, and what was expected is said.
        let (said, code) = refusal(&user, &["call", transfer, "dest=//Erik"])?;
        ensure!(
            code == Some(2) && said.contains("value is missing; expected: Balances.transfer_allow_death"),
            "{said}"
        );
        let (said, code) = refusal(&user, &["call", "Assets.mint", "1"])?;
        ensure!(code == Some(2) && said.contains("has no pallet Assets; it has System, "), "{said}");
        let (said, code) = refusal(&user, &["call", "--from", "//Nobody", transfer, "//Erik", "1"])?;
        ensure!(code == Some(1) && said.contains("refused: "), "{said}");

        // ---- Results: to the sender, and to nobody else.
        let operation = user.trusted(&["call", "--from", "//Dora", transfer, "//Erik", "1_000_000_000"])?;
        for user in [&user, &other] {
            let result = user.trusted(&["result", "--as", "//Dora", "--output", "json", &operation])?;
            let result: serde_json::Value = serde_json::from_str(&result)?;
            let events = result["events"].as_array().cloned().unwrap_or_default();
            let transfer = events.iter().find(|event| event["name"] == "Balances.Transfer");
            ensure!(
                result["outcome"] == 0
                    && transfer.is_some_and(|event| event["fields"]["amount"] == 1_000_000_000),
                "{result}"
            );
        }
        let (said, _) = refusal(&user, &["result", "--as", "//Erik", &operation])?;
        ensure!(said.contains("no result of"), "{said}");
        let listed = user.try_run(&["trusted", "history", "//Dora"])?;
        let history = String::from_utf8_lossy(&listed.stdout).into_owned();
        ensure!(history.lines().next().is_some_and(|newest| newest.contains(&operation)), "{history}");
        // Two transfers and a classic one that she signed, and what was shielded to her.
        ensure!(history.lines().count() == 4, "{history}");

        // ---- What is there.
        let constants = user.trusted(&["constants", "--output", "json", "Balances"])?;
        ensure!(constants.contains("\"Balances.ExistentialDeposit\":1"), "{constants}");
        let listed = user.trusted(&["metadata", "Parentchain"])?;
        ensure!(listed == "call     Parentchain.unshield beneficiary=account amount=u128", "{listed}");

        // ---- The same for programs.
        let chain = Parentchain::connect(&network.node_url(), &DEVELOPMENT, &Unobserved).await?;
        let address = WorkerAddress::parse("wss://127.0.0.1", network.trusted_port(0)?)?;
        let program = Shard::on(chain, address, Pin::shard(user.shard())).await?;
        for (value, refusal) in [("1_000", None), ("900_000_000_000", Some("Arithmetic.Underflow"))] {
            let call = program.runtime().call(transfer, &["dest=//Erik".into(), format!("value={value}")])?;
            let transaction = Transaction::new(call, Account::from_secret("//Dora")?)
                .paid_by(Account::from_secret("//Alice")?);
            let result = program.call(transaction).await?.result().await?;
            ensure!(result.refusal() == refusal, "{result:?}");
            let events = result.shown.map(|shown| shown.events).unwrap_or_default();
            ensure!(
                events.iter().any(|(name, _)| name == "Balances.Transfer") == refusal.is_none(),
                "{events:?}"
            );
        }

        // The payment comes with one of the next blocks.
        offstage_e2e::network::wait_until("the payment", std::time::Duration::from_secs(120), || {
            Ok(user.run(&["balance", "//Ferdie"])?.parse::<u128>()? == before + 6_000_000_000)
        })?;
        auditor.notes(0, auditor.finalized().await?).await?.require_equal_roots()?;
        Ok(())
    });
}
