//! RSA key exchange with wrong padding: does the server give away what it found within
//! (Bleichenbacher 1998; Böck, Somorovsky, Young: "Return Of Bleichenbacher's Oracle
//! Threat", 2018)?
//!
//! A server must answer every block alike (RFC 5246 section 7.4.7.1). If it does not, who
//! asks it often enough decrypts recorded sessions. One block a connection is asked; what
//! is compared is the first record of the answer, or how the connection ended.

use waxseal_model::{
    audit::{Robot, RobotAnswer, RobotOracle},
    tls::TlsVersion,
};

use super::{
    Fault, Reply,
    entropy::Entropy,
    exchange::{RsaKey, rsa_body},
    record::{handshake_message, kind, plain},
};
use crate::tls::flight::{ServerFlight, message};

/// What is encrypted to the server's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Block {
    /// `00 02`, padding, `00`, version, 46 bytes: as it should be.
    Valid,
    /// It does not begin with `00 02`.
    WrongStart,
    /// The zero is where it makes the secret too short.
    ZeroMisplaced,
    /// There is no zero after the padding.
    NoZero,
    /// All is right but the version.
    WrongVersion,
}

impl Block {
    /// All kinds, the valid one first.
    pub const ALL: [Self; 5] =
        [Self::Valid, Self::WrongStart, Self::ZeroMisplaced, Self::NoZero, Self::WrongVersion];

    /// In words, for reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::WrongStart => "wrong first bytes",
            Self::ZeroMisplaced => "zero at a wrong place",
            Self::NoZero => "no zero after the padding",
            Self::WrongVersion => "wrong version",
        }
    }
}

/// What follows the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flow {
    /// ChangeCipherSpec and a Finished that nobody can decrypt.
    WithFinished,
    /// No ChangeCipherSpec. Where servers look at the block at once, they answer here. For
    /// those that do not, a Finished in clear follows, which every server refuses: so
    /// nobody has to wait for an answer that is not to come.
    KeyExchangeAlone,
}

/// Where the bytes of a Finished come from that is encrypted with no key at all: blocks of
/// every cipher, and longer than the code of each.
const JUNK: usize = 80;

/// The bytes that answer a server's flight with one kind of block. `offered` is the highest
/// version in our hello.
///
/// # Errors
/// The server's key is not usable.
pub fn attack(
    flight: &ServerFlight,
    offered: TlsVersion,
    block: Block,
    flow: Flow,
    entropy: &mut Entropy,
) -> Result<Vec<u8>, Fault> {
    let key = RsaKey::of(flight)?;
    let padded = padded(block, key.length(), offered, entropy)
        .ok_or_else(|| Fault::Protocol("its RSA key is too short for a premaster secret".into()))?;
    let version = flight.version.code();
    let body = rsa_body(flight.version, &key.encrypt(&padded));
    let mut out = Vec::new();
    if flight.certificate_requested && flight.version > TlsVersion::Ssl3 {
        out.extend(plain(kind::HANDSHAKE, version, &handshake_message(message::CERTIFICATE, &[0, 0, 0])));
    }
    out.extend(plain(kind::HANDSHAKE, version, &handshake_message(message::CLIENT_KEY_EXCHANGE, &body)));
    match flow {
        Flow::WithFinished => {
            out.extend(plain(kind::CHANGE_CIPHER_SPEC, version, &[1]));
            out.extend(plain(kind::HANDSHAKE, version, &entropy.bytes(JUNK)));
        }
        Flow::KeyExchangeAlone => {
            let finished = handshake_message(message::FINISHED, &entropy.bytes(12));
            out.extend(plain(kind::HANDSHAKE, version, &finished));
        }
    }
    Ok(out)
}

/// The block before encryption; none where the key is too short for it.
fn padded(block: Block, length: usize, offered: TlsVersion, entropy: &mut Entropy) -> Option<Vec<u8>> {
    let version = offered.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code().to_be_bytes();
    let padding = length.checked_sub(51).filter(|count| *count >= 8)?;
    let padding = entropy.nonzero(padding);
    let secret = entropy.nonzero(46);
    let (start, zero, version): ([u8; 2], u8, [u8; 2]) = match block {
        Block::Valid => ([0, 2], 0, version),
        Block::WrongStart => ([0x41, 0x17], 0, version),
        // 02 02 was never a version.
        Block::WrongVersion => ([0, 2], 0, [2, 2]),
        Block::ZeroMisplaced | Block::NoZero => ([0, 2], 0x11, [0x11, 0x11]),
    };
    let mut out = [&start[..], &padding, &[zero], &version, &secret].concat();
    if block == Block::ZeroMisplaced
        && let Some(place) = out.len().checked_sub(2).and_then(|place| out.get_mut(place))
    {
        // One byte is left for the secret.
        *place = 0;
    }
    Some(out)
}

