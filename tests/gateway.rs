//! The gateway forwards what breaks no rule, unchanged, and tells both endpoints of what does.
#![cfg(feature = "endpoint")]

mod common;

use bytes::BytesMut;
use common::vectors;
use wsvet::endpoint::gateway::Gateway;
use wsvet::{CloseCode, CloseFrame, End, FrameRef, Header, OpCode, Policy, Role};

const KEY: [u8; 4] = [5, 6, 7, 8];

/// Passes the stream in pieces that end at these places. Returns the bytes that were forwarded.
fn pass(gateway: &mut Gateway, from: Role, stream: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut forwarded = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([stream.len()]) {
        forwarded.extend(gateway.receive(from, &stream[start..end]).to_vec());
        start = end;
    }
    forwarded
}

/// Returns where the last whole frame ends, and whether anything follows it.
fn whole(mut stream: &[u8]) -> (usize, bool) {
    let len = stream.len();
    while let Ok((header, rest)) = Header::decode(stream) {
        match usize::try_from(header.payload_len()).ok().and_then(|len| rest.get(len..)) {
            Some(rest) => stream = rest,
            None => break,
        }
    }
    (len - stream.len(), !stream.is_empty())
}

/// Returns the code of the Close frame that the gateway sends, or `None` if it sends nothing.
fn told(gateway: &mut Gateway, to: Role) -> Option<CloseCode> {
    let mut bytes = std::mem::take(gateway.to_send(to));
    if bytes.is_empty() {
        return None;
    }
    let (header, _) = Header::decode(&bytes).unwrap();
    assert_eq!((header.opcode(), header.is_masked()), (OpCode::Close, to == Role::Server));
    assert_eq!(header.masking_key().unwrap_or(KEY), KEY);
    let (frame, rest) = FrameRef::decode(&bytes).unwrap();
    assert_eq!(rest.len(), 0);
    let len = frame.header.header_len();
    if let Some(key) = header.masking_key() {
        wsvet::mask::apply(key, 0, &mut bytes[len..]);
    }
    CloseFrame::decode(&bytes[len..]).unwrap().map(|close| close.code)
}

fn gateway(policy: Policy) -> Gateway {
    let (client, server) = match policy.role {
        Role::Client => (policy, Policy::new(Role::Server)),
        Role::Server => (Policy::new(Role::Client), policy),
    };
    Gateway::new(client, server, KEY)
}

/// Every stream of the corpus, cut once at each of its bytes and cut into single bytes.
#[test]
fn a_violation_is_not_forwarded_wherever_the_stream_is_cut() {
    for vector in vectors::all() {
        let (policy, stream) = (vector.policy, &vector.stream);
        if policy.rsv != 0 || stream.len() > 2000 {
            continue;
        }
        let from = policy.role.peer();
        let broken = vector.case["offset"]
            .as_u64()
            .filter(|_| !vector.case["rule"].as_str().unwrap().starts_with("eof"));
        let single: Vec<_> = (1..stream.len()).collect();
        for cuts in (0..=stream.len()).map(|at| vec![at]).chain([single]) {
            let name = format!("{} cut at {cuts:?}", vector.case["name"]);
            let mut gateway = gateway(policy);
            let forwarded = pass(&mut gateway, from, stream, &cuts);
            assert_eq!(forwarded, stream[..forwarded.len()], "{name}");
            let (boundary, inside) = whole(&forwarded);
            if inside {
                let (header, _) = Header::decode(&forwarded[boundary..]).expect("a whole header");
                assert!(header.opcode().is_data(), "{name}: control frames are held until whole");
            }
            let closed = close_in(&forwarded[..boundary]);
            let Some(broken) = broken else {
                assert_eq!(gateway.refused(), None, "{name}");
                let (end, _) = whole(stream);
                assert!(forwarded.len() >= end, "{name}: whole frames are forwarded");
                continue;
            };
            assert!(forwarded.len() as u64 <= broken, "{name}");
            if closed {
                assert_eq!(gateway.refused(), None, "{name}: what follows a Close is discarded");
                continue;
            }
            let refused = gateway.refused().unwrap_or_else(|| panic!("{name}"));
            assert_eq!(refused.violation.rule.id(), vector.case["rule"], "{name}");
            assert_eq!((refused.violation.offset, refused.cut), (broken, inside), "{name}");
            assert!(!refused.untold);
            let due = vector.case["code"].as_u64().map(|code| CloseCode(code as u16));
            assert_eq!(told(&mut gateway, from), due, "{name}");
            let other = told(&mut gateway, from.peer());
            assert_eq!(other, (!inside).then_some(CloseCode::GOING_AWAY), "{name}");
            assert!(gateway.is_over(Role::Client) && gateway.is_over(Role::Server), "{name}");
            assert!(gateway.receive(from.peer(), b"\x81").is_empty(), "{name}");
        }
    }
}

