// SPDX-License-Identifier: Apache-2.0
//! Frames and requests that do not fit: row H12. Each refusal leaves the enclave where it was.

use crate::kit::{Host, MEASUREMENT, World, bundle, headers, open, start};
use codec::Encode;
use offstage_enclave::host::converse;
use offstage_primitives::BlockHash;
use offstage_protocol::{
    EnclaveResponse, HostRequest, RefusalCode, Untrusted,
    framing::{MAX_FRAME_LEN, read_frame, write_frame},
};
use std::io::{Cursor, Read};

#[test]
fn h12_the_conversation_survives_requests_that_do_not_fit() {
    let mut world = World::new();
    world.add_empty();
    let dir = tempfile::tempdir().unwrap();
    let mut enclave = open(dir.path()).unwrap();
    let refused = |response| match response {
        EnclaveResponse::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    };
    for early in [HostRequest::Collect, HostRequest::Status, headers(&world, [1]), HostRequest::Shutdown] {
        assert_eq!(refused(enclave.handle(early)), RefusalCode::Conversation);
    }
    let EnclaveResponse::Identified(identity) = enclave.handle(HostRequest::Identify) else { panic!() };
    assert_eq!((identity.measurement, identity.shielding_key), (MEASUREMENT, None));
    // A start that fails may be corrected.
    let mut bad = start(&world);
    bad.genesis_header = Untrusted::new(vec![1; 5]);
    assert_eq!(refused(enclave.handle(HostRequest::Start(Box::new(bad)))), RefusalCode::Block);
    let mut bad = start(&world);
    bad.trusted_listen = "256.0.0.1:1".into();
    assert_eq!(refused(enclave.handle(HostRequest::Start(Box::new(bad)))), RefusalCode::Platform);
    let mut bad = start(&world);
    bad.trusted_external = "w".repeat(257);
    assert_eq!(refused(enclave.handle(HostRequest::Start(Box::new(bad)))), RefusalCode::Conversation);
    assert!(matches!(
        enclave.handle(HostRequest::Start(Box::new(start(&world)))),
        EnclaveResponse::Started(_)
    ));
    let second = HostRequest::Start(Box::new(start(&world)));
    assert_eq!(refused(enclave.handle(second)), RefusalCode::Conversation);
    let url = HostRequest::RequestShieldingKey(Untrusted::new("wss://127.0.0.1:1".into()));
    assert_eq!(refused(enclave.handle(url)), RefusalCode::Conversation);
    let many = HostRequest::ImportHeaders(vec![Untrusted::new(Vec::new()); 600]);
    assert_eq!(refused(enclave.handle(many)), RefusalCode::Finality);
    // Of no use, no harm.
    enclave.handle(HostRequest::ImportRuntimeCode(Untrusted::new(vec![1])));
    enclave.handle(HostRequest::AtFinalizedHead(Untrusted::new(BlockHash::repeat_byte(1))));
    assert!(matches!(enclave.handle(HostRequest::Status), EnclaveResponse::Done(_)));
}

#[test]
fn h12_malformed_frames_are_answered_and_broken_ones_end_the_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let mut enclave = open(dir.path()).unwrap();
    let mut input = Vec::new();
    input.extend([3, 0, 0, 0, 0xff, 0xff, 0xff]);
    write_frame(&mut input, &HostRequest::Identify).unwrap();
    write_frame(&mut input, &HostRequest::Shutdown).unwrap();
    let mut output = Vec::new();
    converse(&mut enclave, Cursor::new(input), &mut output).unwrap();
    let mut answers = Cursor::new(output);
    let mut next = || read_frame::<EnclaveResponse>(&mut answers).unwrap();
    assert!(matches!(next(), Some(EnclaveResponse::Refused(_))));
    assert!(matches!(next(), Some(EnclaveResponse::Identified(_))));
    assert!(matches!(next(), Some(EnclaveResponse::Refused(_))));
    assert!(next().is_none());
    for broken in [vec![1, 0], vec![255; 4], vec![9, 0, 0, 0, 1]] {
        assert!(converse(&mut enclave, Cursor::new(broken), &mut Vec::new()).is_err());
    }
    converse(&mut enclave, Cursor::new(Vec::new()), &mut Vec::new()).unwrap();
}

