// SPDX-License-Identifier: Apache-2.0
//! Seeds of the targets.

use super::*;
use corpus::Target;
use offstage_balances_interface::{
    BoundGetterSigned, Getter, PublicGetter, TrustedCall, TrustedGetter, bound_getter_payload,
};
use offstage_envelope::seal;
use offstage_primitives::{
    AccountId32, MultiSignature,
    enclave_bridge::Request,
    trusted::{BoundCallSigned, TrustedCallSigned, bound_call_payload, call_payload},
};
use sp_core::{Pair, ecdsa, ed25519, sr25519};

#[path = "../../../../../fuzz/src/corpus.rs"]
mod corpus;

const TARGETS: &[Target] = &[
    ("envelope", envelope::<TrustedCall, Getter>),
    ("operation", operation::<TrustedCall, Getter>),
    ("json", json),
    ("message", message),
    ("sealed", sealed),
    ("shielding_key", shielding_key),
    ("record", record),
];

#[test]
fn seeds_hold_what_the_targets_assert() {
    corpus::replay(TARGETS);
}

/// Seeds that are refused at the first byte would be worth nothing.
#[test]
fn genuine_operations_are_accepted() {
    for name in ["sr25519", "ed25519", "ecdsa", "bound"] {
        let (_, plaintext) = operations().into_iter().find(|(of, _)| *of == name).unwrap();
        let decoded = decrypt::decode_operation::<TrustedCall>(&plaintext).unwrap();
        assert!(matches!(Operation::authenticate(decoded, &DOMAIN, BLOCK), Operation::Call(_)), "{name}");
    }
}

#[test]
#[ignore = "rewrites fuzz/corpus"]
fn write_seeds() {
    let operations = operations();
    let public = KEY.public();
    let of_openssl = corpus::vector("../../shared/envelope/tests/vectors/openssl_envelope.bin");
    let long = operations.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
    corpus::write(
        "envelope",
        [
            ("openssl", of_openssl),
            ("operation", seal(&public, &operations[0].1).unwrap()),
            ("beneficiary", seal(&public, &[9; 32]).unwrap()),
            ("two-chunks", seal(&public, &long).unwrap()),
        ],
    );
    let sealing = SealingKey::new(&Zeroizing::new([7; 32]));
    corpus::write("sealed", [("record", sealing.seal(SEALED_CONTEXT, SEALED_PLAINTEXT).unwrap())]);
    corpus::write(
        "shielding_key",
        [("private", KEY.to_sealable().to_vec()), ("public", public.to_json().into_bytes())],
    );
    corpus::write("json", requests());
    corpus::write("message", messages());
    corpus::write("record", store::fuzzing::seeds(KEY.to_sealable().to_vec()));
    corpus::write("operation", operations);
}

fn operations() -> Vec<(&'static str, Vec<u8>)> {
    type Operation = TrustedOperation<TrustedCall, Getter>;
    let (sr, ed, ec) = (
        sr25519::Pair::from_seed(&[1; 32]),
        ed25519::Pair::from_seed(&[2; 32]),
        ecdsa::Pair::from_seed(&[3; 32]),
    );
    let account = AccountId32::new(sr.public().0);
    let classic = |call: TrustedCall, sign: &dyn Fn(&[u8]) -> MultiSignature| {
        let payload = call_payload(&call, 7, &DOMAIN.measurement, &DOMAIN.shard);
        TrustedCallSigned { call, nonce: 7, signature: sign(&payload) }
    };
    let bound = |expires| {
        let call = TrustedCall::BalanceUnshield(account.clone(), [8; 32].into(), 15, DOMAIN.shard);
        let signature = sr.sign(&bound_call_payload(&call, 8, expires, &DOMAIN)).into();
        Operation::BoundCall(BoundCallSigned { call, nonce: 8, expires, signature }).encode()
    };
    let transfer = |from: &AccountId32| TrustedCall::BalanceTransfer(from.clone(), [9; 32].into(), 25);
    let of_ed = TrustedCall::Noop(AccountId32::new(ed.public().0));
    let of_ec = transfer(&AccountId32::new(blake2_256(ec.public().as_ref())));
    let wrapped = |bytes: &[u8]| sr.sign(&[b"<Bytes>", bytes, b"</Bytes>"].concat()).into();
    let internal = TrustedCall::BalanceShield(account.clone(), account.clone(), 1);
    vec![
        ("sr25519", Operation::IndirectCall(classic(transfer(&account), &|m| sr.sign(m).into())).encode()),
        ("wrapped", Operation::IndirectCall(classic(transfer(&account), &wrapped)).encode()),
        ("ed25519", Operation::IndirectCall(classic(of_ed, &|m| ed.sign(m).into())).encode()),
        ("ecdsa", Operation::IndirectCall(classic(of_ec, &|m| ec.sign(m).into())).encode()),
        ("internal", Operation::IndirectCall(classic(internal, &|m| sr.sign(m).into())).encode()),
        ("direct", Operation::DirectCall(classic(transfer(&account), &|m| sr.sign(m).into())).encode()),
        ("get", Operation::Get(Getter::Public(PublicGetter::SomeValue)).encode()),
        ("bound", bound(BLOCK)),
        ("expired", bound(BLOCK - 1)),
    ]
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let pair = sr25519::Pair::from_seed(&[1; 32]);
    let getter = TrustedGetter::Nonce(AccountId32::new(pair.public().0));
    let expires = BLOCK + 10;
    let signature = pair.sign(&bound_getter_payload(&getter, expires, &DOMAIN)).into();
    let bound = Getter::Bound(BoundGetterSigned { getter, expires, signature });
    let call = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{params}]}}"#)
    };
    let request = |getter: &Getter| {
        let request = Request { shard: DOMAIN.shard, cyphertext: getter.encode() };
        format!("\"0x{}\"", hex::encode(request.encode()))
    };
    let public = call("state_executeGetter", &request(&Getter::Public(PublicGetter::SomeValue)));
    let bound = call("offstage_executeGetter", &request(&bound));
    let batch = format!("[{public},{},1,{{}}]", call("author_getShard", ""));
    let texts = [
        ("getter", public),
        ("bound-getter", bound),
        ("batch", batch),
        ("receipt", call("offstage_getReceipt", &format!("\"{}\"", "ab".repeat(32)))),
        (
            "named",
            r#"{"jsonrpc":"2.0","id":"x","method":"rpc_methods","params":{"a":[1.5e3,null,true]}}"#.into(),
        ),
        ("notification", r#"{"jsonrpc":"2.0","method":"system_health"}"#.into()),
        ("old", r#"{"jsonrpc":"1.0","id":-1,"method":"\u0041"}"#.into()),
    ];
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let frame = |body: &[u8]| [&(body.len() as u32 + 1).to_le_bytes()[..], &[2], body].concat();
    vec![
        ("ask", frame(&[&[1; 32][..], &[2; 32], &[3, 0, 0, 0], &[4; 32], &[5, 0, 0, 0], &[6; 32]].concat())),
        ("key", frame(&[&[0][..], &KEY.to_sealable()].concat())),
        ("refusal", frame(&[1, 2])),
    ]
}