/// Returns whether one of these whole frames is a Close frame.
fn close_in(mut frames: &[u8]) -> bool {
    while let Ok((header, rest)) = Header::decode(frames) {
        if header.opcode() == OpCode::Close {
            return true;
        }
        frames = &rest[header.payload_len() as usize..];
    }
    false
}

/// A data frame, a control frame and a fragmented message, with a violation of the other endpoint after
/// each byte.
#[test]
fn the_offender_is_told_after_the_frame_of_which_it_has_a_part() {
    let stream = b"\x81\x05Hello\x89\x03abc\x01\x02ab\x8A\x00\x80\x01c\x82\x7E\x00\x7E";
    let stream = [&stream[..], &[7; 126]].concat();
    for at in 0..=stream.len() {
        let mut gateway = gateway(Policy::new(Role::Server));
        let mut forwarded = pass(&mut gateway, Role::Server, &stream[..at], &[]);
        let (boundary, inside) = whole(&forwarded);
        assert!(!inside || [0x81, 0x01, 0x80, 0x82].contains(&forwarded[boundary]), "at {at}");
        assert!(gateway.receive(Role::Client, b"\x83").is_empty());
        let refused = gateway.refused().unwrap();
        assert_eq!((refused.cut, refused.untold), (false, false), "at {at}");
        assert_eq!(told(&mut gateway, Role::Server), Some(CloseCode::GOING_AWAY), "at {at}");
        let before = told(&mut gateway, Role::Client);
        assert_eq!(before, (!inside).then_some(CloseCode::PROTOCOL_ERROR), "at {at}");
        assert_eq!(gateway.is_over(Role::Client), !inside, "at {at}");
        forwarded.extend(pass(&mut gateway, Role::Server, &stream[at..], &[]));
        let (end, rest) = whole(&forwarded);
        assert!(!rest && end == forwarded.len(), "at {at}: the frame was forwarded to its end");
        let after = told(&mut gateway, Role::Client);
        assert_eq!(after, inside.then_some(CloseCode::PROTOCOL_ERROR), "at {at}");
        assert!(gateway.is_over(Role::Client), "at {at}");
        assert_eq!(forwarded, stream[..forwarded.len()]);
    }
}

#[test]
fn an_end_in_the_middle_of_a_frame_leaves_nothing_to_tell() {
    let stream = b"\x81\x05Hello\x89\x03abc\x88\x02\x03\xE8";
    for at in 0..=stream.len() {
        let mut gateway = gateway(Policy::new(Role::Server));
        let forwarded = pass(&mut gateway, Role::Server, &stream[..at], &[]);
        let (_, inside) = whole(&forwarded);
        let violation = gateway.end(Role::Server, End::Fin);
        let closed = at == stream.len();
        assert_eq!(violation.is_none(), closed, "at {at}");
        assert_eq!(gateway.refused().map(|refused| refused.cut), violation.map(|_| inside));
        let code = (!inside && !closed).then_some(CloseCode::GOING_AWAY);
        assert_eq!(told(&mut gateway, Role::Client), code, "at {at}");
        assert_eq!(gateway.is_over(Role::Client), !closed, "at {at}");
    }
}

#[test]
fn an_end_of_the_stream_that_is_finished_tells_the_offender_nothing() {
    let mut gateway = gateway(Policy::new(Role::Server));
    assert_eq!(gateway.receive(Role::Server, b"\x81\x05He").to_vec(), b"\x81\x05He");
    assert!(gateway.receive(Role::Client, b"\x83").is_empty());
    assert!(!gateway.is_over(Role::Client));
    gateway.end(Role::Server, End::Reset);
    assert!(gateway.is_over(Role::Client) && gateway.to_send(Role::Client).is_empty());
    assert!(gateway.refused().unwrap().untold);
}

