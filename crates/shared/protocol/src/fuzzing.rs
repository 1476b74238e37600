// SPDX-License-Identifier: Apache-2.0
//! Entry points for the fuzz targets in `fuzz/`: each takes any bytes and asserts what must hold of them.
//!
//! Not part of a production build.

use crate::{
    EnclaveResponse, HostRequest,
    framing::{read_frame, write_frame},
};
use codec::{Decode, Encode};
use offstage_primitives::{BlockHash, Measurement};

/// A frame's payload: what decodes is written as the same bytes again, and with a byte more it is refused.
pub fn frame(payload: &[u8]) {
    check_payload::<HostRequest>(payload);
    check_payload::<EnclaveResponse>(payload);
}

/// What an endless stream may bring: it is read frame by frame until it ends or is refused.
pub fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let before = rest.len();
        match read_frame::<HostRequest>(&mut rest) {
            Ok(Some(_)) => assert!(rest.len() < before, "a frame takes bytes"),
            Ok(None) => break assert!(rest.is_empty(), "a stream ends behind its last byte"),
            Err(_) => break,
        }
    }
}

fn check_payload<T: Encode + Decode>(payload: &[u8]) {
    let framed = |payload: &[u8]| [&(payload.len() as u32).to_le_bytes()[..], payload].concat();
    let frame = framed(payload);
    let Ok(message) = read_frame::<T>(&mut &frame[..]) else { return };
    let message = message.expect("the stream is not empty");
    let mut again = Vec::new();
    write_frame(&mut again, &message).expect("it was read, so it can be written");
    assert_eq!(again, frame);
    assert!(read_frame::<T>(&mut &framed(&[payload, &[0]].concat())[..]).is_err());
}

#[cfg(test)]
#[path = "../../../../fuzz/src/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::{corpus::Target, *};
    use crate::*;
    use offstage_primitives::{H256, ShardIdentifier};

    const TARGETS: &[Target] = &[("frame", frame), ("stream", stream)];

    #[test]
    fn seeds_hold_what_the_targets_assert() {
        corpus::replay(TARGETS);
    }

    #[test]
    #[ignore = "rewrites fuzz/corpus"]
    fn write_seeds() {
        let requests = [
            ("start", HostRequest::Start(Box::new(start()))),
            ("headers", HostRequest::ImportHeaders(vec![bytes(100), bytes(3)])),
            ("justification", HostRequest::ImportJustification(bytes(200))),
            (
                "block",
                HostRequest::ImportBlock(Box::new(BlockBundle {
                    header: bytes(90),
                    body: Untrusted::new(vec![vec![1; 10], vec![2; 300]]),
                    state_proof: Untrusted::new(vec![vec![3; 40]; 3]),
                })),
            ),
            ("code", HostRequest::ImportRuntimeCode(bytes(64))),
            ("key", HostRequest::RequestShieldingKey(Untrusted::new("wss://127.0.0.1:3443".into()))),
            ("collect", HostRequest::Collect),
            ("status", HostRequest::Status),
            ("head", HostRequest::AtFinalizedHead(Untrusted::new(BlockHash::repeat_byte(7)))),
            ("shutdown", HostRequest::Shutdown),
            ("identify", HostRequest::Identify),
            ("banned", HostRequest::NoteBanned(Untrusted::new(H256::repeat_byte(9)))),
        ];
        let responses = [
            (
                "started",
                EnclaveResponse::Started(Box::new(Started {
                    signer: [1; 32].into(),
                    measurement: Measurement([2; 32]),
                    shard: ShardIdentifier::from([3; 32]),
                    genesis_hash: BlockHash::repeat_byte(4),
                    trusted_address: "127.0.0.1:2000".into(),
                    mutual_attestation_address: "127.0.0.1:3443".into(),
                    status: status(),
                })),
            ),
            ("done", EnclaveResponse::Done(Box::new(status()))),
            (
                "collected",
                EnclaveResponse::Collected {
                    extrinsics: vec![OutboxExtrinsic {
                        id: 9,
                        kind: OutboxKind::Confirmation,
                        extrinsic: vec![5; 150],
                    }],
                    status: Box::new(status()),
                },
            ),
            (
                "identified",
                EnclaveResponse::Identified(Box::new(Identity {
                    bound: None,
                    signer: [1; 32].into(),
                    measurement: Measurement([2; 32]),
                    shielding_key: Some("{}".into()),
                })),
            ),
            ("refused", EnclaveResponse::Refused(Refusal { code: RefusalCode::Block, message: "no".into() })),
        ];
        let stream = requests.iter().flat_map(|(_, request)| {
            let mut frame = Vec::new();
            write_frame(&mut frame, request).unwrap();
            frame
        });
        corpus::write("stream", [("requests", stream.collect())]);
        let requests = requests.iter().map(|(name, request)| (*name, request.encode()));
        let responses = responses.iter().map(|(name, response)| (*name, response.encode()));
        corpus::write("frame", requests.chain(responses));
    }

    fn start() -> Start {
        Start {
            genesis_header: bytes(100),
            genesis_proof: Untrusted::new(vec![vec![1; 33]; 2]),
            runtime_code: bytes(50),
            token_decimals: 12,
            token_symbol: Untrusted::new("UNIT".into()),
            shard: Some(ShardIdentifier::from([3; 32])),
            trusted_listen: "127.0.0.1:0".into(),
            mutual_attestation_listen: "127.0.0.1:0".into(),
            trusted_external: "wss://127.0.0.1:2000".into(),
            mutual_attestation_external: "wss://127.0.0.1:3443".into(),
            untrusted_external: "ws://127.0.0.1:2001".into(),
            heartbeat: 10,
            leave: Some(Leave { even_as_last: true }),
        }
    }

    fn status() -> Status {
        let reference = |number| BlockReference { number, hash: BlockHash::repeat_byte(number as u8) };
        Status {
            phase: Phase::Serving,
            position: reference(5),
            finalized: reference(6),
            tip: reference(7),
            watched_keys: vec![vec![1; 32], vec![2; 48]],
            wanted_code: Some(H256::repeat_byte(8)),
            wanted_headers: Some((6, 7)),
            outbox_len: 1,
            operations: 2,
            notice: Some("notice".into()),
            parked: vec![Parked { kind: OutboxKind::Unshield, reason: ParkedReason::ShardFunds, count: 1 }],
            funds: Some(Funds {
                balance: 3,
                deposit: 1,
                fees_paid: 4,
                fees_per_day: Some(2),
                days_left: Some(1),
                needed: Some(5),
                token_decimals: 12,
                token_symbol: "UNIT".into(),
            }),
            outbox_since: Some(4),
            registration_left_secs: Some(6),
            peers: 2,
            departure: Some(Departure::Removing),
        }
    }

    fn bytes(len: usize) -> Untrusted<Vec<u8>> {
        Untrusted::new(vec![7; len])
    }
}