/// A host's stream without an end, of which it counts how much was read.
struct Endless {
    head: Vec<u8>,
    read: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(self.read < 2 * MAX_FRAME_LEN as usize, "the enclave reads without end");
        for byte in buffer.iter_mut() {
            *byte = self.head.get(self.read).copied().unwrap_or(0xff);
            self.read += 1;
        }
        Ok(buffer.len())
    }
}

/// A frame that claims more than the limit is not read at all, and one at the limit no further than it claims.
#[test]
fn h12_huge_and_endless_frames_are_read_no_further_than_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut enclave = open(dir.path()).unwrap();
    let mut huge = Endless { head: (MAX_FRAME_LEN + 1).to_le_bytes().to_vec(), read: 0 };
    assert!(converse(&mut enclave, &mut huge, &mut Vec::new()).is_err());
    assert!(huge.read < 1 << 20, "{}", huge.read);
    // Behind the longest frame come four bytes of 0xff: a length beyond the limit.
    let mut longest = Endless { head: MAX_FRAME_LEN.to_le_bytes().to_vec(), read: 0 };
    let mut output = Vec::new();
    assert!(converse(&mut enclave, &mut longest, &mut output).is_err());
    assert!(longest.read < MAX_FRAME_LEN as usize + (1 << 20), "{}", longest.read);
    assert!(matches!(
        read_frame::<EnclaveResponse>(&mut &output[..]).unwrap(),
        Some(EnclaveResponse::Refused(refusal)) if refusal.code == RefusalCode::Conversation
    ));
    // Vectors that claim more than the frame holds.
    for count in [u32::MAX, 1 << 30, 1 << 20] {
        let payload = [&[1u8][..], &codec::Compact(count).encode()].concat();
        let frame = [&(payload.len() as u32).to_le_bytes()[..], &payload].concat();
        let mut output = Vec::new();
        converse(&mut enclave, &frame[..], &mut output).unwrap();
        assert!(matches!(read_frame(&mut &output[..]).unwrap(), Some(EnclaveResponse::Refused(_))));
    }
}

/// The host's stream ends at any byte of a block: the enclave is where it was, and the next process takes the block.
#[test]
fn h12_a_stream_cut_at_any_byte_of_a_request_changes_nothing() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let content = world.block().invoke(world.shard, vec![1; 10]);
    let number = world.add(content);
    host.finalize(&world);
    let keys = host.status().watched_keys;
    let mut frame = Vec::new();
    write_frame(&mut frame, &HostRequest::ImportBlock(Box::new(bundle(&world, number, &keys)))).unwrap();
    let before = host.status();
    for cut in (1..64).chain((64..frame.len()).step_by(frame.len() / 100)) {
        let mut output = Vec::new();
        assert!(converse(&mut host.enclave, &frame[..cut], &mut output).is_err(), "{cut}");
        assert!(output.is_empty());
    }
    assert_eq!(host.status(), before);
    let mut host = host.restart(&world);
    host.serve(&mut world);
    assert_eq!(host.status().operations, 1);
}

/// Any single byte of a request changed: the enclave answers, or ends the conversation, and never moves to another
/// state.
#[test]
fn h12_a_changed_byte_of_a_request_never_moves_the_enclave_elsewhere() {
    let mut world = World::new();
    let mut host = Host::serving(&mut world);
    let content = world.block().invoke(world.shard, vec![1; 10]);
    let number = world.add(content);
    host.finalize(&world);
    let keys = host.status().watched_keys;
    let mut frame = Vec::new();
    write_frame(&mut frame, &HostRequest::ImportBlock(Box::new(bundle(&world, number, &keys)))).unwrap();
    let before = (host.status(), host.state_root());
    for at in (4..frame.len()).step_by(frame.len() / 150) {
        let mut changed = frame.clone();
        changed[at] ^= 1;
        let mut output = Vec::new();
        let _ = converse(&mut host.enclave, &changed[..], &mut output);
        assert_eq!((host.status(), host.state_root()), before, "{at}");
    }
    host.settle(&mut world);
    assert_eq!(host.status().operations, 1);
}