#[test]
fn both_closes_are_forwarded_and_end_both_connections() {
    let mut gateway = gateway(Policy::new(Role::Server));
    let close = b"\x88\x02\x03\xE8";
    assert_eq!(gateway.receive(Role::Server, close).to_vec(), close);
    assert_eq!(gateway.receive(Role::Server, b"\x81\x00").to_vec(), b"", "data after the Close");
    assert!(!gateway.is_over(Role::Client));
    let text = b"\x81\x80\x01\x02\x03\x04";
    assert_eq!(gateway.receive(Role::Client, text).to_vec(), text, "sent before the Close arrived");
    let close = b"\x88\x82\x00\x00\x00\x00\x03\xE8";
    assert_eq!(gateway.receive(Role::Client, close).to_vec(), close);
    assert!(gateway.is_over(Role::Client) && gateway.is_over(Role::Server));
    assert_eq!((told(&mut gateway, Role::Client), told(&mut gateway, Role::Server)), (None, None));
    assert_eq!(gateway.refused(), None);
}

/// After a Close frame was forwarded, the offender cannot be sent a second one.
#[test]
fn an_offender_that_has_received_a_close_is_sent_none() {
    let mut gateway = gateway(Policy::new(Role::Server));
    let close = b"\x88\x02\x03\xE8";
    assert_eq!(gateway.receive(Role::Server, close).to_vec(), close);
    assert!(gateway.receive(Role::Client, b"\x83").is_empty());
    assert!(gateway.refused().unwrap().untold);
    assert_eq!(told(&mut gateway, Role::Client), None);
    assert_eq!(told(&mut gateway, Role::Server), Some(CloseCode::GOING_AWAY));
    assert!(gateway.is_over(Role::Client));
    assert!(gateway.receive(Role::Server, b"\x8A\x00").is_empty(), "nothing more is sent");
}

#[test]
fn a_gateway_that_stops_closes_between_frames() {
    let mut gateway = gateway(Policy::new(Role::Server));
    let restart = CloseFrame::new(CloseCode(1012), "");
    assert_eq!(gateway.receive(Role::Server, b"\x82\x02\x01").to_vec(), b"\x82\x02\x01");
    gateway.close(&restart).unwrap();
    gateway.close(&restart).unwrap();
    assert_eq!(told(&mut gateway, Role::Server), Some(CloseCode(1012)));
    assert_eq!(told(&mut gateway, Role::Client), None);
    assert_eq!(gateway.receive(Role::Server, b"\x02\x81\x00").to_vec(), b"\x02");
    assert_eq!(told(&mut gateway, Role::Client), Some(CloseCode(1012)));
    assert!(gateway.close(&CloseFrame::new(CloseCode(1005), "")).is_err());
    assert_eq!(*gateway.to_send(Role::Client), BytesMut::new());
}

/// RFC 7692 §7.2.3.1: "Hello" in one compressed message.
#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_are_forwarded_as_they_are_and_validated() {
    use wsvet::Rule;
    use wsvet::deflate::Parameters;

    let hello = b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00";
    let gateway = || {
        let client = Policy::new(Role::Client).max_message(5);
        Gateway::deflate(client, Policy::new(Role::Server), Parameters::new(), KEY)
    };
    let long = b"\xC2\x08\xF2\x48\xCD\xC9\xC9\x57\x04\x00"; // "Hello!"
    let broken = b"\xC2\x02\xFF\xFF";
    for at in 0..=hello.len() {
        let mut gateway = gateway();
        assert_eq!(pass(&mut gateway, Role::Server, hello, &[at]), hello);
        assert_eq!(gateway.refused(), None);
    }
    for (stream, rule) in [(&long[..], Rule::MessageTooBig), (broken, Rule::InvalidDeflate)] {
        for at in 0..=stream.len() {
            let mut gateway = gateway();
            let forwarded = pass(&mut gateway, Role::Server, stream, &[at]);
            assert!(forwarded.len() < stream.len(), "{rule:?} cut at {at}");
            assert_eq!(forwarded, stream[..forwarded.len()]);
            let refused = gateway.refused().unwrap();
            assert_eq!((refused.violation.rule, refused.cut), (rule, !forwarded.is_empty()));
            assert_eq!(told(&mut gateway, Role::Server), Some(rule.close_code()));
        }
    }
}

