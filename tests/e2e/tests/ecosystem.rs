// SPDX-License-Identifier: Apache-2.0
//! Programs of others, against the real node and worker: scripts for Integritee's client, and libraries that know
//! Substrate chains and Integritee's worker and nothing of Offstage.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    network::{Network, binary, shard},
    stage::play,
    workspace::root,
};
use std::{os::unix::fs::symlink, process::Command};
use subxt::{
    OnlineClient, PolkadotConfig, SubstrateConfig,
    dynamic::{self, Value},
    transactions::DynamicPayload,
};
use subxt_signer::sr25519::dev;

/// A node and a worker that serves.
fn play_with_worker(story: impl AsyncFnOnce(&mut Network) -> Result<()>) {
    play(async |network| {
        network.start_node()?;
        network.add_worker()?;
        network.wait_until_initialized(0)?;
        story(network).await
    });
}

/// The steps of the last demo of Integritee's client for an off-chain worker, through a link of that client's name.
#[test]
fn a_script_for_integritees_last_client_runs_unchanged() {
    play_with_worker(async |network| {
        let folder = network.folder().join("script");
        std::fs::create_dir_all(&folder)?;
        symlink(binary("offstage")?, folder.join("integritee-cli"))?;
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", SCRIPT])
            .current_dir(&folder)
            .env("XDG_CONFIG_HOME", &folder)
            .env("XDG_DATA_HOME", &folder)
            .env("OFFSTAGE_ROOT", "development")
            .env("NODE_PORT", network.node_port().to_string())
            .env("WORKER_PORT", network.trusted_port(0)?.to_string())
            .output()?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "the script ended with {}:\n{out}\n{err}", output.status);
        ensure!(out.ends_with("passed\n"), "{out}");
        // It says what went wrong all the same.
        ensure!(err.contains("error: the operation failed"), "{err}");
        Ok(())
    });
}

/// subxt by the chain's metadata alone: a transfer, its events, and calls, storage and errors of our pallets. With the
/// configuration of any Substrate chain, too.
#[test]
fn subxt_needs_no_types_of_ours() {
    play_with_worker(async |network| {
        let client = OnlineClient::<PolkadotConfig>::from_insecure_url(network.node_url()).await?;
        let bob = Value::unnamed_variant("Id", [Value::from_bytes(dev::bob().public_key().0)]);
        let transfer: DynamicPayload<_> =
            dynamic::transaction("Balances", "transfer_keep_alive", vec![bob, Value::u128(12_345_678)]);
        let events = submit(&client, &transfer).await?;
        ensure!(events.contains(&"Balances.Transfer".to_owned()), "{events:?}");

        let shard = shard()?;
        let at = client.at_current_block().await?;
        let status = dynamic::storage::<([u8; 32],), Value>("EnclaveBridge", "ShardStatus");
        let status = at.storage().fetch(status, (shard.0.0,)).await?.decode()?.to_string();
        ensure!(status.contains("last_activity"), "{status}");
        let enclaves = dynamic::storage::<([u8; 32],), Value>("Teerex", "SovereignEnclaves");
        let mut enclaves = at.storage().iter(enclaves, ()).await?;
        let enclave =
            enclaves.next().await.context("no enclave is registered")??.value().decode()?.to_string();
        ensure!(enclave.contains("Dcap") && enclave.contains("Production"), "{enclave}");
        ensure!(enclaves.next().await.is_none(), "one worker is two");

        let invoke = |shard: [u8; 32]| -> DynamicPayload<_> {
            let request = Value::named_composite([
                ("shard", Value::from_bytes(shard)),
                ("cyphertext", Value::from_bytes([0])),
            ]);
            dynamic::transaction("EnclaveBridge", "invoke", vec![request])
        };
        let events = submit(&client, &invoke(shard.0.0)).await?;
        ensure!(events.contains(&"EnclaveBridge.IndirectInvocationRegistered".to_owned()), "{events:?}");
        let error = submit(&client, &invoke([7; 32])).await.err().context("a shard that nobody has")?;
        ensure!(format!("{error:#}").contains("ShardNotFound"), "{error:#}");

        let any = OnlineClient::<SubstrateConfig>::from_insecure_url(network.node_url()).await?;
        ensure!(any.genesis_hash() == client.genesis_hash());
        let blocks = any.at_current_block().await?.events().fetch().await?;
        ensure!(!blocks.is_empty(), "a block without events");
        Ok(())
    });
}