/// What a set of answers comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// All kinds of blocks are answered alike.
    Alike,
    /// They are not, and so it was [`REPEATS`] times with each.
    Oracle(RobotOracle),
    /// They differ, and each kind must be asked until it was answered [`REPEATS`] times.
    Unconfirmed,
    /// One kind is answered now so and now so: nothing can be said.
    Inconsistent,
    /// Kinds are missing.
    Incomplete,
    /// No block was answered in time: a server that answers nothing gives nothing away, but
    /// neither is it known to have read anything.
    NoAnswers,
}

/// So often must every kind be answered before a difference counts.
pub const REPEATS: usize = 3;

/// Compares the answers of one flow, in any order, with repeats or without.
pub fn conclude(answers: &[(Block, Reply)]) -> Conclusion {
    let of = |block| answers.iter().filter(move |(b, _)| *b == block).map(|(_, reply)| *reply);
    let mut firsts = Vec::new();
    for block in Block::ALL {
        let mut replies = of(block);
        let Some(first) = replies.next() else { return Conclusion::Incomplete };
        if replies.any(|reply| reply != first) {
            return Conclusion::Inconsistent;
        }
        firsts.push(first);
    }
    let [valid, start, misplaced, no_zero, version] = firsts[..] else { return Conclusion::Incomplete };
    if [start, misplaced, no_zero, version].iter().all(|reply| *reply == valid) {
        return if valid == Reply::Timeout { Conclusion::NoAnswers } else { Conclusion::Alike };
    }
    if Block::ALL.iter().any(|block| of(*block).count() < REPEATS) {
        return Conclusion::Unconfirmed;
    }
    // Who cannot tell the three wrong paddings apart learns only of the rare blocks that are
    // right from first to last.
    let weak = start == misplaced && misplaced == no_zero;
    Conclusion::Oracle(if weak { RobotOracle::Weak } else { RobotOracle::Strong })
}

