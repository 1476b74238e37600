// SPDX-License-Identifier: Apache-2.0
//! Rounds of asking, with a played enclave and played addresses.

use super::*;
use crate::testing::{PlayedEnclave, PlayedNode, soon};
use anyhow::bail;
use offstage_protocol::Phase;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// Addresses that were tried, in order, and how many at once.
#[derive(Clone, Default)]
struct Tried {
    urls: Arc<Mutex<Vec<String>>>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Tried {
    /// Only `live…` answers; everybody else is silent for a while and then given up.
    fn probe(&self) -> impl Fn(String) -> futures::future::BoxFuture<'static, Result<String>> {
        let tried = self.clone();
        move |url| {
            let tried = tried.clone();
            Box::pin(async move {
                tried.urls.lock().unwrap().push(url.clone());
                tried.most.fetch_max(tried.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                tried.now.fetch_sub(1, Ordering::SeqCst);
                if !url.contains("live") {
                    bail!("it is silent")
                }
                Ok(format!("{url}/key"))
            })
        }
    }
}

fn dead(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("wss://dead{number}:1")).collect()
}

fn joiner(giver: &str) -> PlayedEnclave {
    let node = PlayedNode::new(9);
    let played = PlayedEnclave::at_genesis(&node, Phase::NeedsShieldingKey);
    played.model().key = Some((format!("{giver}/key"), node.block(4)));
    played
}

#[tokio::test]
async fn c16_the_named_worker_is_tried_before_all_others() {
    let (tried, played) = (Tried::default(), joiner("wss://live:1"));
    let providers = Providers { acting: dead(10), others: dead(300), unlike: 0 };
    let named = ["wss://live:1".to_owned()];
    let asked = ask_in_turn(&named, providers, tried.probe(), &played.connection()).await.unwrap();
    let Asked::Given(status) = asked else { panic!("{asked:?}") };
    assert_eq!((status.position.number, status.phase), (4, Phase::Serving), "where the enclave goes on");
    assert_eq!(*tried.urls.lock().unwrap(), named);
}

#[tokio::test]
async fn c16_hundreds_of_dead_addresses_do_not_stand_before_those_that_act() {
    let (tried, played) = (Tried::default(), joiner("wss://live:1"));
    let mut acting = dead(5);
    acting.push("wss://live:1".into());
    let enclave = played.connection();
    let asked = ask_in_turn(&[], Providers { acting, others: dead(300), unlike: 0 }, tried.probe(), &enclave);
    assert!(matches!(soon("the key", asked).await.unwrap(), Asked::Given(_)));
    assert!(tried.urls.lock().unwrap().len() <= 6, "{:?}", tried.urls);
}

#[tokio::test]
async fn c16_a_round_is_bounded_and_addresses_are_tried_at_once() {
    let (tried, played) = (Tried::default(), joiner("wss://nobody:1"));
    let providers = Providers { acting: dead(10), others: dead(300), unlike: 0 };
    let asked = ask_in_turn(&[], providers, tried.probe(), &played.connection()).await.unwrap();
    let Asked::Nobody(told) = asked else { panic!("{asked:?}") };
    assert!(told.contains("and 69 more") && told.contains("--peer"), "{told}");
    assert_eq!(tried.urls.lock().unwrap().len(), 10 + MAX_OTHERS_A_ROUND);
    let most = tried.most.load(Ordering::SeqCst);
    assert!((2..=MAX_PROBES).contains(&most), "{most} at once");
    assert!(played.model().asked.is_empty(), "the enclave is not troubled with the dead");
}

/// Whoever answers at hundreds of addresses and gives nothing holds the enclave up for a few of them.
#[tokio::test]
async fn c16_the_enclave_asks_a_bounded_number_of_peers_in_a_round() {
    let (tried, played) = (Tried::default(), joiner("wss://nobody:1"));
    let others = (0..300).map(|number| format!("wss://live{number}:1")).collect();
    let providers = Providers { acting: vec![], others, unlike: 0 };
    let asked = ask_in_turn(&[], providers, tried.probe(), &played.connection()).await.unwrap();
    assert!(matches!(asked, Asked::Nobody(_)));
    assert_eq!(played.model().asked.len(), MAX_ASKED);
}

#[tokio::test]
async fn h23_what_peers_say_is_escaped() {
    let mut refusals = Refusals::default();
    refusals.note("wss://x\u{1b}[2J", &anyhow::anyhow!("no\nerror: forged"));
    let told = refusals.told();
    assert!(!told.contains(char::is_control), "{told}");
}

/// What was seen: "no other enclave of the shard is registered", when five were, for a binary that the shard does not
/// allow.
#[tokio::test]
async fn those_that_run_other_code_are_the_reason_when_nobody_else_is_there() {
    let (tried, played) = (Tried::default(), joiner("wss://live:1"));
    let providers = Providers { unlike: 5, ..Providers::default() };
    let asked = ask_in_turn(&[], providers, tried.probe(), &played.connection()).await.unwrap();
    let Asked::Nobody(told) = asked else { panic!("{asked:?}") };
    assert!(told.contains("(5)") && told.contains("other code"), "{told}");
    let asked = ask_in_turn(&[], Providers::default(), tried.probe(), &played.connection()).await.unwrap();
    let Asked::Nobody(told) = asked else { panic!("{asked:?}") };
    assert!(told.contains("no other enclave of the shard is registered"), "{told}");
}
