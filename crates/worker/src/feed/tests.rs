// SPDX-License-Identifier: Apache-2.0
//! The feeder between a played node and a played enclave.

use super::*;
use crate::{
    board::Board,
    head::HeadFollower,
    testing::{PlayedEnclave, PlayedNode, until},
};

/// A feeder that sees the chain final up to here.
async fn feeder(node: &PlayedNode, finalized: u32) -> Feeder {
    node.finalize(finalized);
    let (_, head) = HeadFollower::begin(node.connection(), Board::default()).await.unwrap();
    Feeder::new(node.connection(), head, false)
}

/// Steps until there is nothing to do but to wait.
async fn feed(feeder: &mut Feeder, enclave: &Enclave, played: &PlayedEnclave) -> Step {
    loop {
        match feeder.step(enclave, &played.status()).await.unwrap() {
            Step::Advanced(_) => {}
            waits => return waits,
        }
    }
}

#[tokio::test]
async fn an_enclave_is_brought_to_the_head() {
    let node = PlayedNode::new(12);
    for number in [3, 7, 12] {
        node.justify(number);
    }
    let played = PlayedEnclave::at_genesis(&node, Phase::CatchingUp);
    let step = feed(&mut feeder(&node, 12).await, &played.connection(), &played).await;
    assert!(matches!(step, Step::AtHead(_)), "{step:?}");
    assert_eq!(played.model().taken, (1..=12).collect::<Vec<_>>());
}

/// A joiner follows the chain without the shard's key, also while it asks for it; when it has the key, it goes back
/// to the shard's birth. Its light client may or may not remember what is final beyond that.
#[tokio::test]
async fn an_enclave_that_goes_back_is_fed_again_from_there() {
    for remembers in [true, false] {
        let node = PlayedNode::new(40);
        for number in [5, 10, 20, 30, 40] {
            node.justify(number);
        }
        let played = PlayedEnclave::at_genesis(&node, Phase::CatchingUp);
        let enclave = played.connection();
        let mut feeder = feeder(&node, 30).await;
        feed(&mut feeder, &enclave, &played).await;
        played.model().status.phase = Phase::NeedsShieldingKey;
        drop(feeder);
        node.finalize(40);
        let mut feeder = self::feeder(&node, 40).await;
        feed(&mut feeder, &enclave, &played).await;
        assert_eq!(played.status().position, node.block(40), "it is fed while it needs the key");

        let birth = node.block(4);
        {
            let mut model = played.model();
            model.status.position = birth;
            if !remembers {
                (model.status.finalized, model.status.tip) = (birth, birth);
            }
            model.status.phase = Phase::Serving;
            model.taken.clear();
        }
        let step = feed(&mut feeder, &enclave, &played).await;
        assert!(matches!(step, Step::AtHead(_)), "{step:?}");
        assert_eq!(played.model().taken, (5..=40).collect::<Vec<_>>(), "remembers: {remembers}");
    }
}

/// What was seen: a worker that was off for longer than the node keeps states asked in vain, and no flag was named.
#[tokio::test]
async fn a_state_that_the_node_dropped_is_named_with_the_flag() {
    let node = PlayedNode::new(9);
    let played = PlayedEnclave::at_genesis(&node, Phase::CatchingUp);
    played.model().status.wanted_code = Some(offstage_primitives::H256::zero());
    let mut feeder = feeder(&node, 9).await;
    node.chain().has_lost_states = true;
    let error = feeder.step(&played.connection(), &played.status()).await.unwrap_err();
    assert!(format!("{error:#}").contains("--state-pruning archive"), "{error:#}");
}

#[tokio::test]
async fn p06_a_later_stored_justification_is_tried_when_one_is_refused() {
    let node = PlayedNode::new(9);
    for number in [3, 6] {
        node.justify(number);
    }
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    played.model().refuses = vec![node.justification(3, 1)];
    let step = feed(&mut feeder(&node, 6).await, &played.connection(), &played).await;
    assert!(matches!(step, Step::AtHead(_)), "{step:?}");
    assert_eq!(played.status().position, node.block(6));
}

/// At a change of the authority set no later block's can help.
#[tokio::test]
async fn p06_a_streamed_justification_is_tried_when_the_stored_one_of_the_same_block_is_refused() {
    let node = PlayedNode::new(3);
    node.justify(3);
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    played.model().refuses = vec![node.justification(3, 1)];
    let mut feeder = feeder(&node, 3).await;
    until("the feeder listens", || (node.listeners() == 1).then_some(())).await;
    node.stream(&node.justification(3, 2));
    until("the streamed one is there", || feeder.streamed.earliest(0, 3, |_| true)).await;
    let step = feed(&mut feeder, &played.connection(), &played).await;
    assert!(matches!(step, Step::AtHead(_)), "{step:?}");
    assert_eq!(played.status().position, node.block(3));
}

#[tokio::test]
async fn p06_refused_justifications_are_waited_out_however_often() {
    let node = PlayedNode::new(9);
    node.justify(3);
    let played = PlayedEnclave::at_genesis(&node, Phase::Serving);
    let enclave = played.connection();
    played.model().refuses = vec![node.justification(3, 1)];
    let mut feeder = feeder(&node, 3).await;
    for round in 0..30 {
        let step = feed(&mut feeder, &enclave, &played).await;
        assert!(matches!(step, Step::Unjustified(_)), "{round}: {step:?}");
    }
    // The very same is taken at last: what was wrong may have been the headers.
    played.model().refuses.clear();
    assert!(matches!(feed(&mut feeder, &enclave, &played).await, Step::AtHead(_)));
    assert_eq!(played.status().position, node.block(3));
}
