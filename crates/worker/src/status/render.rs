// SPDX-License-Identifier: Apache-2.0
//! The status as one screen.

use crate::text::{amount, escaped};
use serde_json::Value;
use std::fmt::Write;

/// A screen for people, of the same values that `--output json` prints.
pub(super) fn text(status: &Value) -> String {
    let mut screen = Screen::default();
    if status["running"] == true {
        running(&mut screen, status)
    } else {
        stopped(&mut screen, status)
    }
    screen.0.trim_end().to_owned()
}

fn running(screen: &mut Screen, status: &Value) {
    let phase = status["phase"].as_str().unwrap_or("starting");
    let ready = if status["initialized"] == true { "clients can use it" } else { "not ready for clients" };
    screen.line("worker", &format!("{phase}: {ready}"));
    screen.of("account", &status["account"]);
    screen.of("shard", &status["shard"]);
    screen.of("MRENCLAVE", &status["mrenclave"]);
    match (status["position"].as_u64(), status["finalizedHead"].as_u64(), status["blocksBehind"].as_u64()) {
        (Some(position), Some(head), Some(behind)) => {
            screen.line("position", &format!("block {position} of {head} final ones, {behind} behind"));
        }
        (Some(position), ..) => screen.line("position", &format!("block {position}; the head is not known")),
        (None, ..) => {}
    }
    if let Some(outbox) = status["outbox"].as_u64() {
        screen.line("outbox", &format!("{outbox} extrinsics are not seen final yet"));
    }
    for parked in status["parked"].as_array().into_iter().flatten() {
        let (kind, reason) = (plain(&parked["kind"]), plain(&parked["reason"]));
        screen.line("parked", &format!("{} {kind}: {reason}", parked["count"]));
    }
    if let Some(funds) = funds(&status["funds"], &status["fees"]) {
        screen.line("funds", &funds);
    }
    registration(screen, status);
    peers(screen, &status["peers"]);
    if status["enclaveRunning"] == false {
        screen.line("enclave", "its process does not run");
    }
    screen.of("notice", &status["notice"]);
    screen.of("trouble", &status["trouble"]);
    screen.of("chain", &status["chainTrouble"]);
}

fn stopped(screen: &mut Screen, status: &Value) {
    screen.line("worker", "does not run");
    screen.of("data folder", &status["dataDir"]);
    screen.of("account", &status["account"]);
    screen.of("MRENCLAVE", &status["mrenclave"]);
    match status["position"].as_u64() {
        None => screen.line("store", "new: it belongs to no chain yet"),
        Some(position) => {
            screen.of("genesis", &status["genesis"]);
            screen.of("shard", &status["shard"]);
            screen.line("position", &format!("block {position}"));
        }
    }
    let key = if status["hasShieldingKey"] == true { "in the store" } else { "not in the store" };
    screen.line("shard's key", key);
}

fn registration(screen: &mut Screen, status: &Value) {
    let registration = &status["registration"];
    match (registration["ageSeconds"].as_u64(), registration["countsForSeconds"].as_u64()) {
        (Some(age), Some(0)) => {
            screen.line("registration", &format!("{} old: it counts no more", hours(age)));
        }
        (Some(age), Some(left)) => {
            let url = registration["url"].as_str().map_or("no URL".into(), escaped);
            screen
                .line("registration", &format!("{} old, counts for {} more, {url}", hours(age), hours(left)));
        }
        _ if status.get("registration").is_some() => screen.line("registration", "none on chain"),
        _ => {}
    }
}

fn peers(screen: &mut Screen, peers: &Value) {
    let Some(peers) = peers.as_array() else { return };
    screen.line("others", &format!("{} act for the shard", peers.len()));
    for peer in peers {
        let url = peer["url"].as_str().map_or("no URL".into(), escaped);
        let line = format!(
            "{}  {url}, confirmed {} blocks ago",
            plain(&peer["account"]),
            peer["blocksSinceConfirmation"]
        );
        screen.line("", &line);
    }
}

/// What the node says is on the account; where it says nothing, what the enclave saw. And for how long it lasts.
fn funds(funds: &Value, fees: &Value) -> Option<String> {
    let written = |token: &Value, name: &str| {
        let value = token[name].as_str()?.parse::<u128>().ok()?;
        let decimals = u8::try_from(token["decimals"].as_u64()?).ok()?;
        Some(amount(value, decimals, &plain(&token["symbol"])))
    };
    let mut text = written(funds, "free").or_else(|| written(fees, "balance"))?;
    if let Some(needed) = written(fees, "needed") {
        text.push_str(&format!("; {needed} is needed for what waits"));
    }
    if let (Some(days), Some(per_day)) = (fees["daysLeft"].as_u64(), written(fees, "perDay")) {
        text.push_str(&format!("; lasts for {days} more days at {per_day} of fees a day"));
    }
    Some(text)
}

