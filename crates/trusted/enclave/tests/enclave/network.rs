// SPDX-License-Identifier: Apache-2.0
//! A flood from the network while blocks come: row C10. Its parts, with TLS and JSON, are in the crate's
//! `rpc/tests.rs`.

use crate::kit::{UNIT, funded, transfer};
use offstage_sdk::testing::TestAccount;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// A thousand connections that say nothing, nonsense, or half a handshake, at both listeners: blocks go on.
#[test]
fn c10_a_flood_of_connections_does_not_stop_the_blocks() {
    let (mut world, mut host, alice) = funded();
    let (bob, key, shard) = (TestAccount::bob(), host.key(), world.shard);
    let addresses = [host.started.trusted_address.clone(), host.started.mutual_attestation_address.clone()];
    let mut open = Vec::new();
    for index in 0..1_000usize {
        // What is over the limit is closed by the other side; that is no error here.
        let Ok(mut stream) = TcpStream::connect(&addresses[index % 2]) else { continue };
        let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        let _ = match index % 3 {
            0 => Ok(()),
            1 => stream.write_all(&[0x55; 2_000]),
            _ => stream.write_all(&hello),
        };
        open.push(stream);
    }
    for nonce in 0..5 {
        let call = transfer(&alice, &bob, UNIT, nonce);
        host.run(&mut world, |content| content.invoke(shard, key.operation(&call)));
        assert_eq!(host.balance(&bob), UNIT * u128::from(nonce + 1));
    }
    host.settle(&mut world);
    // Nobody of them got an answer to what was no question.
    for stream in open.iter_mut().step_by(50) {
        stream.set_nonblocking(true).unwrap();
        let mut answer = [0; 16];
        if let Ok(read @ 1..) = stream.read(&mut answer) {
            assert_eq!(answer[0], 0x15, "a TLS alert at most: {:?}", &answer[..read]);
        }
    }
}
