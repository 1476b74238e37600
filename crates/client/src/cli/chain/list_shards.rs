// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{context::Context, output::Printed},
    parentchain::shards::{Member, MemberState, Shard, Shards},
    printable::printable,
    shard_runtime::number,
};
use anyhow::Result;
use clap::Args;
use offstage_primitives::ss58::ss58;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// List the shards of the parentchain: whether they live, which measurement they allow, and who serves them
///
/// All of it is proven at the newest final block, except for two things, where you have only the node's word: that
/// there are no other shards, and in which block a shard was born. Anybody can begin a shard. So a shard in this list
/// need not be the one that you mean.
#[derive(Args, Debug)]
#[command(after_help = STATES)]
pub(in crate::cli) struct ListShards {}

impl ListShards {
    pub(in crate::cli) async fn run(&self, context: &Context<'_>) -> Result<()> {
        let chain = context.chain().await?;
        let (shards, prefix) = (chain.shards().await?, chain.ss58_prefix().await);
        context.observer.print(&show_shards(&shards, prefix));
        Ok(())
    }
}

/// The shards. `prefix` is the chain's for ss58 addresses.
pub(in crate::cli) fn show_shards(shards: &Shards, prefix: u16) -> Printed {
    let all: Vec<Json> = shards.shards.iter().map(|shard| json(shard, prefix)).collect();
    let json = json!({ "block": shards.block.number, "shards": all });
    Printed::new(render_shards(shards, prefix).trim_end(), json)
}

fn json(shard: &Shard, prefix: u16) -> Json {
    let members = shard.members.as_ref().map(|members| {
        let members = members.iter().map(|member| {
            json!({
                "account": ss58(&member.signer, prefix),
                "state": state(member),
                "lastActivity": member.last_activity,
                "url": member.url.as_ref().map(|url| String::from_utf8_lossy(url)),
            })
        });
        members.collect::<Vec<_>>()
    });
    let upgrade = shard.upgrade.as_ref();
    json!({
        "shard": shard.shard.to_string(),
        "status": status(shard),
        "mrEnclave": shard.allowed.to_string(),
        "upgrade": upgrade.map(|(measurement, at)| json!({ "mrEnclave": measurement.to_string(), "block": at })),
        "isInMaintenance": shard.is_in_maintenance,
        "funds": number(shard.funds),
        "bornIn": shard.born_in,
        // `null`: nobody ever confirmed a block of it.
        "enclaves": members,
    })
}

fn render_shards(shards: &Shards, prefix: u16) -> String {
    let number = shards.block.number;
    let mut text = format!("number of shards at block {number}: {}\n", shards.shards.len());
    for shard in &shards.shards {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Shard {}\n   status: {}", shard.shard, status(shard));
        let _ = writeln!(text, "   allowed MRENCLAVE: {}", shard.allowed);
        if let Some((measurement, at)) = shard.upgrade {
            let _ = writeln!(text, "   from block {at} on:   {}", measurement);
        }
        let _ = writeln!(text, "   funds: {}", shard.funds);
        let Some(members) = &shard.members else { continue };
        let born = shard.born_in.map_or_else(
            || "the node does not know it (it keeps no old states)".to_owned(),
            |number| format!("block {number}, as the node says"),
        );
        let alive = members.iter().filter(|member| member.state == MemberState::Alive).count();
        let _ = writeln!(text, "   born in: {born}\n   enclaves alive: {alive} of {}", members.len());
        for member in members {
            let _ = writeln!(text, "      {}", line(member, number, prefix));
        }
    }
    text
}

fn status(shard: &Shard) -> &'static str {
    match (&shard.members, shard.is_in_maintenance) {
        (None, _) => "not born: no enclave has confirmed a block",
        (Some(_), true) => "under maintenance: takes nothing in, pays out",
        (Some(members), false) if members.iter().all(|member| member.state != MemberState::Alive) => {
            "lives, and nobody serves it"
        }
        (Some(_), false) => "lives",
    }
}

fn state(member: &Member) -> &'static str {
    match member.state {
        MemberState::Alive => "alive",
        MemberState::Silent => "silent",
        MemberState::Unregistered => "unregistered",
        MemberState::OtherMeasurement => "other measurement",
    }
}

fn line(member: &Member, number: u32, prefix: u16) -> String {
    let state = state(member);
    // Texts in the registry are strangers'.
    let url = member
        .url
        .as_ref()
        .map_or_else(|| "no URL".to_owned(), |url| printable(&String::from_utf8_lossy(url)));
    let ago = number.saturating_sub(member.last_activity);
    format!("{}  {state}, confirmed {ago} blocks ago, {url}", ss58(&member.signer, prefix))
}

const STATES: &str = "\
Enclaves of a shard:
  alive               registered, with the allowed code, and confirmed a block within the last 300
  silent              confirmed nothing for 300 blocks; its place is free for another
  unregistered        without a registration of the last 48 hours: it may neither confirm nor pay
  other measurement   registered with code that the shard does not allow";

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_light_client::BlockId;
    use offstage_primitives::{AccountId32, BlockHash, Measurement};

    fn shard(members: Option<Vec<Member>>) -> Shard {
        Shard {
            shard: [1; 32].into(),
            allowed: Measurement([2; 32]),
            upgrade: Some((Measurement([3; 32]), 700)),
            is_in_maintenance: false,
            funds: 5,
            members,
            born_in: Some(17),
        }
    }

    fn rendered(shard: Shard) -> String {
        let block = BlockId { number: 100, hash: BlockHash::zero() };
        render_shards(&Shards { block, shards: vec![shard] }, 42)
    }

    #[test]
    fn a_shard_is_told_with_code_birth_and_enclaves() {
        let member = |state, url: &[u8]| Member {
            signer: AccountId32::new([1; 32]),
            last_activity: 98,
            url: Some(url.to_vec()),
            state,
        };
        let alive = member(MemberState::Alive, b"wss://a:2000");
        let other = member(MemberState::OtherMeasurement, b"wss://x\x1b[2J");
        let text = rendered(shard(Some(vec![alive, other.clone()])));
        for words in [
            "number of shards at block 100: 1",
            "status: lives\n",
            &format!("allowed MRENCLAVE: {}", Measurement([2; 32])),
            &format!("from block 700 on:   {}", Measurement([3; 32])),
            "funds: 5",
            "born in: block 17, as the node says",
            "enclaves alive: 1 of 2",
            "5C62Ck4UrFPiBtoCmeSrgF7x9yv9mn38446dhCpsi2mLHiFT  alive, confirmed 2 blocks ago, wss://a:2000",
            "other measurement",
        ] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        assert!(!text.contains('\x1b'), "{text}");
        assert!(rendered(shard(Some(vec![other]))).contains("lives, and nobody serves it"));
        assert!(rendered(Shard { born_in: None, ..shard(Some(vec![])) }).contains("keeps no old states"));
        let unborn = rendered(shard(None));
        assert!(unborn.contains("not born") && !unborn.contains("enclaves alive"), "{unborn}");
    }
}
