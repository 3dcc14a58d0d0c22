//! Over real sockets: a peer that breaks a rule is told which, and never left with 1006.
#![cfg(feature = "codec")]

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use common::sockets::seen;
use common::vectors::{self, Vector};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::Framed;
use wsvet::codec::{Error, Frames};
use wsvet::{CloseFrame, FrameMut, OpCode, Policy, Responder, Role, Rule, StreamDecoder, encode};

const KEY: [u8; 4] = [9, 8, 7, 6];

/// The streams of the corpus that must be answered with a Close, and the rule that says so.
fn refused() -> impl Iterator<Item = (Vector, Rule)> {
    vectors::all().into_iter().filter_map(|vector| {
        let rule = vector.case["rule"].as_str().and_then(Rule::from_id)?;
        let frames = vector.case["frames"].as_array().unwrap();
        let open = !frames.iter().any(|frame| frame["opcode"] == 8);
        (open && rule.close_code().is_sendable()).then_some((vector, rule))
    })
}

/// The last frame that was seen, which must be a Close with the code and the text of the rule.
fn assert_told(mut seen: Vec<u8>, rule: Rule, name: &str) {
    let mut rest = &mut seen[..];
    let mut last = None;
    while !rest.is_empty() {
        let (frame, after) = FrameMut::decode(rest).expect("whole frames");
        last = Some(frame.unmask());
        rest = after;
    }
    let frame = last.unwrap_or_else(|| panic!("{name}: nothing was told"));
    assert_eq!(frame.header.opcode(), OpCode::Close, "{name}");
    let close = CloseFrame::decode(frame.payload).unwrap().unwrap();
    assert_eq!((close.code, close.reason), (rule.close_code(), rule.text()), "{name}");
}

/// An endpoint through the codec, which answers nothing but violations.
fn by_codec(policy: Policy, socket: TcpStream) {
    socket.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let socket = tokio::net::TcpStream::from_std(socket).unwrap();
        let frames = Frames::new(policy);
        let frames = if policy.role == Role::Client { frames.with_keys(|| KEY) } else { frames };
        let mut frames = Framed::new(socket, frames);
        let error = loop {
            match frames.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("the violation comes first"),
            }
        };
        let Error::Violation(violation) = error else { panic!("{error}") };
        let reply = violation.reply().expect("it can be sent");
        let mut body = [0; CloseFrame::MAX_BODY_LEN];
        let len = reply.encode(&mut body);
        let header = wsvet::Header::new(OpCode::Close, len as u64);
        let payload = bytes::Bytes::copy_from_slice(&body[..len]);
        frames.send(wsvet::Frame { header, payload }).await.unwrap();
        let mut socket = frames.into_inner();
        socket.shutdown().await.unwrap();
        while socket.read(&mut [0; 4096]).await.unwrap() > 0 {}
    });
}

/// An endpoint with the decoder that borrows.
fn by_decoder(policy: Policy, mut socket: TcpStream) {
    let mut decoder = StreamDecoder::new(policy);
    let mut responder = Responder::new();
    let mut buffer = [0; 1000];
    let key = (policy.role == Role::Client).then_some(KEY);
    let mut out = [0; encode::MAX_CONTROL_LEN];
    loop {
        let len = socket.read(&mut buffer).unwrap();
        assert!(len > 0, "the violation comes first");
        let mut chunk = &mut buffer[..len];
        while !chunk.is_empty() {
            match decoder.decode(chunk) {
                Ok((used, _)) => chunk = &mut chunk[used..],
                Err(violation) => {
                    socket
                        .write_all(responder.reply_to_violation(&violation, key, &mut out))
                        .unwrap();
                    socket.shutdown(Shutdown::Write).unwrap();
                    io::copy(&mut socket, &mut io::sink()).unwrap();
                    return;
                }
            }
        }
    }
}

#[test]
fn whoever_breaks_a_rule_sees_its_code_and_text() {
    let mut rules = Vec::new();
    for (Vector { policy, stream, case }, rule) in refused() {
        let name = case["name"].as_str().unwrap();
        // Two of each rule, and of each role, go over sockets.
        let known = rules.iter().filter(|known| **known == (rule, policy.role)).count();
        if known >= 2 {
            continue;
        }
        rules.push((rule, policy.role));
        for endpoint in [by_codec, by_decoder] {
            assert_told(seen(&stream, |socket| endpoint(policy, socket)), rule, name);
        }
    }
    for rule in common::rules().filter(|rule| rule.close_code().is_sendable()) {
        // What comes behind a Close is discarded.
        let told = rules.iter().any(|(told, _)| *told == rule);
        assert!(told || rule == Rule::DataAfterClose, "{rule}");
    }
}

/// What is found where compressed messages are inflated, through the codec of messages.
#[cfg(feature = "deflate")]
#[test]
fn whoever_compresses_wrongly_sees_its_code_and_text() {
    use wsvet::Header;
    use wsvet::codec::Messages;
    use wsvet::deflate::Parameters;

    let endpoint = |policy: Policy, socket: TcpStream| {
        socket.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let socket = tokio::net::TcpStream::from_std(socket).unwrap();
            let messages = Messages::deflate(policy, Parameters::new()).with_keys(|| KEY);
            let mut messages = Framed::new(socket, messages);
            let error = messages.next().await.unwrap().expect_err("the message breaks a rule");
            messages.send(error.reply().expect("it can be sent")).await.unwrap();
            let mut socket = messages.into_inner();
            socket.shutdown().await.unwrap();
            while socket.read(&mut [0; 4096]).await.unwrap() > 0 {}
        });
    };
    // No block has type 3; a block that has not ended; an é that is cut; 1,000 times "a".
    for (rule, compressed) in [
        (Rule::InvalidDeflate, &b"\xFF\xFF"[..]),
        (Rule::InvalidDeflate, b"\xF2\x48\xCD"),
        (Rule::InvalidUtf8, b"\x00\x01\x00\xFE\xFF\xC3\x00"),
        (Rule::MessageTooBig, b"\x4A\x4C\x1C\x05\xA3\x60\x14\x0C\x77\x00\x00"),
    ] {
        for role in [Role::Client, Role::Server] {
            let header = Header::new(OpCode::Text, compressed.len() as u64).with_rsv(4);
            let stream = common::frame(role.peer(), header, compressed);
            let policy = Policy::new(role).max_message(500);
            let seen = seen(&stream, |socket| endpoint(policy, socket));
            assert_told(seen, rule, rule.id());
        }
    }
}
