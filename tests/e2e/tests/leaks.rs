// SPDX-License-Identifier: Apache-2.0
//! Row H13 with real processes: what an operator's logs, metrics, health report and disk show of the shard.

use anyhow::{Context, Result, ensure};
use offstage_e2e::stage::play;
use sp_core::{Pair, crypto::Ss58Codec, sr25519};
use std::path::Path;

/// In no invocation's public part, and in nothing else by chance.
const AMOUNT: u128 = 1_234_567_891;

/// Everything is logged at the most talkative level, the libraries' own events included.
#[test]
fn h13_logs_metrics_health_and_disk_of_a_worker_show_nothing() {
    play(async |network| {
        network.start_node()?;
        network.log_at("trace");
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        let user = network.user(0)?;
        let shard = user.trusted(&["get-shard"])?;
        user.run(&["shield-funds", "//Alice", "//Dora", "30000000000", &shard])?;
        user.trusted(&["transfer", "//Dora", "//Erik", &AMOUNT.to_string()])?;
        // A call that fails, a getter, and an answer.
        let refused = user.try_run(&["trusted", "transfer", "//Erik", "//Dora", "9999999999999"])?;
        ensure!(refused.status.code() == Some(1), "it had to fail: {refused:?}");
        ensure!(user.incognito_balance("//Erik")? == AMOUNT, "the transfer was executed");

        let secrets = secrets()?;
        let show = |place: &str, bytes: &[u8]| -> Result<()> {
            ensure!(!bytes.is_empty(), "nothing was recorded of {place}");
            for (name, secret) in &secrets {
                ensure!(!contains(bytes, secret), "{name} is in {place}");
            }
            Ok(())
        };
        // The search itself finds what the client prints.
        ensure!(show("the client's answer", user.trusted(&["balance", "//Erik"])?.as_bytes()).is_err());
        show("the metrics", network.metrics(0)?.as_bytes())?;
        show("the health report", network.health(0)?.to_string().as_bytes())?;
        let log = std::fs::read(network.folder().join("worker1.log"))?;
        ensure!(contains(&log, b"TRACE"), "the log is not at the level it should be at");
        show("the worker's log", &log)?;
        show("the node's log", &std::fs::read(network.folder().join("node.log"))?)?;
        show_folder(&network.folder().join("worker1"), &show)
    });
}

fn show_folder(folder: &Path, show: &impl Fn(&str, &[u8]) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = std::fs::read(&path)?;
            // A lock file is empty.
            if !bytes.is_empty() {
                show(&path.display().to_string(), &bytes)?;
            }
        }
    }
    Ok(())
}

/// Accounts and amounts in the forms in which they could come out.
fn secrets() -> Result<Vec<(String, Vec<u8>)>> {
    let mut secrets = Vec::new();
    for name in ["//Dora", "//Erik"] {
        let public = sr25519::Pair::from_string(name, None)?.public();
        // Parts, because something may begin in the middle.
        for part in public.0.chunks(16) {
            secrets.push((format!("bytes of {name}"), part.to_vec()));
            secrets.push((format!("{name} in hexadecimal"), hex::encode(part).into_bytes()));
            let list = format!("{part:?}");
            secrets.push((format!("{name} as numbers"), list.trim_matches(['[', ']']).as_bytes().to_vec()));
        }
        secrets.push((format!("address of {name}"), public.to_ss58check().into_bytes()));
    }
    secrets.push(("the amount".into(), AMOUNT.to_string().into_bytes()));
    secrets.push(("the amount's bytes".into(), AMOUNT.to_le_bytes().to_vec()));
    secrets.push(("the amount in hexadecimal".into(), hex::encode(&AMOUNT.to_le_bytes()[..8]).into_bytes()));
    Ok(secrets)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
