// SPDX-License-Identifier: Apache-2.0
//! The two messages of the protocol, inside TLS.
//!
//! A frame is a length (4 bytes, little endian, at most [`MAX_FRAME_LEN`]), the version, and the body:
//!
//! - ask: `2 ++ shard (32 bytes) ++ digest of the born key (32 bytes) ++ block of the birth ++ newest final block that
//!   the asker has followed`, a block being its number (4 bytes, little endian) and its hash (32 bytes);
//! - answer: `2 ++ 0 ++ PKCS#8 of the key` or `2 ++ 1 ++ code of the refusal`.
//!
//! Written by hand rather than derived, so that the key's bytes are in no buffer that is not overwritten.

use offstage_primitives::{KeyDigest, ShardIdentifier};
use offstage_protocol::BlockReference;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// What the requester wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) shard: ShardIdentifier,
    pub(super) born_key: KeyDigest,
    /// The block in which the shard was born.
    pub(super) birth: BlockReference,
    /// The newest final block that the asker has followed.
    pub(super) newest: BlockReference,
}

/// What the provider gives. No `Debug`: it may hold the key.
pub(super) enum Answer {
    Key(Zeroizing<Vec<u8>>),
    Refused(Refusal),
}

/// Why a verified peer gets no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The provider is not in the phase for it.
    #[error("it does not serve yet; try again later or ask another worker of the shard")]
    NotServing,
    /// It serves another shard.
    #[error("it serves another shard")]
    AnotherShard,
    /// It holds another key than the one asked for.
    #[error("it holds another key")]
    AnotherKey,
    /// The peer, as it is now, is not registered in the verified chain of who judges: not with this start's keys, not
    /// by DCAP, not for this shard, or too long ago.
    #[error(
        "this start is not registered for the shard on the other's chain, or too long ago; both must follow the same \
         chain, and registrations count for 48 hours"
    )]
    NotRegistered,
    /// The block that the asker names is newer than the provider's, or too old to be told.
    #[error("it has not come to the asker's newest block yet, or is far beyond it; try again soon")]
    NotYet,
    /// The blocks that the asker names are not on the provider's chain.
    #[error("it follows another chain; check the nodes of both workers")]
    AnotherChain,
    /// The measurement that the shard allows was announced too short a time ago.
    #[error(
        "the shard's measurement was changed too short a time ago; try again when its notice of 600 blocks is over"
    )]
    Notice,
}

impl Refusal {
    /// All, in the order of their codes.
    const ALL: [Self; 7] = [
        Self::NotServing,
        Self::AnotherShard,
        Self::AnotherKey,
        Self::NotRegistered,
        Self::NotYet,
        Self::AnotherChain,
        Self::Notice,
    ];
}

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The stream failed.
    #[error("the connection failed: {0}")]
    Stream(#[from] io::Error),
    /// The frame is longer than [`MAX_FRAME_LEN`].
    #[error("a message of {0} bytes is longer than {MAX_FRAME_LEN}")]
    TooLong(usize),
    /// Another version.
    #[error("the peer speaks version {0} of the protocol, this worker speaks {VERSION}")]
    UnknownVersion(u8),
    /// Not such a message.
    #[error("the message is malformed")]
    Malformed,
}

pub(super) async fn write_ask(stream: &mut (impl AsyncWrite + Unpin), ask: &Ask) -> Result<(), MessageError> {
    let (birth, newest) = (ask.birth.number.to_le_bytes(), ask.newest.number.to_le_bytes());
    let body: [&[u8]; 6] = [
        ask.shard.as_bytes(),
        ask.born_key.as_bytes(),
        &birth,
        ask.birth.hash.as_bytes(),
        &newest,
        ask.newest.hash.as_bytes(),
    ];
    write(stream, &body).await
}

pub(super) async fn read_ask(stream: &mut (impl AsyncRead + Unpin)) -> Result<Ask, MessageError> {
    let frame = read(stream).await?;
    let mut rest = &frame[..];
    let ask = Ask {
        shard: take::<32>(&mut rest)?.into(),
        born_key: take(&mut rest)?.into(),
        birth: take_block(&mut rest)?,
        newest: take_block(&mut rest)?,
    };
    if rest.is_empty() { Ok(ask) } else { Err(MessageError::Malformed) }
}

fn take_block(input: &mut &[u8]) -> Result<BlockReference, MessageError> {
    let number = u32::from_le_bytes(take(input)?);
    Ok(BlockReference { number, hash: take(input)?.into() })
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], MessageError> {
    let (taken, rest) = input.split_first_chunk::<N>().ok_or(MessageError::Malformed)?;
    *input = rest;
    Ok(*taken)
}

pub(super) async fn write_answer(
    stream: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
) -> Result<(), MessageError> {
    match answer {
        Answer::Key(key) => write(stream, &[&[KEY], key]).await,
        Answer::Refused(refusal) => write(stream, &[&[REFUSED], &[code(*refusal)]]).await,
    }
}

pub(super) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer, MessageError> {
    let frame = read(stream).await?;
    match frame.split_first() {
        Some((&KEY, key)) => Ok(Answer::Key(Zeroizing::new(key.to_vec()))),
        Some((&REFUSED, [code])) => {
            let refusal = Refusal::ALL.into_iter().find(|refusal| self::code(*refusal) == *code);
            refusal.map(Answer::Refused).ok_or(MessageError::Malformed)
        }
        _ => Err(MessageError::Malformed),
    }
}

