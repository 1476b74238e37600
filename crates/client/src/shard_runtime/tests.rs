// SPDX-License-Identifier: Apache-2.0
//! The client against the runtime of the default logic: what it composes from the metadata alone is executed.

mod vectors;

use super::*;
use codec::{Decode, Encode};
use offstage_balances::Balances;
use offstage_primitives::{BlockHash, receipt::Outcome};
use offstage_sdk::{
    StateTransition,
    testing::{TestAccount, TestWorker, frame::operation},
};
use serde_json::json;
use subxt::config::DefaultExtrinsicParamsBuilder as Parameters;

type Shard = TestWorker<Balances>;

/// A shard in which Alice has so much, some blocks old, and the client's view of it.
fn shard(amount: u128) -> (Shard, ShardRuntime) {
    let mut worker = Shard::production();
    worker.shield(&TestAccount::alice(), amount);
    worker.run_to_block(9);
    let runtime = ShardRuntime::new(&Balances::newest_metadata(), &worker.domain()).unwrap();
    (worker, runtime)
}

fn alice() -> Account {
    Account::from_secret("//Alice").ok().unwrap()
}

fn newest(worker: &Shard) -> BlockId {
    BlockId { number: worker.block.number, hash: worker.block.hash }
}

fn texts(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_composed_from_the_metadata_is_executed() {
    let (mut worker, runtime) = shard(1_000);
    for (nonce, arguments) in
        [["dest=//Bob", "value=25"], ["value=2_5", "dest=//Bob"], ["//Bob", "25"]].iter().enumerate()
    {
        let call = runtime.call("Balances.transfer_allow_death", &texts(arguments)).unwrap();
        let extrinsic = runtime.sign(&call, nonce as u32, &alice(), newest(&worker)).unwrap();
        let done = worker.run_alone(operation(extrinsic));
        assert_eq!(done.outcome, Outcome::Executed, "{arguments:?}: {:?}", done.refusal());
    }
    let bob = TestAccount::bob();
    let item = runtime.item("System.Account", &texts(&["//Bob"])).unwrap();
    assert_eq!(item.accounts, ["//Bob"]);
    let answer = worker.ask(item.question.clone(), Some(&bob)).unwrap();
    let Shown(account) = runtime.show(&item, &answer).unwrap();
    assert_eq!(account["data"]["free"], json!(75));
    assert!(worker.ask(item.question, None).is_none());
}

/// An extrinsic is good for the shard that its worker serves, and as long as it says.
#[test]
fn what_is_signed_for_one_shard_is_good_there_for_a_while() {
    let (mut worker, runtime) = shard(1_000);
    let call = runtime.call("Balances.transfer_allow_death", &texts(&["//Bob", "25"])).unwrap();
    let domain = Domain { shard: [9; 32].into(), ..worker.domain() };
    let elsewhere = ShardRuntime::new(&Balances::newest_metadata(), &domain).unwrap();
    let at = newest(&worker);
    let foreign = elsewhere.sign(&call, 0, &alice(), at).unwrap();
    assert_eq!(worker.run_alone(operation(foreign)).outcome, Outcome::Unauthorised);
    let other_fork = BlockId { hash: BlockHash::repeat_byte(7), ..at };
    let forked = runtime.sign(&call, 0, &alice(), other_fork).unwrap();
    assert_eq!(worker.run_alone(operation(forked)).outcome, Outcome::Unauthorised);
    let signed = runtime.sign(&call, 0, &alice(), at).unwrap();
    let mut late = worker.restarted();
    late.run_to_block(at.number + 2 * EXTRINSIC_LIFETIME as u32);
    assert!(!late.run_alone(operation(signed.clone())).outcome.is_success());
    worker.run_to_block(at.number + EXTRINSIC_LIFETIME as u32 - 2);
    assert_eq!(worker.run_alone(operation(signed)).outcome, Outcome::Executed);
}

/// Accounts are typed as such inside of lists, too, and words of a choice by themselves.
#[test]
fn lists_of_accounts_and_words_are_typed_as_people_write_them() {
    let (_, runtime) = shard(1_000);
    let bob = crate::account::ss58(&TestAccount::bob().id());
    let bytes = |arguments: &[&str], name: &str| {
        let call = runtime.call(name, &texts(arguments));
        call.map(|call| call.call_data().to_string())
    };
    let list = bytes(&[&format!("who=(//Alice, {bob})")], "Balances.upgrade_accounts").unwrap();
    for account in [TestAccount::alice(), TestAccount::bob()] {
        let id: [u8; 32] = account.id().into();
        let id = id.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        assert!(list.contains(&id), "{list}");
    }
    assert!(bytes(&["who=(//Alice, nobody)"], "Balances.upgrade_accounts").is_err());
    let adjust = "Balances.force_adjust_total_issuance";
    assert!(bytes(&["direction=Increase", "delta=1"], adjust).unwrap().contains("Increase"));
    assert!(bytes(&["direction=Sideways", "delta=1"], adjust).is_err());
}

/// Which prefix: that of the parentchain, where the same accounts are.
#[test]
fn accounts_are_shown_as_on_their_chain() {
    let (mut worker, runtime) = shard(1_000);
    let call = runtime.call("Balances.transfer_allow_death", &texts(&["//Bob", "25"])).unwrap();
    let extrinsic = runtime.sign(&call, 0, &alice(), newest(&worker)).unwrap();
    let done = worker.run_alone(operation(extrinsic));
    let address = |prefix| offstage_primitives::ss58::ss58(&TestAccount::bob().id(), prefix);
    let runtime = runtime.with_ss58_prefix(13);
    let shown = runtime.show_result(&done.report.to_result()).unwrap();
    let text = shown.json().to_string();
    assert!(text.contains(&address(13)) && !text.contains(&address(42)), "{text}");
}

/// Without any code of ours: subxt, given the metadata, the versions and the shard's genesis hash, makes extrinsics of
/// both formats.
#[test]
fn what_subxt_makes_is_executed() {
    let (mut worker, runtime) = shard(1_000);
    let config = SubstrateConfigBuilder::new()
        .set_genesis_hash(runtime.genesis_hash.0.into())
        .set_metadata_for_spec_versions([(
            1,
            Metadata::decode_from(&Balances::newest_metadata()).unwrap().arc(),
        )])
        .set_spec_version_for_block_ranges([SpecVersionForRange {
            block_range: 0..u64::MAX,
            spec_version: 1,
            transaction_version: 1,
        }])
        .build();
    let client = OfflineClient::new_with_config(config);
    let block = client.at_block(1u32).unwrap();
    let dest = subxt::dynamic::Value::unnamed_variant(
        "Id",
        [subxt::dynamic::Value::from_bytes(<[u8; 32]>::from(TestAccount::bob().id()))],
    );
    let value = subxt::dynamic::Value::u128(25);
    let call =
        dynamic("Balances", "transfer_allow_death", Composite::named([("dest", dest), ("value", value)]));
    let parameters = |nonce| Parameters::<SubstrateConfig>::new().immortal().nonce(nonce).build();
    let transactions = block.transactions();
    let mut signable = transactions.create_v4_signable_offline(&call, parameters(0)).unwrap();
    let signature = alice().sign_for_subxt(&signable.signer_payload().unwrap());
    let signed = signable
        .sign_with_account_and_signature(&utils::AccountId32(alice().id().into()), &signature)
        .unwrap();
    assert_eq!(worker.run_alone(operation(signed.into_encoded())).outcome, Outcome::Executed);
    let mut signable = transactions.create_v5_signable_offline(&call, parameters(1)).unwrap();
    let signature = alice().sign_for_subxt(&signable.signer_payload().unwrap());
    let signed = signable
        .sign_with_account_and_signature(&utils::AccountId32(alice().id().into()), &signature)
        .unwrap();
    // Format 5, general, with version 1 of the extensions.
    let encoded = signed.into_encoded();
    assert_eq!(codec::Compact::<u32>::decode(&mut &encoded[..]).unwrap().0 as usize, encoded.len() - 2);
    assert_eq!(encoded[2..4], [0x45, 1]);
    assert_eq!(worker.run_alone(operation(encoded)).outcome, Outcome::Executed);
    assert_eq!(worker.nonce(&TestAccount::alice()), 2);
}

/// What `subxt`'s macro makes of the metadata that `trusted metadata --scale` saves.
#[subxt::subxt(runtime_metadata_path = "src/shard_runtime/tests/balances.scale")]
mod generated {}

/// The saved metadata is that of the template: `UPDATE=1` writes it.
#[test]
fn the_saved_metadata_is_the_templates() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shard_runtime/tests/balances.scale");
    let metadata = Balances::newest_metadata();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &metadata).unwrap();
    }
    assert!(std::fs::read(path).unwrap() == metadata, "write it anew with UPDATE=1");
}