fn hours(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours == 0 { format!("{minutes} min") } else { format!("{hours} h {minutes} min") }
}

fn plain(value: &Value) -> String {
    value.as_str().map(escaped).unwrap_or_default()
}

#[derive(Default)]
struct Screen(String);

impl Screen {
    fn line(&mut self, name: &str, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{name:<14}{text}");
    }

    /// A line of a text, if there is one.
    fn of(&mut self, name: &str, value: &Value) {
        if let Some(text) = value.as_str() {
            self.line(name, &escaped(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_running_worker_is_one_screen() {
        let screen = text(&json!({
            "running": true, "initialized": true, "phase": "Serving", "account": "5G", "shard": "8w",
            "mrenclave": "8x", "position": 123, "finalizedHead": 125, "blocksBehind": 2, "outbox": 3,
            "parked": [{ "kind": "Unshield", "count": 4, "reason": "no funds" }],
            "funds": { "free": "1500000000000", "decimals": 12, "symbol": "UNIT" },
            "registration": { "ageSeconds": 720, "countsForSeconds": 172_080, "url": "wss://a\u{1b}[2J" },
            "peers": [{ "account": "5F", "url": null, "blocksSinceConfirmation": 7 }],
            "notice": "mind this", "trouble": null, "enclaveRunning": true,
        }));
        assert_eq!(
            screen,
            r"worker        Serving: clients can use it
account       5G
shard         8w
MRENCLAVE     8x
position      block 123 of 125 final ones, 2 behind
outbox        3 extrinsics are not seen final yet
parked        4 Unshield: no funds
funds         1.5 UNIT
registration  12 min old, counts for 47 h 48 min more, wss://a\u{1b}[2J
others        1 act for the shard
              5F  no URL, confirmed 7 blocks ago
notice        mind this"
        );
    }

    /// Too little money was once seen on a node's log alone.
    #[test]
    fn funds_are_shown_with_the_days_left_and_with_what_is_needed() {
        let screen = |funds: Value, fees: Value| {
            text(&json!({ "running": true, "initialized": true, "funds": funds, "fees": fees }))
        };
        let free = json!({ "free": "1500000000000", "decimals": 12, "symbol": "UNIT" });
        let fees = |needed: Value, per_day: Value, days: Value| {
            json!({
                "balance": "400000000000", "decimals": 12, "symbol": "UNIT", "needed": needed, "perDay": per_day,
                "daysLeft": days,
            })
        };
        let known = fees(Value::Null, "125000000000".into(), 12.into());
        let lasts = "lasts for 12 more days at 0.125 UNIT of fees a day";
        assert!(screen(free.clone(), known.clone()).ends_with(&format!("1.5 UNIT; {lasts}")));
        assert!(screen(Value::Null, known).ends_with(&format!("funds         0.4 UNIT; {lasts}")));
        let short = screen(free.clone(), fees("2000000000000".into(), Value::Null, Value::Null));
        assert!(short.ends_with("1.5 UNIT; 2 UNIT is needed for what waits"), "{short}");
        for unknown in [fees(Value::Null, Value::Null, Value::Null), Value::Null, json!({ "needed": "x" })] {
            assert!(screen(free.clone(), unknown).ends_with("funds         1.5 UNIT"));
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_what_is_not_there_is_said() {
        let starting = text(&json!({ "running": true, "initialized": false, "chainTrouble": "no node" }));
        assert_eq!(starting, "worker        starting: not ready for clients\nchain         no node");
        let unregistered = text(&json!({ "running": true, "registration": null, "peers": [] }));
        assert!(unregistered.contains("none on chain") && unregistered.contains("0 act"), "{unregistered}");
        let old =
            json!({ "running": true, "registration": { "ageSeconds": 200_000, "countsForSeconds": 0 } });
        assert!(text(&old).contains("55 h 33 min old: it counts no more"));
        let stopped = text(&json!({ "running": false, "account": "5G", "position": null }));
        assert!(stopped.contains("does not run") && stopped.contains("belongs to no chain yet"), "{stopped}");
    }
}
