//! The budget of many connections: what they hold together, counted by the allocator, and what is given
//! back.
#![cfg(feature = "endpoint")]

mod common;
#[path = "common/counting.rs"]
mod counting;

use bytes::BytesMut;
use counting::memory;
use proptest::prelude::*;
use wsvet::codec::{Budget, Error, Messages};
use wsvet::endpoint::Endpoint;
use wsvet::{CloseCode, Header, Message, OpCode, Policy, Role};

const SERVER: Policy = Policy::new(Role::Server);

/// The number of bytes that a connection may hold without taking of the budget.
const FREE: usize = 16 << 10;

/// The number of bytes of one read.
const READ: usize = 4 << 10;

fn endpoint(policy: Policy, budget: &Budget) -> Endpoint {
    Endpoint::new(policy).with_budget(budget).with_keys(|| [0; 4])
}

/// A frame of this type, sent to an endpoint with this role.
fn frame(to: Role, header: Header, payload: &[u8]) -> Vec<u8> {
    common::frame(to.peer(), header, payload)
}

/// Receives in pieces of one read, as far as the endpoint wants more. Returns the messages and the error.
fn receive(endpoint: &mut Endpoint, bytes: &[u8]) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    for piece in bytes.chunks(READ) {
        endpoint.received().extend_from_slice(piece);
        loop {
            match endpoint.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

/// The start of a message of this kind that an endpoint holds as `len` bytes, and never ends.
type Start = fn(Role, usize) -> Vec<u8>;

fn one_frame(to: Role, len: usize) -> Vec<u8> {
    let whole = frame(to, Header::new(OpCode::Binary, len as u64 + 1), &vec![7; len + 1]);
    whole[..whole.len() - 1].to_vec()
}

fn many_frames(to: Role, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, piece) in vec![7; len].chunks(1000).enumerate() {
        let opcode = if index == 0 { OpCode::Binary } else { OpCode::Continuation };
        bytes.extend(frame(to, Header::new(opcode, piece.len() as u64).not_final(), piece));
    }
    bytes
}

#[cfg(feature = "deflate")]
fn compressed(to: Role, len: usize) -> Vec<u8> {
    let mut deflated = Vec::new();
    wsvet::deflate::Deflater::new(15, false).deflate(&vec![b'7'; len], true, &mut deflated);
    let header = Header::new(OpCode::Text, deflated.len() as u64).with_rsv(4).not_final();
    frame(to, header, &deflated)
}

/// Forty connections begin messages that would need 40 MB, and end none. The memory stays within the
/// budget, those that are left out are told 1013, and short messages still arrive.
fn the_sum_is_limited(start: Start, connections: impl Fn(Policy) -> Endpoint) {
    const LEN: usize = 1 << 20;
    const LIMIT: usize = 8 << 20;
    let budget = Budget::new(LIMIT);
    for role in [Role::Server, Role::Client] {
        let policy = Policy::new(role).max_message(LEN as u64 + 1);
        let bytes = start(role, LEN);
        let mut open: Vec<_> = (0..40)
            .map(|_| connections(policy).with_budget(&budget).with_keys(|| [0; 4]))
            .collect();
        let mut refused = 0;
        let (_, held) = memory(|| {
            for endpoint in &mut open {
                let (messages, error) = receive(endpoint, &bytes);
                assert!(messages.is_empty());
                assert!(budget.used() <= LIMIT);
                let Some(error) = error else { continue };
                let Error::OverBudget(code) = error else { panic!("{error}") };
                let (due, mask) = match role {
                    Role::Server => (CloseCode::TRY_AGAIN_LATER, 0),
                    Role::Client => (CloseCode::MESSAGE_TOO_BIG, 4),
                };
                assert_eq!(code, due);
                assert_eq!(endpoint.to_send()[2 + mask..4 + mask], due.0.to_be_bytes());
                assert!(endpoint.is_done());
                refused += 1;
            }
        });
        let held = usize::try_from(held).unwrap();
        // The window of an inflater has 97 KB. While a buffer grows, it is there twice.
        let most = LIMIT + 40 * (FREE + READ + (100 << 10)) + 3 * LEN;
        assert!(held <= most, "{held} are more than {most}");
        assert!((20..40).contains(&refused), "{refused}");

        let mut late = connections(policy).with_budget(&budget);
        let short = frame(role, Header::new(OpCode::Text, 15_000), &[b'a'; 15_000]);
        let (messages, error) = receive(&mut late, &short);
        assert_eq!((messages.len(), error.is_none()), (1, true));
        drop((open, late));
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn the_sum_of_long_frames_is_limited() {
    the_sum_is_limited(one_frame, Endpoint::new);
}

#[test]
fn the_sum_of_fragments_is_limited() {
    the_sum_is_limited(many_frames, Endpoint::new);
}

#[cfg(feature = "deflate")]
#[test]
fn the_sum_of_compressed_messages_is_limited() {
    use wsvet::deflate::Parameters;
    the_sum_is_limited(compressed, |policy| {
        Endpoint::with_messages(Messages::deflate(policy, Parameters::new()))
    });
}

/// A message that is whole in the end comes, and gives back what it took, while the codec lives on.
#[test]
fn a_message_gives_back_what_it_took() {
    let budget = Budget::new(4 << 20);
    let mut server = endpoint(SERVER, &budget);
    for _ in 0..3 {
        let whole = frame(Role::Server, Header::new(OpCode::Binary, 1 << 20), &[7; 1 << 20]);
        let (first, second) = whole.split_at(900_000);
        assert_eq!(receive(&mut server, first).0.len(), 0);
        assert!((900_000..=2 << 20).contains(&budget.used()), "{}", budget.used());
        let (messages, error) = receive(&mut server, second);
        assert_eq!((messages.len(), error.is_none()), (1, true));
        assert_eq!(budget.used(), 0);
    }
}

/// After the error nothing arrives, and no second error.
#[test]
fn what_follows_is_discarded() {
    let budget = Budget::new(64 << 10);
    let mut messages = Messages::new(SERVER).with_budget(&budget);
    let mut received = BytesMut::from(&one_frame(Role::Server, 100_000)[..]);
    assert!(matches!(messages.decode(&mut received), Err(Error::OverBudget(_))));
    for _ in 0..3 {
        received.extend_from_slice(&frame(Role::Server, Header::new(OpCode::Text, 1), b"a"));
        assert_eq!(messages.decode(&mut received).unwrap(), None);
        assert!(received.is_empty());
    }
    assert_eq!(messages.decode_eof(&mut received).unwrap(), None);
    assert_eq!(budget.used(), 0);
}

/// A compressed message that is over the budget within one frame is dropped whole: neither the part
/// that was inflated nor another error is returned.
#[cfg(feature = "deflate")]
#[test]
fn a_part_of_a_message_is_never_returned() {
    use wsvet::deflate::{Deflater, Parameters};
    let budget = Budget::new(256 << 10);
    let texts = [b'a'; 1 << 20].to_vec();
    let cut = "é".repeat(1 << 19).into_bytes();
    for text in [texts, cut] {
        let mut deflated = Vec::new();
        Deflater::new(15, false).deflate(&text, true, &mut deflated);
        let header = Header::new(OpCode::Text, deflated.len() as u64).with_rsv(4);
        let mut messages = Messages::deflate(SERVER, Parameters::new()).with_budget(&budget);
        let mut received = BytesMut::from(&frame(Role::Server, header, &deflated)[..]);
        assert!(matches!(messages.decode(&mut received), Err(Error::OverBudget(_))));
        assert_eq!(budget.used(), 0);

        // Also before the frame is whole.
        let mut messages = Messages::deflate(SERVER, Parameters::new()).with_budget(&budget);
        let mut received = BytesMut::from(&frame(Role::Server, header, &deflated)[..]);
        received.truncate(received.len() * 3 / 4);
        assert!(matches!(messages.decode(&mut received), Err(Error::OverBudget(_))));

        // What fits comes whole, and gives back what it took.
        let wide = Budget::new(4 << 20);
        let mut messages = Messages::deflate(SERVER, Parameters::new()).with_budget(&wide);
        let mut received = BytesMut::from(&frame(Role::Server, header, &deflated)[..]);
        let rest = received.split_off(received.len() * 3 / 4);
        assert_eq!(messages.decode(&mut received).unwrap(), None);
        assert!(wide.used() > 256 << 10);
        received.unsplit(rest);
        let message = messages.decode(&mut received).unwrap().unwrap();
        assert_eq!((message.into_data(), wide.used()), (text.into(), 0));
    }
}

proptest! {
    /// Whatever arrives in whatever order, the limit holds, and everything is given back. With a
    /// budget that is large enough, it changes nothing.
    #[test]
    fn the_limit_holds_in_any_order(
        steps in prop::collection::vec((0..4_usize, 0..3_usize, 1..60_000_usize, any::<bool>()), 1..60),
        limit in 0..200_000_usize,
    ) {
        let (budget, wide) = (Budget::new(limit), Budget::new(usize::MAX));
        let start = || [(); 4].map(|()| endpoint(SERVER, &budget));
        let mut endpoints = start();
        let mut twins = [(); 4].map(|()| endpoint(SERVER, &wide));
        let mut free = [(); 4].map(|()| Endpoint::new(SERVER));
        let mut open = [false; 4];
        let mut over = [false; 4];
        for (which, kind, len, ends) in steps {
            let opcode = match kind {
                2 => OpCode::Ping,
                _ if open[which] => OpCode::Continuation,
                _ => OpCode::Binary,
            };
            let len = if kind == 2 { len % 126 } else { len };
            let header = Header::new(opcode, len as u64);
            let header = if ends || kind == 2 { header } else { header.not_final() };
            open[which] = if kind == 2 { open[which] } else { !ends };
            let bytes = frame(Role::Server, header, &vec![7; len]);
            let (messages, error) = receive(&mut endpoints[which], &bytes);
            let (same, _) = receive(&mut twins[which], &bytes);
            let (expected, _) = receive(&mut free[which], &bytes);
            prop_assert_eq!(&same, &expected);
            over[which] |= error.is_some();
            prop_assert_eq!(&messages, if over[which] { &[][..] } else { &expected[..] });
            prop_assert!(budget.used() <= limit);
        }
        drop((endpoints, twins));
        prop_assert_eq!((budget.used(), wide.used()), (0, 0));
    }
}
