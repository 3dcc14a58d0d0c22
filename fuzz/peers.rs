//! The differential oracle: other crates and this one make the same of any stream, but for a list
//! of known differences.
//!
//! tungstenite is what most of Rust runs. sockudo-ws has a protocol without any I/O, bytes in and
//! messages out, and of the crates that have one it judges the most: no difference is known.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use wsvet::{CloseCode, Header, OpCode, Policy, Role, Rule, RuleSet, Validator, mask};

use crate::common;
use crate::verdict::{Hex, LIMIT, PEERS, Peer, REPLACEMENT, Verdict};

/// What a peer does that this crate does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Does {
    /// It goes on behind a frame that breaks the rule.
    LetsPass,
    /// It gives a Close of its own, with 1002, in place of one that breaks the rule.
    Replaces,
    /// It does so in place of one that has this code, which breaks none.
    ReplacesLegal(CloseCode),
}

/// A known difference.
#[derive(PartialEq, Eq, Debug)]
pub struct Known {
    /// The peer.
    pub peer: &'static str,
    /// The rule that the stream breaks, if it breaks one.
    pub rule: Option<Rule>,
    /// What the peer does.
    pub does: Does,
    /// The section that decides.
    pub section: &'static str,
    /// Why it is so.
    pub why: &'static str,
}

/// All of them: every other difference is a failure.
pub const KNOWN: [Known; 4] = [
    Known {
        peer: "tungstenite",
        rule: Some(Rule::NonMinimalLength),
        does: Does::LetsPass,
        section: "5.2",
        why: "it takes a length in any form, where the minimal number of bytes MUST be used",
    },
    Known {
        peer: "tungstenite",
        rule: Some(Rule::OversizedControl),
        does: Does::LetsPass,
        section: "5.5",
        why: "it takes a short length of a control frame in a long form too",
    },
    Known {
        peer: "tungstenite",
        rule: Some(Rule::InvalidCloseCode),
        does: Does::Replaces,
        section: "7.4",
        why: "it answers with 1002 as it must, but gives that as the Close that came, and no error",
    },
    Known {
        peer: "tungstenite",
        rule: None,
        does: Does::ReplacesLegal(CloseCode::BAD_GATEWAY),
        section: "7.4.2",
        why: "it does not know 1014, which IANA registered after the RFC, as it did 1012 and 1013",
    },
];

/// The peers and the crate make the same of any stream; bit 0 of the first byte is the role.
pub fn peers(data: &[u8]) {
    differences(data);
}

/// The differences between the peers and the crate over a stream, all of them known.
pub fn differences(data: &[u8]) -> Vec<&'static Known> {
    let Some((role, stream)) = data.split_first() else { return Vec::new() };
    let role = if role & 1 == 1 { Role::Server } else { Role::Client };
    let policy = Policy::new(role).max_frame(LIMIT as u64).max_message(LIMIT as u64);
    let (stream, broken) = compared(policy, stream);
    let outcome = common::decode(policy, &stream, &[usize::MAX]);
    let rule = outcome.violation.map(|violation| violation.rule);
    assert_eq!(rule, broken.first(), "{}", Hex(&stream));
    let ours = Verdict { messages: outcome.messages, refused: rule.map(Rule::close_code) };
    let differs = |(peer, receive): (&str, Peer)| {
        let theirs = receive(role, &stream);
        if agree(&ours, &theirs, broken) {
            return None;
        }
        let known = KNOWN.iter().find(|known| known.explains(peer, &ours, &theirs, broken));
        assert!(
            known.is_some(),
            "{peer} as {role} differs over {}\nwsvet {ours:?}, for {broken:?}\n{peer} {theirs:?}",
            Hex(&stream)
        );
        known
    };
    PEERS.into_iter().filter_map(differs).collect()
}

/// The part of a stream that is compared, and the rules that its last frame breaks.
///
/// It ends with the first frame that breaks a rule, or with the first Close, because most peers
/// read nothing behind it. All of its frames are whole, because a peer may wait for the end of a
/// frame before it judges it.
fn compared(policy: Policy, stream: &[u8]) -> (Vec<u8>, RuleSet) {
    let mut validator = Validator::new(policy);
    let mut whole = stream.to_vec();
    let mut at = 0;
    while at < whole.len() {
        let (header, end) = complete(&mut whole, at);
        let broken = broken(&mut validator, &header, &whole[at + header.header_len()..end]);
        at = end;
        if !broken.is_empty() || header.opcode() == OpCode::Close {
            whole.truncate(end);
            return (whole, broken);
        }
    }
    (whole, RuleSet::EMPTY)
}

/// The header of the frame at `at` and the frame's end; what is not there of it is made up with
/// zeros. A payload over the limit is left out: nobody waits for it.
fn complete(stream: &mut Vec<u8>, at: usize) -> (Header, usize) {
    let header = loop {
        match Header::decode(&stream[at..]) {
            Ok((header, _)) => break header,
            Err(incomplete) => stream.resize(stream.len() + incomplete.needed(), 0),
        }
    };
    let payload = usize::try_from(header.payload_len()).ok().filter(|len| *len <= LIMIT);
    let end = at + header.header_len() + payload.unwrap_or(0);
    if stream.len() < end {
        stream.resize(end, 0);
    }
    (header, end)
}

/// All rules that a frame breaks: the RFC does not say which of them comes first.
fn broken(validator: &mut Validator, header: &Header, payload: &[u8]) -> RuleSet {
    let mut plain = payload.to_vec();
    if let Some(key) = header.masking_key() {
        mask::apply(key, 0, &mut plain);
    }
    let in_header = validator.broken(header);
    let _ = validator.begin(header);
    validator.resume();
    let in_payload = validator.payload(&plain).err();
    validator.resume();
    let at_end = validator.finish().err();
    validator.resume();
    // The validator leaves the reason alone behind a code that breaks a rule.
    let reason = plain.get(2..).filter(|_| header.opcode() == OpCode::Close);
    let in_reason = reason.is_some_and(|reason| std::str::from_utf8(reason).is_err());
    in_header
        .iter()
        .chain(in_payload.into_iter().chain(at_end).map(|violation| violation.rule))
        .chain(in_reason.then_some(Rule::InvalidCloseReason))
        .collect()
}

/// Whether they are the same, but for which of the rules that a frame breaks is named.
fn agree(ours: &Verdict, theirs: &Verdict, broken: RuleSet) -> bool {
    let refused_alike = match theirs.refused {
        None => broken.is_empty(),
        Some(code) => broken.iter().any(|rule| rule.close_code() == code),
    };
    ours.messages == theirs.messages && refused_alike
}

impl Known {
    /// Whether this is how they differ.
    fn explains(&self, peer: &str, ours: &Verdict, theirs: &Verdict, broken: RuleSet) -> bool {
        let replaced = (OpCode::Close, REPLACEMENT.to_vec());
        let behind = theirs.messages.strip_prefix(&ours.messages[..]);
        (peer, broken.first()) == (self.peer, self.rule)
            && theirs.refused.is_none()
            && match self.does {
                Does::LetsPass => behind.is_some_and(|messages| messages.len() <= 1),
                Does::Replaces => behind == Some(&[replaced]),
                Does::ReplacesLegal(code) => {
                    ours.messages.split_last().is_some_and(|((_, close), before)| {
                        close.starts_with(&code.0.to_be_bytes())
                            && theirs.messages == [before, &[replaced]].concat()
                    })
                }
            }
    }
}