/// Calls of static types are signed, executed, and their results decoded into static types again.
#[test]
fn static_code_of_subxt_calls_and_reads_results() {
    let (mut worker, runtime) = shard(1_000);
    let bob = utils::MultiAddress::Id(utils::AccountId32(TestAccount::bob().id().into()));
    let call = generated::tx().balances().transfer_allow_death(bob, 25);
    let extrinsic = runtime.sign(&call, 0, &alice(), newest(&worker)).unwrap();
    let done = worker.run_alone(operation(extrinsic));
    assert_eq!(done.outcome, Outcome::Executed, "{:?}", done.refusal());
    let events: Vec<generated::Event> = runtime.events_as(&done.report.to_result()).unwrap();
    assert!(events.into_iter().any(|event| matches!(
        event,
        generated::Event::Balances(generated::balances::Event::Transfer { amount: 25, .. })
    )));
}

/// C28: what the sender is told, in words; and in bytes that are no result, an error.
#[test]
fn a_result_is_shown_in_the_words_of_the_runtime() {
    let (mut worker, runtime) = shard(1_000);
    let mut run = |nonce, value: &str| {
        let arguments = texts(&["//Bob", value]);
        let call = runtime.call("Balances.transfer_allow_death", &arguments).unwrap();
        let extrinsic = runtime.sign(&call, nonce, &alice(), newest(&worker)).unwrap();
        runtime.show_result(&worker.run_alone(operation(extrinsic)).report.to_result()).unwrap()
    };
    let done = run(0, "25");
    assert_eq!((done.refusal.as_deref(), done.error.as_ref(), done.omitted_events), (None, None, 0));
    let (_, Shown(transfer)) = done.events.iter().find(|(name, _)| name == "Balances.Transfer").unwrap();
    assert_eq!(transfer["amount"], json!(25));
    assert_eq!(done.json()["events"].as_array().unwrap().len(), done.events.len());
    let refused = run(1, "1_000_000");
    assert_eq!(refused.refusal.as_deref(), Some("Arithmetic.Underflow"));
    assert_eq!(refused.error, Some(Shown(json!({ "Arithmetic": "Underflow" }))));
    assert!(refused.events.iter().all(|(name, _)| name == "System.ExtrinsicFailed"));
    assert!(refused.weight.0 > 0);
    let other =
        offstage_primitives::result::OperationResult { events: vec![vec![0xff; 3]], ..Default::default() };
    assert!(matches!(runtime.show_result(&other), Err(RuntimeError::Answer)));
}

