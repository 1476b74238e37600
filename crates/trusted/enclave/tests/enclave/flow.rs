// SPDX-License-Identifier: Apache-2.0
//! Operations from the chain to their receipts.

use crate::kit::{Host, MEASUREMENT, UNIT, funded, transfer, unshield};
use codec::Encode;
use offstage_light_client::storage_keys;
use offstage_primitives::{
    AccountId32, H256, Measurement,
    enclave_bridge::{ShardConfig, UpgradableShardConfig},
    receipt::Outcome,
    shielding::RSA_LEN,
};
use offstage_protocol::{HostRequest, OutboxKind, Phase, Untrusted};
use offstage_sdk::testing::TestAccount;

#[test]
fn shield_transfer_unshield_with_receipts_that_verify() {
    let (mut world, mut host, alice) = funded();
    let (bob, payee, key, shard) = (TestAccount::bob(), AccountId32::new([8; 32]), host.key(), world.shard);
    let (first, second) = (transfer(&alice, &bob, 30 * UNIT, 0), unshield(&alice, &payee, 20 * UNIT, 1));
    let number = host.run(&mut world, |content| {
        content.invoke(shard, key.operation(&first)).invoke(shard, key.operation(&second))
    });
    assert_eq!((host.balance(&alice), host.balance(&bob), host.nonce(&alice)), (50 * UNIT, 30 * UNIT, 2));
    let kinds: Vec<_> = host.collect().iter().map(|extrinsic| extrinsic.kind).collect();
    assert_eq!(kinds, [OutboxKind::Batch], "the confirmation and the payment");
    host.settle(&mut world);
    assert_eq!(world.paid.get(&second.hash()), Some(&(payee, 20 * UNIT)));

    let (_, _, root) = world.confirmed.iter().find(|(_, block, _)| *block == number).unwrap();
    for (operation, index) in [(first.hash(), 0), (second.hash(), 1)] {
        let receipt = host.receipt(&operation).unwrap();
        assert!(receipt.verify(root));
        assert_eq!((receipt.leaf.outcome, receipt.index), (Outcome::Executed, index));
        assert_eq!((receipt.block_number, receipt.block_hash), (number, world.hash(number)));
    }
    assert_eq!(host.receipt(&H256::repeat_byte(1)), None);
}

#[test]
fn under_maintenance_calls_fail_and_keep_their_nonce_but_money_is_credited() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let config = |maintenance_mode| {
        let active_config = ShardConfig {
            enclave_fingerprint: MEASUREMENT,
            max_instances: None,
            authorities: None,
            maintenance_mode,
        };
        UpgradableShardConfig { active_config, pending_upgrade: None, upgrade_at: None }.encode()
    };
    let config_key =
        storage_keys::blake2_128_concat("EnclaveBridge", "ShardConfigRegistry", shard.as_bytes());
    let call = transfer(&alice, &bob, UNIT, 0);
    host.run(&mut world, |content| {
        content.storage(config_key.clone(), Some(config(true))).invoke(shard, key.operation(&call)).shield(
            shard,
            key.account(&alice),
            UNIT,
        )
    });
    assert_eq!(host.outcome(call.hash()), Outcome::Maintenance);
    assert_eq!((host.balance(&alice), host.nonce(&alice)), (101 * UNIT, 0));
    host.run(&mut world, |content| {
        content.storage(config_key, Some(config(false))).invoke(shard, key.operation(&call))
    });
    assert_eq!((host.outcome(call.hash()), host.balance(&bob)), (Outcome::Executed, UNIT));
}

#[test]
fn an_enclave_whose_measurement_is_not_allowed_any_more_neither_serves_nor_signs() {
    let (mut world, mut host, _) = funded();
    let config = ShardConfig {
        enclave_fingerprint: Measurement([9; 32]),
        max_instances: None,
        authorities: None,
        maintenance_mode: false,
    };
    let config = UpgradableShardConfig { active_config: config, pending_upgrade: None, upgrade_at: None };
    let key = storage_keys::blake2_128_concat("EnclaveBridge", "ShardConfigRegistry", world.shard.as_bytes());
    let envelope = host.key().encrypt(b"garbage");
    let shard = world.shard;
    host.run(&mut world, |content| content.storage(key, Some(config.encode())).invoke(shard, envelope));
    assert_ne!(host.status().phase, Phase::Serving);
    assert!(host.status().notice.unwrap().contains("another measurement"));
    assert!(host.collect().is_empty());
    assert!(host.view().shielding_public_key().is_err());
}

/// Invariant 3: what a worker computes depends on the chain alone, not on when and in which portions it comes, nor on
/// restarts.
#[test]
fn h05_a_late_worker_that_restarts_at_every_block_reaches_the_same_roots() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let (mut roots, mut operations) = (Vec::new(), Vec::new());
    for round in 0..40u32 {
        let content = world.block();
        let content = match round % 4 {
            0 => {
                let operation = transfer(&alice, &bob, UNIT, round / 4);
                operations.push(operation.hash());
                content.invoke(shard, key.operation(&operation))
            }
            1 => content.invoke(shard, vec![round as u8; RSA_LEN]),
            2 => content.shield(shard, key.account(&bob), UNIT),
            _ => content,
        };
        world.add(content);
        host.follow(&world);
        roots.push((world.chain.number(), host.state_root()));
        if round % 8 == 0 {
            host.settle(&mut world);
            roots.push((world.chain.number(), host.state_root()));
        }
    }
    // One batch.
    let late = Host::joining(&mut world, &mut host);
    assert_eq!(late.state_root(), host.state_root());
    // A new process for each block.
    let mut restarting = Host::new(&world);
    assert_eq!(restarting.register(&mut world).phase, Phase::NeedsShieldingKey);
    host.follow(&world);
    restarting.request_key(&host);
    restarting.finalize(&world);
    while restarting.status().position.number < world.chain.number() {
        let number = restarting.import_next(&world).position.number;
        if let Some((_, root)) = roots.iter().find(|(block, _)| *block == number) {
            assert_eq!(restarting.state_root(), *root, "block {number}");
        }
        restarting = restarting.restart(&world);
        restarting.finalize(&world);
    }
    restarting.done(HostRequest::AtFinalizedHead(Untrusted::new(world.hash(world.chain.number()))));
    // Receipts are the same, too, and what others confirmed long ago is not confirmed again.
    restarting.submit(&mut world);
    host.follow(&world);
    assert_eq!(restarting.status().phase, Phase::Serving);
    for operation in &operations {
        assert_eq!(restarting.receipt(operation), host.receipt(operation));
        assert!(restarting.receipt(operation).is_some());
    }
    assert_eq!(restarting.balance(&bob), host.balance(&bob));
    let waiting = restarting.status().outbox_len;
    assert!(waiting <= 10, "only what nobody confirmed yet: {waiting}");
}