/// The gateway between two streams in memory. The times are those of a paused clock.
#[cfg(feature = "tokio")]
mod on_tokio {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;
    use wsvet::{Rule, Verdict};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Starts a gateway. Returns the client, the server and the gateway after it has ended.
    fn start(capacity: usize) -> (DuplexStream, DuplexStream, JoinHandle<Gateway>) {
        let (client, near) = duplex(capacity);
        let (server, far) = duplex(capacity);
        let ended = tokio::spawn(async move {
            let mut gateway = gateway(Policy::new(Role::Server));
            gateway.forward(near, far, PATIENCE).await;
            gateway
        });
        (client, server, ended)
    }

    async fn read(stream: &mut DuplexStream, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn frames_pass_both_ways_until_both_have_closed() {
        for capacity in [1, 2, 7, 4096] {
            let (mut client, mut server, ended) = start(capacity);
            let text = b"\x81\x82\x01\x02\x03\x04ik\x89\x80\x01\x02\x03\x04";
            let (_, read_text) =
                tokio::join!(client.write_all(text), read(&mut server, text.len()));
            assert_eq!(read_text, text);
            let close = b"\x88\x02\x03\xE8";
            let (_, read_close) = tokio::join!(server.write_all(close), read(&mut client, 4));
            assert_eq!(read_close, close);
            let answer = b"\x88\x82\x00\x00\x00\x00\x03\xE8";
            let (_, read_answer) = tokio::join!(client.write_all(answer), read(&mut server, 8));
            assert_eq!(read_answer, answer);
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the gateway ends both");
            assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "the gateway ends both");
            drop((client, server));
            let gateway = ended.await.unwrap();
            assert!(matches!(gateway.conversation().verdict(), Verdict::Clean { .. }));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn both_are_told_of_a_violation_and_what_follows_is_discarded() {
        let (mut client, mut server, ended) = start(4096);
        client.write_all(b"\x83").await.unwrap();
        let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
        client.read_to_end(&mut to_client).await.unwrap();
        server.read_to_end(&mut to_server).await.unwrap();
        assert_eq!(to_client[2..4], 1002_u16.to_be_bytes());
        assert_eq!(to_server[..6], [0x88, 0x92, 5, 6, 7, 8]);
        for _ in 0..100 {
            client.write_all(&[0; 4096]).await.unwrap(); // no reset
        }
        drop((client, server));
        assert_eq!(ended.await.unwrap().refused().unwrap().violation.rule, Rule::ReservedOpcode);
    }

    /// The gateway reads nothing more from a peer whose partner does not read.
    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_does_not_read_stops_the_other() {
        let (mut client, mut server, ended) = start(1 << 10);
        client.write_all(b"\x82\xFF\0\0\0\0\x10\0\0\0\0\0\0\0").await.unwrap();
        let mut written = 0;
        while let Ok(result) =
            timeout(Duration::from_secs(60), client.write_all(&[0; 1 << 10])).await
        {
            result.unwrap();
            written += 1 << 10;
        }
        assert!(written <= 40 << 10, "{written}");
        // The other direction goes on.
        server.write_all(b"\x8A\x00").await.unwrap();
        assert_eq!(read(&mut client, 2).await, b"\x8A\x00");
        assert_eq!(read(&mut server, 14).await[0], 0x82);
        drop(server);
        let mut to_client = Vec::new();
        client.read_to_end(&mut to_client).await.unwrap();
        assert_eq!(to_client[2..4], 1001_u16.to_be_bytes());
        drop(client);
        assert_eq!(ended.await.unwrap().refused().unwrap().from, Role::Server);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_ends_is_left_after_the_patience() {
        let (mut client, server, ended) = start(4096);
        client.write_all(b"\x88\x80\x01\x02\x03\x04").await.unwrap();
        let before = tokio::time::Instant::now();
        ended.await.unwrap();
        assert_eq!(before.elapsed().as_secs(), PATIENCE.as_secs());
        drop((client, server));
    }
}