#[test]
fn a_mistake_is_answered_with_what_was_expected() {
    let (_, runtime) = shard(0);
    let wrong = |name: &str, arguments: &[&str]| {
        runtime.call(name, &texts(arguments)).err().expect("it is wrong").to_string()
    };
    const SIGNATURE: &str = "expected: Balances.transfer_allow_death dest=account value=u128";
    for (arguments, reason) in [
        (&["//Bob"][..], "1 arguments where 2 belong"),
        (&["dest=//Bob"], "value is missing"),
        (&["dest=//Bob", "value=1", "value=2"], "value is given twice"),
        (&["dest=//Bob", "value=1", "tip=2"], "\"tip=2\" is no argument of it"),
        (&["dest=//Bob", "value=many"], "value: "),
        (&["dest=//Bob", "value=-1"], "value: \"-1\" is not of the type u128"),
        (&["dest=nobody", "value=1"], "dest: "),
    ] {
        let text = wrong("Balances.transfer_allow_death", arguments);
        assert!(text.starts_with(reason) && text.ends_with(SIGNATURE), "{text}");
    }
    assert!(
        wrong("Balances.steal", &[])
            .starts_with("the pallet Balances has no call steal; it has transfer_allow_death,")
    );
    assert_eq!(
        wrong("Assets.mint", &[]),
        "the shard's runtime has no pallet Assets; it has System, Timestamp, Balances, Parentchain"
    );
    assert!(wrong("transfer", &[]).contains("write Pallet.name"));
    let item = |name, keys: &[&str]| runtime.item(name, &texts(keys)).err().expect("it is wrong").to_string();
    assert_eq!(
        item("System.Account", &[]),
        "0 arguments where 1 belong; expected: System.Account account -> AccountInfo"
    );
    assert!(item("System.Accounts", &[]).contains("has no storage item Accounts"));
    assert!(runtime.view("Balances.highest", &[]).err().unwrap().to_string().ends_with("it has none"));
    assert!(ShardRuntime::new(b"meta", &shard(0).0.domain()).is_err());
}

