// SPDX-License-Identifier: Apache-2.0
//! RPC methods of an author's own, over the state of a whole enclave.

use crate::kit::{Host, UNIT, World, start};
use offstage_balances::{
    Balances,
    runtime::{self, Runtime},
};
use offstage_enclave::{
    answers::MethodCall,
    methods::{OwnMethodError, OwnMethods},
    view::ViewError,
};
use offstage_primitives::{
    AccountId32,
    read::{Permit, permit_payload},
};
use offstage_sdk::{MethodError, testing::TestAccount};
use std::sync::Arc;

fn methods() -> OwnMethods {
    let mut methods = OwnMethods::none();
    methods
        .add("own_balance", |context, ()| {
            let asker = context.asker().ok_or(MethodError("say who asks"))?;
            Ok(runtime::Balances::free_balance(asker).to_string())
        })
        .unwrap();
    methods.add("now", |context, ()| Ok((context.block_number(), context.timestamp_ms()))).unwrap();
    methods
        .add("writes", |_, ()| {
            pallet_balances::TotalIssuance::<Runtime>::put(7);
            Ok(pallet_balances::TotalIssuance::<Runtime>::get())
        })
        .unwrap();
    methods.add("issued", |_, ()| Ok(pallet_balances::TotalIssuance::<Runtime>::get().to_string())).unwrap();
    methods
        .add("panics", |_, (secret,): (u32,)| {
            pallet_balances::TotalIssuance::<Runtime>::put(8);
            match secret {
                0 => Ok(()),
                _ => panic!("on purpose: {secret}"),
            }
        })
        .unwrap();
    methods
}

fn call(host: &Host, name: &str, parameters: &str, permit: Option<Permit>) -> Result<String, OwnMethodError> {
    let view = host.view();
    let name = view.methods().names().find(|known| *known == name).unwrap();
    let answer = view.call_method(&MethodCall { name, parameters: parameters.into(), permit }).unwrap();
    assert_eq!(answer.block, view.position());
    answer.value
}

#[test]
fn c27_a_method_reads_one_blocks_state_as_its_asker_and_writes_nothing() {
    let mut world = World::new();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut host = Host::<Balances>::start_with(dir, start(&world), methods()).unwrap();
    host.serve(&mut world);
    let (alice, bob) = (TestAccount::alice(), TestAccount::bob());
    let (key, shard) = (host.key(), world.shard);
    host.run(&mut world, |content| content.shield(shard, key.account(&alice), 3 * UNIT));
    let now = host.status().position.number;
    let permit = |account: &TestAccount, expires, of: AccountId32| {
        let payload = permit_payload(&of, expires, &world.hash(0), &world.shard);
        Some(Permit { account: of, expires, signature: account.sign(&payload) })
    };
    // ---- As whoever has shown itself, and as nobody else.
    let own = |permit| call(&host, "own_balance", "[]", permit);
    assert_eq!(own(permit(&alice, now, alice.id())).unwrap(), format!("\"{}\"", 3 * UNIT));
    assert_eq!(own(permit(&bob, now, bob.id())).unwrap(), "\"0\"");
    assert_eq!(own(None), Err(OwnMethodError::Refused("say who asks")));
    assert_eq!(own(permit(&bob, now, alice.id())), Err(OwnMethodError::Permit), "another signed");
    assert_eq!(own(permit(&alice, now - 1, alice.id())), Err(OwnMethodError::Permit), "expired");
    let elsewhere = permit_payload(&alice.id(), now, &world.hash(0), &[9; 32].into());
    let elsewhere = Permit { account: alice.id(), expires: now, signature: alice.sign(&elsewhere) };
    assert_eq!(own(Some(elsewhere)), Err(OwnMethodError::Permit), "of another shard");
    // ---- The block it runs on.
    let told = call(&host, "now", "[]", None).unwrap();
    assert!(told.starts_with(&format!("[{now},")), "{told}");
    // ---- What it writes is its own, and gone with it; so is what a panic leaves half done.
    let (root, issued) = (host.state_root(), format!("\"{}\"", 3 * UNIT));
    assert_eq!(call(&host, "writes", "[]", None).unwrap(), "7");
    assert_eq!(call(&host, "panics", "[5]", None), Err(OwnMethodError::Failed));
    assert_eq!(call(&host, "panics", "[\"5\"]", None), Err(OwnMethodError::Parameters));
    assert_eq!(call(&host, "issued", "[]", None).unwrap(), issued);
    host.run(&mut world, |content| content);
    assert_eq!(host.state_root(), root);
    assert_eq!(call(&host, "issued", "[]", None).unwrap(), issued);
    // ---- After a restart, before its registration: nothing.
    let dir = host.dir.clone();
    drop(host);
    let host = Host::<Balances>::start_with(dir, start(&world), methods()).unwrap();
    let asked = MethodCall { name: "issued", parameters: "[]".into(), permit: None };
    assert!(matches!(host.view().call_method(&asked), Err(ViewError::NotServing(_))));
}
