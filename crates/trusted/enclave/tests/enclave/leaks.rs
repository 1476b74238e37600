// SPDX-License-Identifier: Apache-2.0
//! Row H13: a marker is planted in everything that is confidential, and searched in everything that leaves the enclave.

use crate::kit::{Host, UNIT, World, bundle, import, signed, unshield};
use codec::Encode;
use offstage_balances_interface::{Getter, TrustedCall, TrustedGetter, TrustedGetterSigned};
use offstage_primitives::AccountId32;
use offstage_protocol::{HostRequest, Untrusted};
use offstage_sdk::testing::TestAccount;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Looks for secrets in the forms in which they could come out: bytes, hexadecimal, decimal, a list of numbers.
struct Search(Vec<(&'static str, Vec<u8>)>);

impl Search {
    fn bytes(&mut self, name: &'static str, secret: &[u8]) {
        // Of long ones parts, because something may begin in the middle.
        for part in secret.chunks(16).filter(|part| part.len() == 16 || secret.len() < 16) {
            self.0.push((name, part.to_vec()));
            self.0.push((name, hex::encode(part).into_bytes()));
            self.0.push((name, hex::encode_upper(part).into_bytes()));
            self.0.push((name, format!("{part:?}").trim_matches(['[', ']']).as_bytes().to_vec()));
        }
    }

    fn text(&mut self, name: &'static str, secret: &str) {
        self.0.push((name, secret.as_bytes().to_vec()));
    }

    fn nothing_in(&self, place: &str, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "nothing was recorded of {place}");
        for (name, secret) in &self.0 {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name} in {place}");
        }
    }
}

#[test]
fn h13_nothing_confidential_leaves_the_enclave() {
    let log = Log::default();
    // As `run` does it, which writes our own events only, because libraries log what they handle; but at the most
    // talkative level.
    let format = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    let own = Targets::new().with_target("offstage", tracing::Level::TRACE);
    tracing_subscriber::registry().with(format).with(own).init();
    tracing::trace!(target: "offstage_enclave", "the log is on");
    let panics = Log::default();
    let mut heard = panics.clone();
    let _ = write!(heard, "panics:");
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let _ = write!(heard.clone(), "{info}");
        default(info);
    }));

    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let (alice, bob) =
        (TestAccount::named("Marker of the sender"), TestAccount::named("Marker of the payee"));
    let amount = 31_415_926_535_897_932_384u128;
    let (key, shard) = (host.key(), world.shard);
    let payee = AccountId32::new([0xd7; 32]);
    let operations = [
        // Good, refused for lack of funds, with a wrong nonce, of a kind that is not accepted, badly signed.
        signed(&alice, TrustedCall::BalanceTransfer(alice.id(), bob.id(), amount), 0),
        signed(&alice, TrustedCall::BalanceTransfer(alice.id(), bob.id(), amount * 1_000), 1),
        signed(&alice, TrustedCall::BalanceTransfer(alice.id(), bob.id(), amount), 9),
        signed(&alice, TrustedCall::BalanceSetBalance(alice.id(), bob.id(), amount, amount), 2),
        signed(&bob, TrustedCall::BalanceTransfer(alice.id(), bob.id(), amount), 3),
        unshield(&alice, &payee, UNIT, 3),
    ];
    host.run(&mut world, |content| content.shield(shard, key.account(&alice), 10 * amount));
    let number = host.run(&mut world, |mut content| {
        for operation in &operations {
            content = content.invoke(shard, key.operation(operation));
            // The same, cut short and with more behind it.
            content = content.invoke(shard, key.encrypt(&operation.encode()[..90]));
            content = content.invoke(shard, key.encrypt(&[operation.encode(), vec![1]].concat()));
        }
        content
    });
    assert_eq!(host.balance(&bob), amount);

    // Errors of every kind: of blocks, proofs, justifications, starts, peers, getters.
    let keys = host.status().watched_keys;
    host.refused(import(bundle(&world, number, &keys)));
    host.refused(HostRequest::ImportJustification(Untrusted::new(vec![7; 50])));
    host.refused(HostRequest::ImportHeaders(vec![Untrusted::new(vec![1])]));
    host.refused(HostRequest::RequestShieldingKey(Untrusted::new("wss://127.0.0.1:1".into())));
    let getter = TrustedGetter::FreeBalance(alice.id());
    let badly_signed = Getter::Trusted(TrustedGetterSigned { signature: bob.sign(b"x"), getter });
    assert_eq!(host.view().execute_getter(&badly_signed.encode()).unwrap().value, None);
    // A peer gets the key, a client connects and talks nonsense.
    let mut other = Host::joining(&mut world, &mut host);
    other.submit(&mut world);
    let mut stream = std::net::TcpStream::connect(&host.started.trusted_address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    host.settle(&mut world);
    assert!(other.follow(&world).position.number > number);
    // The store is damaged under the enclave's feet, which says so.
    let dir = crate::kit::copy_of(host.dir.path());
    let store = dir.path().join(offstage_enclave::enclave::STORE_FILE);
    let mut bytes = std::fs::read(&store).unwrap();
    for byte in bytes.iter_mut().skip(4096).step_by(900) {
        *byte ^= 0x55;
    }
    std::fs::write(&store, bytes).unwrap();
    let error = Host::on(&world, dir).err().unwrap();
    let mut host = host.restart(&world);
    host.serve(&mut world);

    let mut search = Search(Vec::new());
    search.bytes("the sender's account", alice.id().as_ref());
    search.bytes("the payee's account", bob.id().as_ref());
    search.bytes("the amount", &amount.encode());
    search.text("the amount", &amount.to_string());
    let secret =
        host.view().picture_for_verified_peer().unwrap().shielding_key.clone().unwrap().to_sealable();
    assert!(secret.len() > 1_000);
    // In its encoding the private key begins with what is public: version and modulus. The secret is behind that.
    let modulus = host.view().shielding_public_key().unwrap().value.modulus.to_vec();
    let place = secret.windows(64).position(|window| window == &modulus[modulus.len() - 64..]).unwrap();
    search.bytes("the shielding key", &secret[place + 64 + 8..]);
    for operation in &operations[..5] {
        search.bytes("an operation", &operation.encode()[..]);
    }
    // State roots would let the chain guess small states.
    search.bytes("the state root", host.state_root().as_bytes());
    search.bytes("another state root", other.state_root().as_bytes());
    let frames = [&host.sent[..], &other.sent].concat();
    search.nothing_in("frames", &frames);
    search.nothing_in("errors", error.as_bytes());
    search.nothing_in("the log", &log.0.lock().unwrap());
    search.nothing_in("panics", &panics.0.lock().unwrap());
    for host in [&host, &other] {
        for entry in std::fs::read_dir(host.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            search.nothing_in("files", &std::fs::read(path).unwrap());
        }
    }
    // The search itself finds what is there.
    let planted = [b"before".to_vec(), hex::encode(alice.id()).into_bytes()].concat();
    assert!(std::panic::catch_unwind(|| search.nothing_in("a plant", &planted)).is_err());
    // What is published of an operation is its hash, in a receipt that only a client who knows the hash asks for.
    assert!(!frames.windows(32).any(|window| window == operations[0].hash().as_bytes()));
}