#[test]
fn constants_and_signatures_are_listed() {
    let (_, runtime) = shard(0);
    let constants = runtime.constants(Some("Balances")).unwrap();
    assert!(constants.contains(&("Balances.ExistentialDeposit".into(), Shown(json!(1)))), "{constants:?}");
    assert!(runtime.constants(None).unwrap().len() > constants.len());
    assert!(runtime.constants(Some("Nobody")).is_err());
    let described = runtime.describe(Some("Parentchain")).unwrap();
    let signatures: Vec<_> = described.iter().map(|item| (item.kind, item.signature.as_str())).collect();
    assert_eq!(signatures, [("call", "Parentchain.unshield beneficiary=account amount=u128")]);
    assert!(described[0].about.starts_with("Takes `amount` from the sender"));
}

#[test]
fn values_are_shown_as_people_and_programs_read_them() {
    let (_, runtime) = shard(0);
    let types = runtime.metadata().types();
    // The type itself, and not a wrapper or a compact form that people write the same way.
    let is_plain = |ty: &scale_info::Type<_>| {
        use scale_info::TypeDef::{Array, Primitive, Sequence};
        matches!(ty.type_def, Array(_) | Primitive(_) | Sequence(_))
            || ty.path.segments.last().is_some_and(|name: &String| name == "AccountId32")
    };
    let shown = |signature: &str, bytes: Vec<u8>| {
        let mut found = types.types.iter().filter(|found| is_plain(&found.ty));
        let id = found.find(|found| signature::type_name(types, found.id) == signature).unwrap().id;
        runtime.decode(id, &bytes).unwrap().0
    };
    assert_eq!(shown("u128", u128::MAX.encode()), json!(u128::MAX.to_string()));
    assert_eq!(shown("u128", 5u128.encode()), json!(5));
    assert_eq!(shown("bool", true.encode()), json!(true));
    assert_eq!(shown("[u8; 32]", [7u8; 32].encode()), json!(format!("0x{}", "07".repeat(32))));
    assert_eq!(shown("[u8]", Vec::<u8>::new().encode()), json!("0x"));
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    assert_eq!(shown("account", TestAccount::alice().id().encode()), json!(alice));
    assert!(runtime.decode(0, &[1; 3]).is_err());
    assert_eq!((render(&Shown(json!("a b"))), render(&Shown(json!(5)))), ("a b".into(), "5".into()));
}