/// The facts for a report, from the answers of the flow that decided.
pub fn facts(oracle: Option<RobotOracle>, flow: Flow, answers: &[(Block, Reply)]) -> Robot {
    let answer = |block: &Block| {
        let reply = answers.iter().find(|(b, _)| b == block)?.1;
        Some(RobotAnswer { block: block.label().to_owned(), answer: reply.to_string() })
    };
    Robot {
        oracle,
        with_finished: oracle.map(|_| flow == Flow::WithFinished),
        answers: Block::ALL.iter().filter_map(answer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::flight::{KeyExchange, tests::empty_flight};

    const MAC: Reply = Reply::Alert { level: 2, description: 20 };
    const DECRYPT: Reply = Reply::Alert { level: 2, description: 51 };

    fn answers(replies: [Reply; 5], times: usize) -> Vec<(Block, Reply)> {
        (0..times).flat_map(|_| Block::ALL.into_iter().zip(replies)).collect()
    }

    #[test]
    fn equal_answers_need_no_repeat_and_different_ones_do() {
        assert_eq!(conclude(&answers([MAC; 5], 1)), Conclusion::Alike);
        assert_eq!(conclude(&answers([Reply::Closed; 5], 1)), Conclusion::Alike);
        assert_eq!(conclude(&answers([Reply::Timeout; 5], 1)), Conclusion::NoAnswers);
        assert_eq!(conclude(&answers([MAC; 5], 1)[1..]), Conclusion::Incomplete);
        assert_eq!(conclude(&[]), Conclusion::Incomplete);
        let strong = [MAC, DECRYPT, MAC, MAC, MAC];
        assert_eq!(conclude(&answers(strong, 1)), Conclusion::Unconfirmed);
        assert_eq!(conclude(&answers(strong, REPEATS)), Conclusion::Oracle(RobotOracle::Strong));
        let weak = [MAC, DECRYPT, DECRYPT, DECRYPT, MAC];
        assert_eq!(conclude(&answers(weak, REPEATS)), Conclusion::Oracle(RobotOracle::Weak));
        let version = [MAC, MAC, MAC, MAC, DECRYPT];
        assert_eq!(conclude(&answers(version, REPEATS)), Conclusion::Oracle(RobotOracle::Weak));
        let by_silence = [Reply::Timeout, MAC, MAC, MAC, MAC];
        assert_eq!(conclude(&answers(by_silence, REPEATS)), Conclusion::Oracle(RobotOracle::Weak));
        let mut wavering = answers(strong, REPEATS);
        wavering[5].1 = Reply::Reset;
        assert_eq!(conclude(&wavering), Conclusion::Inconsistent);
    }

    #[test]
    fn facts_name_every_block_once() {
        let facts = facts(Some(RobotOracle::Weak), Flow::WithFinished, &answers([MAC; 5], 3));
        assert_eq!(facts.answers.len(), 5);
        assert_eq!((facts.answers[0].block.as_str(), facts.with_finished), ("valid", Some(true)));
        assert_eq!(facts.answers[1].answer, "alert 20 bad_record_mac");
        assert_eq!(super::facts(None, Flow::WithFinished, &[]).with_finished, None);
    }

    #[test]
    fn blocks_are_wrong_in_the_one_way_that_they_say() {
        let mut entropy = Entropy::new([4; 32]);
        let mut make = |block| padded(block, 256, TlsVersion::Tls12, &mut entropy).unwrap();
        let zeros = |block: &[u8]| -> Vec<usize> {
            block.iter().enumerate().skip(1).filter(|(_, b)| **b == 0).map(|(i, _)| i).collect()
        };
        for block in Block::ALL {
            assert_eq!(make(block).len(), 256);
        }
        let valid = make(Block::Valid);
        assert_eq!((&valid[..2], &valid[207..210], zeros(&valid)), (&[0, 2][..], &[0, 3, 3][..], vec![207]));
        let start = make(Block::WrongStart);
        assert_eq!((&start[..2], &start[207..210]), (&[0x41, 0x17][..], &[0, 3, 3][..]));
        assert_eq!(zeros(&make(Block::ZeroMisplaced)), [254]);
        assert_eq!(zeros(&make(Block::NoZero)), [0; 0]);
        let version = make(Block::WrongVersion);
        assert_eq!((&version[..2], &version[207..210]), (&[0, 2][..], &[0, 2, 2][..]));
        assert_eq!(padded(Block::Valid, 58, TlsVersion::Tls12, &mut entropy), None);
    }

    #[test]
    fn both_flows_are_records_of_the_chosen_version() {
        let flight = ServerFlight {
            version: TlsVersion::Tls10,
            suite: 0x002f,
            key_exchange: Some(KeyExchange::Rsa { modulus: vec![0xff; 128], exponent: vec![3] }),
            certificate_requested: true,
            ..empty_flight()
        };
        let mut entropy = Entropy::new([4; 32]);
        let mut kinds = |flow| {
            let bytes = attack(&flight, TlsVersion::Tls12, Block::Valid, flow, &mut entropy).unwrap();
            let mut reader = super::super::record::RecordReader::default();
            reader.push(&bytes);
            let mut found = Vec::new();
            while let Some(record) = reader.next_record().unwrap() {
                assert_eq!(record.version, 0x0301);
                found.push((record.kind, record.payload.len()));
            }
            found
        };
        assert_eq!(kinds(Flow::WithFinished), [(22, 7), (22, 134), (20, 1), (22, 80)]);
        assert_eq!(kinds(Flow::KeyExchangeAlone), [(22, 7), (22, 134), (22, 16)]);
    }

    proptest! {
        #[test]
        fn any_key_is_used_or_refused(
            modulus in prop::collection::vec(any::<u8>(), 0..200),
            exponent in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let key_exchange = Some(KeyExchange::Rsa { modulus, exponent });
            let flight = ServerFlight { suite: 0x0003, key_exchange, ..empty_flight() };
            let mut entropy = Entropy::new([4; 32]);
            let _ = attack(&flight, TlsVersion::Tls12, Block::Valid, Flow::WithFinished, &mut entropy);
        }
    }
}