fn code(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::NotServing => 0,
        Refusal::AnotherShard => 1,
        Refusal::AnotherKey => 2,
        Refusal::NotRegistered => 3,
        Refusal::NotYet => 4,
        Refusal::AnotherChain => 5,
        Refusal::Notice => 6,
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), body: &[&[u8]]) -> Result<(), MessageError> {
    let len = body.iter().fold(1usize, |len, part| len.saturating_add(part.len()));
    if len > MAX_FRAME_LEN {
        return Err(MessageError::TooLong(len));
    }
    let mut frame = Zeroizing::new(Vec::with_capacity(len.saturating_add(4)));
    frame.extend_from_slice(&u32::try_from(len).map_err(|_| MessageError::TooLong(len))?.to_le_bytes());
    frame.push(VERSION);
    for part in body {
        frame.extend_from_slice(part);
    }
    stream.write_all(&frame).await?;
    Ok(stream.flush().await?)
}

/// The body of the next frame, behind its version.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Zeroizing<Vec<u8>>, MessageError> {
    let len = usize::try_from(stream.read_u32_le().await?).unwrap_or(usize::MAX);
    if len > MAX_FRAME_LEN {
        return Err(MessageError::TooLong(len));
    }
    let version = match len {
        0 => return Err(MessageError::Malformed),
        _ => stream.read_u8().await?,
    };
    if version != VERSION {
        return Err(MessageError::UnknownVersion(version));
    }
    let mut body = Zeroizing::new(vec![0; len.saturating_sub(1)]);
    stream.read_exact(&mut body).await?;
    Ok(body)
}

const VERSION: u8 = 2;
const KEY: u8 = 0;
const REFUSED: u8 = 1;

/// The longest message holds a key of about 1,800 bytes.
pub(super) const MAX_FRAME_LEN: usize = 4 + crate::keys::MAX_SEALABLE_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::BlockHash;
    use proptest::prelude::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn an_ask() -> Ask {
        Ask {
            shard: [1; 32].into(),
            born_key: KeyDigest::repeat_byte(2),
            birth: BlockReference { number: 3, hash: BlockHash::repeat_byte(4) },
            newest: BlockReference { number: 5, hash: BlockHash::repeat_byte(6) },
        }
    }

    #[test]
    fn messages_come_out_as_they_went_in_and_their_bytes_are_pinned() {
        let ask = an_ask();
        let mut bytes = Vec::new();
        block_on(write_ask(&mut bytes, &ask)).unwrap();
        let (birth, newest) = ([3, 0, 0, 0], [5, 0, 0, 0]);
        let parts = [&[137, 0, 0, 0, 2][..], &[1; 32], &[2; 32], &birth, &[4; 32], &newest, &[6; 32]];
        assert_eq!(bytes, parts.concat());
        assert_eq!(block_on(read_ask(&mut &bytes[..])).unwrap(), ask);

        let mut bytes = Vec::new();
        block_on(write_answer(&mut bytes, &Answer::Key(Zeroizing::new(vec![7, 8])))).unwrap();
        assert_eq!(bytes, [4, 0, 0, 0, 2, 0, 7, 8]);
        assert!(matches!(block_on(read_answer(&mut &bytes[..])), Ok(Answer::Key(key)) if *key == [7, 8]));
    }

    #[test]
    fn the_codes_of_refusals_are_pinned() {
        // Without an entry here a new refusal does not compile.
        let pinned = |refusal: Refusal| match refusal {
            Refusal::NotServing => 0,
            Refusal::AnotherShard => 1,
            Refusal::AnotherKey => 2,
            Refusal::NotRegistered => 3,
            Refusal::NotYet => 4,
            Refusal::AnotherChain => 5,
            Refusal::Notice => 6,
        };
        for code in 0..=u8::MAX {
            match block_on(read_answer(&mut &[3, 0, 0, 0, VERSION, REFUSED, code][..])) {
                Ok(Answer::Refused(refusal)) => {
                    assert_eq!(pinned(refusal), code);
                    let mut bytes = Vec::new();
                    block_on(write_answer(&mut bytes, &Answer::Refused(refusal))).unwrap();
                    assert_eq!(bytes, [3, 0, 0, 0, VERSION, REFUSED, code]);
                }
                Ok(Answer::Key(_)) => panic!("a refusal passes for a key"),
                Err(_) => assert!(code > 6, "no refusal has the code {code}"),
            }
        }
    }

    #[test]
    fn a_message_cut_anywhere_or_of_another_form_is_refused() {
        let mut bytes = Vec::new();
        block_on(write_ask(&mut bytes, &an_ask())).unwrap();
        for cut in 0..bytes.len() {
            assert!(block_on(read_ask(&mut &bytes[..cut])).is_err());
        }
        let huge = u32::MAX.to_le_bytes();
        assert!(matches!(block_on(read_ask(&mut &huge[..])), Err(MessageError::TooLong(_))));
        assert!(matches!(block_on(read_ask(&mut &[0; 4][..])), Err(MessageError::Malformed)));
        assert!(matches!(
            block_on(read_ask(&mut &[1, 0, 0, 0, 1][..])),
            Err(MessageError::UnknownVersion(1))
        ));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
            bytes.extend(&body);
            let _ = block_on(read_ask(&mut &bytes[..]));
            let _ = block_on(read_answer(&mut &bytes[..]));
        }
    }
}