/// The published JavaScript client of Integritee's worker, and @polkadot/api, in Node.js. `make test-javascript`
/// installs them and runs this.
#[test]
#[ignore = "needs Node.js and packages of npm: `make test-javascript`"]
fn javascript_clients_read_and_invoke() {
    play_with_worker(async |network| {
        for test in ["polkadot-api", "worker-api"] {
            let folder = root().join("tests/javascript").join(test);
            ensure!(folder.join("node_modules").is_dir(), "run this with `make test-javascript`");
            let output = Command::new("node")
                .arg("test.mjs")
                .current_dir(&folder)
                .env("OFFSTAGE_NODE_URL", network.node_url())
                .env("OFFSTAGE_WORKER_URL", network.worker_url(0)?)
                .env("OFFSTAGE_SHARD", shard()?.to_string())
                .output()
                .context("cannot run node")?;
            let out = String::from_utf8_lossy(&output.stdout);
            let err = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{test} ended with {}:\n{out}\n{err}", output.status);
            for line in out.lines().filter(|line| line.ends_with(": passed")) {
                println!("{test}: {line}");
            }
        }
        Ok(())
    });
}

/// Sends a call as Alice and waits until its block is final. Returns the names of its events.
async fn submit(
    client: &OnlineClient<PolkadotConfig>,
    call: &DynamicPayload<Vec<Value>>,
) -> Result<Vec<String>> {
    let mut transactions = client.at_current_block().await?.transactions();
    let progress = transactions.sign_and_submit_then_watch_default(call, &dev::alice()).await?;
    let events = progress.wait_for_finalized_success().await?;
    let mut names = Vec::new();
    for event in events.iter() {
        let event = event?;
        names.push(format!("{}.{}", event.pallet_name(), event.event_name()));
    }
    Ok(names)
}

/// Commands and options are those of Integritee's client; nothing in it is of Offstage.
const SCRIPT: &str = r#"
CLIENT="./integritee-cli -p $NODE_PORT -P $WORKER_PORT -u ws://127.0.0.1 -U wss://127.0.0.1"
UNIT=$(( 10 ** 12 ))
$CLIENT --version
MRENCLAVE=$($CLIENT trusted get-fingerprint)
test "$MRENCLAVE" = "$($CLIENT list-workers | awk '/  MRENCLAVE: / { print $2; exit }')"
balance() { $CLIENT trusted --mrenclave "$MRENCLAVE" balance "$1"; }
nonce() { $CLIENT trusted --mrenclave "$MRENCLAVE" nonce "$1"; }
send() { $CLIENT trusted --mrenclave "$MRENCLAVE" transfer "$1" "$2" "$3"; }
ALICE=//AliceIncognito
BOB=$($CLIENT trusted --mrenclave "$MRENCLAVE" new-account)
CHARLIE=$($CLIENT trusted --mrenclave "$MRENCLAVE" new-account)
FERDIE=$($CLIENT balance //Ferdie)

$CLIENT shield-funds //Alice $ALICE $(( 6 * UNIT )) "$MRENCLAVE"
test "$(balance $ALICE)" = $(( 6 * UNIT ))
send $ALICE "$BOB" $(( 2 * UNIT ))
$CLIENT trusted --mrenclave "$MRENCLAVE" unshield-funds --enclave-bridge $ALICE //Ferdie $(( 1 * UNIT ))
test "$(balance $ALICE)" = $(( 3 * UNIT ))
test "$($CLIENT balance //Ferdie)" = $(( FERDIE + UNIT ))

test "$(nonce "$BOB")" = 0
for round in 1 2 3; do send "$BOB" "$CHARLIE" $(( UNIT / 5 )); done
test "$(nonce "$BOB")" = 3
# More than Bob has: it fails, uses its nonce, and does not end the script.
send "$BOB" "$CHARLIE" $(( 2 * UNIT ))
test "$(nonce "$BOB")" = 4
send "$BOB" "$CHARLIE" $(( UNIT / 5 ))
test "$(nonce "$BOB")" = 5
test "$(balance "$BOB")" = $(( UNIT * 6 / 5 ))
test "$(balance "$CHARLIE")" = $(( UNIT * 4 / 5 ))
$CLIENT trusted --mrenclave "$MRENCLAVE" list-accounts | grep -q "$BOB"
echo passed
"#;
