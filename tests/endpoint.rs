//! Endpoints: without I/O against the codec by hand, and over real sockets against peers that behave
//! and that do not.
#![cfg(feature = "endpoint")]

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use common::sockets::seen;
use common::vectors;
use proptest::prelude::*;
use wsvet::codec::{self, Messages};
use wsvet::endpoint::Endpoint;
use wsvet::endpoint::sync::{Error, WebSocket};
use wsvet::handshake::{Agreement, Key, RequestBuilder, ResponseBuilder, Rule as Broken, Server};
use wsvet::{Accepts, CloseCode, CloseFrame, FrameRef, Message, Policy, Role, Rule};

const SERVER: Policy = Policy::new(Role::Server);

const CLIENT: Policy = Policy::new(Role::Client);

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// What an endpoint has done: the messages, the violation, and what it has sent.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    messages: Vec<Message>,
    error: Option<String>,
    sent: Vec<u8>,
    done: bool,
}

/// The codec by hand, as the guide shows it: the naive twin.
fn by_hand(policy: Policy, stream: &[u8], end: bool) -> Done {
    let mut codec = Messages::new(policy).with_keys(|| [1, 2, 3, 4]);
    let (mut received, mut sent) = (BytesMut::from(stream), BytesMut::new());
    let mut messages = Vec::new();
    let error = loop {
        match codec.decode(&mut received) {
            Ok(Some(message)) => {
                if let Some(reply) = message.reply() {
                    codec.encode(reply, &mut sent).unwrap();
                }
                messages.push(message);
            }
            Ok(None) if end => break codec.decode_eof(&mut received).err(),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    if let Some(close) = error.as_ref().and_then(codec::Error::reply) {
        codec.encode(close, &mut sent).unwrap();
    }
    let done = end || error.is_some() || codec.frames().is_done();
    Done { messages, error: error.map(|error| error.to_string()), sent: sent.to_vec(), done }
}

/// An endpoint that receives the stream in pieces of these sizes.
fn by_endpoint(policy: Policy, stream: &[u8], end: bool, sizes: &[usize]) -> Done {
    let mut endpoint = Endpoint::new(policy).with_keys(|| [1, 2, 3, 4]);
    let (mut messages, mut sent) = (Vec::new(), Vec::new());
    let mut error = None;
    let mut rest = stream;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.len().min(*size));
        rest = after;
        endpoint.received().extend_from_slice(piece);
        loop {
            match endpoint.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(found) => assert!(error.replace(found.to_string()).is_none(), "told once"),
            }
        }
        sent.extend_from_slice(&endpoint.to_send().split());
    }
    if end && let Err(found) = endpoint.end() {
        assert!(error.replace(found.to_string()).is_none(), "told once");
    }
    sent.extend_from_slice(endpoint.to_send());
    assert!(!(end || error.is_some()) || endpoint.end().is_ok(), "told once");
    Done { messages, error, sent, done: end || endpoint.is_done() }
}

#[test]
fn every_stream_of_the_corpus_is_answered_as_by_hand() {
    for vector in vectors::all() {
        let policy = vector.policy;
        if policy.rsv != 0 || policy.negotiates_deflate() {
            continue;
        }
        for end in [false, true] {
            let expected = by_hand(policy, &vector.stream, end);
            for sizes in [&[1][..], &[2, 3], &[usize::MAX]] {
                let done = by_endpoint(policy, &vector.stream, end, sizes);
                assert_eq!(done.error, expected.error, "{}", vector.case);
                assert_eq!(done.messages, expected.messages, "{}", vector.case);
                assert_eq!(done.sent, expected.sent, "{}", vector.case);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_answered_as_by_hand(
        frames in prop::collection::vec(
            (any::<u8>(), 0u8..8, prop::collection::vec(any::<u8>(), 0..8)),
            0..8,
        ),
        cut in 0usize..4,
        end: bool,
        sizes in prop::collection::vec(1usize..9, 1..6),
    ) {
        let mut stream = Vec::new();
        for (first, more, payload) in &frames {
            // Legal frames most of the time: a first byte without RSV bits, and a true length.
            let first = if *more > 0 { first & 0x8F } else { *first };
            stream.extend([first, 0x80 | payload.len() as u8, 0, 0, 0, 0]);
            stream.extend(payload);
        }
        stream.truncate(stream.len().saturating_sub(cut));
        let expected = by_hand(SERVER, &stream, end);
        let done = by_endpoint(SERVER, &stream, end, &sizes);
        prop_assert_eq!(done.error, expected.error);
        prop_assert_eq!(done.messages, expected.messages);
        prop_assert_eq!(done.sent, expected.sent);
        prop_assert_eq!(done.done, expected.done);
    }
}

#[test]
fn nothing_is_sent_after_the_close() {
    let mut endpoint = Endpoint::new(SERVER);
    endpoint.close(CloseCode::GOING_AWAY, "bye").unwrap();
    let sent = endpoint.to_send().split();
    assert!(matches!(endpoint.send("late"), Err(codec::Error::Closed)));
    let again = endpoint.close(CloseCode::NORMAL_CLOSURE, "");
    assert!(matches!(again, Err(codec::Error::Closed)));
    endpoint.send(Message::Ping("late".into())).unwrap();
    endpoint.received().extend_from_slice(b"\x89\x80\0\0\0\0\x81\x80\0\0\0\0");
    assert!(endpoint.next().unwrap().is_some_and(|message| message.is_ping()));
    assert_eq!(endpoint.next().unwrap(), Some(Message::text("")));
    assert!(endpoint.to_send().is_empty() && !endpoint.is_done());
    assert_eq!(sent, &b"\x88\x05\x03\xE9bye"[..]);
    endpoint.received().extend_from_slice(b"\x88\x82\0\0\0\0\x03\xE9");
    assert!(endpoint.next().unwrap().is_some_and(|message| message.is_close()));
    assert!(endpoint.to_send().is_empty() && endpoint.is_done());
}

#[test]
fn nothing_is_sent_after_a_violation_or_the_end() {
    let mut endpoint = Endpoint::new(SERVER);
    endpoint.received().extend_from_slice(b"\x83");
    assert!(endpoint.next().is_err());
    let len = endpoint.to_send().len();
    assert!(matches!(endpoint.send("late"), Err(codec::Error::Closed)));
    let late = endpoint.close(CloseCode::NORMAL_CLOSURE, "");
    assert!(matches!(late, Err(codec::Error::Closed)));
    assert_eq!(endpoint.to_send().len(), len);
    assert!(endpoint.next().unwrap().is_none());

    let mut endpoint = Endpoint::new(SERVER);
    assert!(endpoint.end().is_err());
    assert!(matches!(endpoint.send("late"), Err(codec::Error::Closed)));
    assert!(endpoint.to_send().is_empty());
}

#[test]
fn a_code_that_must_not_be_sent_is_an_error() {
    let mut endpoint = Endpoint::new(SERVER);
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000] {
        let error = endpoint.close(CloseCode(code), "").unwrap_err();
        assert!(matches!(error, codec::Error::Encode(_)), "{code}: {error}");
    }
    assert!(endpoint.to_send().is_empty());
    endpoint.send("still open").unwrap();
}

/// Echoes until the end.
fn echo(stream: TcpStream, policy: Policy) -> Result<(), Error> {
    let mut socket = WebSocket::accept(stream, policy, &Server::new())?;
    while let Some(message) = socket.next()? {
        if message.is_data() {
            socket.feed(message)?;
        }
    }
    Ok(())
}

#[test]
fn a_client_sees_the_due_code_of_every_breach_and_no_reset() {
    let mut count = 0;
    for vector in vectors::all() {
        let Some(rule) = vector.case["rule"].as_str().and_then(Rule::from_id) else { continue };
        let policy = vector.policy;
        let frames = vector.case["frames"].as_array().unwrap();
        let closed = frames.iter().any(|frame| frame["opcode"] == 8);
        let other = policy.rsv != 0 || policy.negotiates_deflate() || policy.role == Role::Client;
        if other || closed || !rule.close_code().is_sendable() {
            continue;
        }
        count += 1;
        // Whoever breaks a rule may send more, which the server must not answer with a reset.
        let bytes = [REQUEST.as_bytes(), &vector.stream, &[0xAA; 100_000]].concat();
        let seen = seen(&bytes, |stream| {
            let error = echo(stream, policy).unwrap_err();
            assert!(error.to_string().starts_with(rule.id()), "{error}: {}", vector.case);
        });
        let mut rest = seen.strip_prefix(ACCEPTED.as_bytes()).expect("accepted");
        let mut last = None;
        while !rest.is_empty() {
            let (frame, after) = FrameRef::decode(rest).expect("whole frames");
            (last, rest) = (Some(frame), after);
        }
        let body = last.expect("a Close").payload.into_raw();
        let close = CloseFrame::decode(body).unwrap().unwrap();
        assert_eq!(close.code, rule.close_code(), "{}", vector.case);
    }
    assert!(count > 100, "{count} breaches");
}

#[test]
fn requests_are_refused_with_the_status_that_is_due() {
    let refused = [
        ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(), "426"),
        (REQUEST.replacen("GET", "POST", 1), "405"),
        (REQUEST.replacen(": 13", ": 8", 1), "426"),
        (REQUEST.replacen("dGhlIHNhbXBsZSBub25jZQ==", "short", 1), "400"),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x00\x03\x03".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: example.com\r\nCookie: ".to_owned() + &"x".repeat(70_000), "400"),
    ];
    for (request, status) in refused {
        let seen = seen(request.as_bytes(), |stream| {
            let error = echo(stream, SERVER).unwrap_err();
            assert!(matches!(error, Error::Handshake(_) | Error::Http(_)), "{error}");
        });
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.40}: {seen}");
    }
}

#[test]
fn frames_that_come_with_the_request_are_not_lost() {
    let bytes = [REQUEST.as_bytes(), b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8"].concat();
    let seen = seen(&bytes, |stream| echo(stream, SERVER).unwrap());
    assert_eq!(seen, [ACCEPTED.as_bytes(), b"\x81\x02hi\x88\x02\x03\xE8"].concat());
}

#[test]
fn a_server_looks_at_the_request_before_it_responds() {
    let respond = |stream: TcpStream| {
        let server = Server::new();
        let accepted = WebSocket::accept_with(stream, SERVER, |request| {
            if request.target() == "/chat" {
                return (ResponseBuilder::refuse_with(403, "not here"), None);
            }
            let (response, agreement) = server.accept(request).unwrap();
            (response.header("Set-Cookie", "a=b"), Some(agreement))
        });
        accepted.map(|socket| assert_eq!(*socket.agreement(), Agreement::default()))
    };
    let refused = seen(REQUEST.as_bytes(), |stream| {
        assert!(matches!(respond(stream), Err(Error::Declined)));
    });
    assert!(refused.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    let request = REQUEST.replacen("/chat", "/", 1);
    let accepted = seen(request.as_bytes(), |stream| respond(stream).unwrap());
    assert!(String::from_utf8(accepted).unwrap().contains("\r\nSet-Cookie: a=b\r\n"));
}

/// Takes a request off the bytes that have arrived, and returns what the server sends at last.
fn accepted(mut received: BytesMut, rest: &[u8]) -> (Result<Agreement, Error>, Vec<u8>) {
    let server = Server::new();
    let (mut endpoint, agreed) = match Endpoint::accept(&mut received, SERVER, &server) {
        Some((mut endpoint, agreed)) => {
            endpoint.received().extend_from_slice(rest);
            (endpoint, agreed)
        }
        None => {
            received.extend_from_slice(rest);
            Endpoint::accept(&mut received, SERVER, &server).expect("the request is whole")
        }
    };
    while let Ok(Some(message)) = endpoint.next() {
        if message.is_data() {
            endpoint.send(message).unwrap();
        }
    }
    assert!(endpoint.is_done());
    (agreed, endpoint.to_send().to_vec())
}

/// The request may be cut anywhere, and frames may come with it. After a refusal nothing is taken for
/// a frame.
#[test]
fn an_endpoint_accepts_without_io_at_every_cut() {
    let frames = b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8";
    let bytes = [REQUEST.as_bytes(), frames].concat();
    for cut in 0..=bytes.len() {
        let (agreed, sent) = accepted(BytesMut::from(&bytes[..cut]), &bytes[cut..]);
        assert_eq!(agreed.unwrap(), Agreement::default());
        assert_eq!(sent, [ACCEPTED.as_bytes(), b"\x81\x02hi\x88\x02\x03\xE8"].concat(), "{cut}");
    }
    for (from, to, status) in [("GET", "POST", "405"), (": 13", ": 8", "426"), (":", "", "400")] {
        let request = REQUEST.replacen(from, to, 1);
        let bytes = [request.as_bytes(), b"\xFF\xFF\xFF\xFF"].concat();
        for cut in [0, 20, request.len(), bytes.len()] {
            let (agreed, sent) = accepted(BytesMut::from(&bytes[..cut]), &bytes[cut..]);
            assert!(matches!(agreed, Err(Error::Handshake(_) | Error::Http(_))));
            let sent = String::from_utf8(sent).unwrap();
            assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}");
            assert_eq!(sent.matches("HTTP/1.1").count(), 1, "{sent}");
        }
    }
    let long = format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(70_000));
    let (agreed, sent) = accepted(BytesMut::from(&*long), b"");
    assert!(matches!(agreed, Err(Error::Http(None))) && sent.starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn an_endpoint_says_why_it_does_not_accept() {
    let refused = |response: fn() -> ResponseBuilder| {
        let mut received = BytesMut::from(REQUEST);
        let accepted = Endpoint::accept_with(&mut received, SERVER, |_| (response(), None));
        let (mut endpoint, agreed) = accepted.unwrap();
        assert!(endpoint.is_done());
        (endpoint.to_send().to_vec(), agreed.unwrap_err())
    };
    let (sent, error) = refused(|| ResponseBuilder::refuse_with(403, "not here"));
    assert!(sent.starts_with(b"HTTP/1.1 403 ") && matches!(error, Error::Declined));
    let (sent, error) = refused(|| ResponseBuilder::refuse_with(200, ""));
    assert!(sent.is_empty() && matches!(error, Error::InvalidHead(_)));
}

#[test]
fn an_endpoint_connects_without_io_at_every_cut() {
    let request = RequestBuilder::new("example.com", "/chat", Key::new(*b"the sample nonce"));
    let connect = |received: &mut BytesMut| Endpoint::connect(received, CLIENT, &request);
    let bytes = [ACCEPTED.as_bytes(), b"\x81\x02hi"].concat();
    for cut in 0..=bytes.len() {
        let mut received = BytesMut::from(&bytes[..cut]);
        let first = connect(&mut received).unwrap();
        assert_eq!(first.is_some(), cut >= ACCEPTED.len());
        let (mut endpoint, _) = match first {
            Some(connected) => connected,
            None => {
                received.extend_from_slice(&bytes[cut..]);
                connect(&mut received).unwrap().unwrap()
            }
        };
        if cut >= ACCEPTED.len() {
            endpoint.received().extend_from_slice(&bytes[cut..]);
        }
        assert_eq!(endpoint.next().unwrap(), Some(Message::text("hi")));
    }
    // Responses 1xx other than 101 come before the one that counts (RFC 9110 §15.2).
    for first in ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"]
    {
        let mut received = BytesMut::from(first);
        assert!(connect(&mut received).unwrap().is_none());
        received.extend_from_slice(ACCEPTED.as_bytes());
        assert!(connect(&mut received).unwrap().is_some());
    }
    let refused = connect(&mut BytesMut::from("HTTP/1.1 403 Forbidden\r\n\r\n"));
    assert!(matches!(refused, Err(Error::Refused(403))));
    let wrong = connect(&mut BytesMut::from(&*ACCEPTED.replacen("s3pP", "S3pP", 1)));
    assert!(matches!(wrong, Err(Error::Handshake(Broken::WrongAccept))));
}

/// A server that does what it is told, and the client that meets it.
fn client<T: Send>(
    server: impl FnOnce(TcpStream) -> io::Result<()> + Send,
    client: impl FnOnce(Result<WebSocket<TcpStream>, Error>) -> T,
) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || server(listener.accept().unwrap().0).unwrap());
        let request = RequestBuilder::new("example.com", "/chat", Key::new(*b"the sample nonce"));
        let stream = TcpStream::connect(address).unwrap();
        client(WebSocket::connect(stream, CLIENT, &request, || [0; 4]))
    })
}

/// Reads the request, and sends these bytes.
fn respond(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut head = vec![0; REQUEST.len()];
    stream.read_exact(&mut head)?;
    assert_eq!(head, REQUEST.as_bytes());
    stream.write_all(bytes)
}

#[test]
fn a_client_says_why_the_handshake_failed() {
    let wrong = ACCEPTED.replacen("s3pP", "S3pP", 1);
    client(
        |mut stream| respond(&mut stream, wrong.as_bytes()),
        |connected| {
            assert!(matches!(connected, Err(Error::Handshake(Broken::WrongAccept))));
        },
    );
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    client(
        |mut stream| respond(&mut stream, refusal),
        |connected| {
            assert!(matches!(connected, Err(Error::Refused(403))));
        },
    );
    client(
        |mut stream| respond(&mut stream, b"\x15\x03\x01"),
        |connected| {
            assert!(matches!(connected, Err(Error::Http(Some(_)))));
        },
    );
    client(
        |mut stream| respond(&mut stream, b"HTTP/1.1 101"),
        |connected| {
            let error = io::Error::from(connected.unwrap_err());
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        },
    );
}

#[test]
fn a_client_tells_a_server_what_it_broke() {
    let server = |mut stream: TcpStream| {
        respond(&mut stream, &[ACCEPTED.as_bytes(), b"\x81\x01\xFF"].concat())?;
        let mut seen = Vec::new();
        stream.shutdown(Shutdown::Write)?;
        stream.read_to_end(&mut seen)?;
        assert_eq!(seen[..8], *b"\x88\xA1\0\0\0\0\x03\xEF"); // 1007
        Ok(())
    };
    client(server, |connected| {
        let mut socket = connected.unwrap();
        assert!(socket.next().unwrap_err().to_string().starts_with("invalid-utf8"));
        assert_eq!(socket.next().unwrap(), None);
    });
}

#[test]
fn a_server_that_just_goes_is_told_apart_from_one_that_closes() {
    client(
        |mut stream| respond(&mut stream, ACCEPTED.as_bytes()),
        |connected| {
            let mut socket = connected.unwrap();
            let error = socket.next().unwrap_err();
            assert!(error.to_string().starts_with("eof-without-close"), "{error}");
            assert_eq!(socket.next().unwrap(), None);
            assert!(matches!(socket.send("late"), Err(Error::Codec(codec::Error::Closed))));
        },
    );
    let closes = [ACCEPTED.as_bytes(), b"\x88\x00"].concat();
    client(
        |mut stream| respond(&mut stream, &closes),
        |connected| {
            let mut socket = connected.unwrap();
            assert_eq!(socket.next().unwrap(), Some(Message::Close(None)));
            assert_eq!(socket.next().unwrap(), None);
        },
    );
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let silent = |mut stream: TcpStream| {
        respond(&mut stream, ACCEPTED.as_bytes())?;
        let mut ping = [0; 6];
        stream.read_exact(&mut ping)?;
        assert_eq!(ping, *b"\x89\x80\0\0\0\0");
        stream.write_all(b"\x8A\x00")?; // alive
        stream.read_exact(&mut ping)?;
        assert_eq!(ping, *b"\x89\x80\0\0\0\0");
        _ = stream.read(&mut ping);
        Ok(())
    };
    client(silent, |connected| {
        let mut socket = connected.unwrap().keep_alive(Duration::from_millis(20));
        assert!(socket.next().unwrap().is_some_and(|message| message.is_pong()));
        let error = io::Error::from(socket.next().unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_read_with_a_time_limit_loses_nothing() {
    let slow = |mut stream: TcpStream| {
        respond(&mut stream, ACCEPTED.as_bytes())?;
        for byte in b"\x81\x02hi" {
            std::thread::sleep(Duration::from_millis(15));
            stream.write_all(&[*byte])?;
        }
        stream.read_exact(&mut [0; 6])
    };
    client(slow, |connected| {
        let mut socket = connected.unwrap();
        socket.stream().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        loop {
            match socket.next() {
                Ok(message) => {
                    assert_eq!(message, Some(Message::text("hi")));
                    break;
                }
                Err(error) => {
                    let kind = io::Error::from(error).kind();
                    assert!(matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
                }
            }
        }
        socket.close(CloseCode::NORMAL_CLOSURE, "").ok();
    });
}

#[cfg(feature = "deflate")]
#[test]
fn two_endpoints_agree_and_talk_compressed() {
    use wsvet::deflate::Parameters;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = "the same words ".repeat(1000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let stream = listener.accept().unwrap().0;
            let server =
                Server::new().subprotocols(["chat", "json"]).permessage_deflate(Parameters::new());
            let mut socket = WebSocket::accept(stream, SERVER, &server).unwrap();
            while let Some(message) = socket.next().unwrap() {
                if message.is_data() {
                    socket.feed(message).unwrap();
                }
            }
            assert!(socket.endpoint().messages().frames().validator().offset() < 1000);
        });
        let request = RequestBuilder::new("example.com", "/", Key::new([7; 16]))
            .protocols(["mqtt", "json", "chat"])
            .extensions(&*Parameters::new().offer());
        let stream = TcpStream::connect(address).unwrap();
        let mut socket = WebSocket::connect(stream, CLIENT, &request, || [1; 4]).unwrap();
        assert_eq!(socket.agreement().subprotocol.as_deref(), Some("json"));
        assert!(socket.agreement().permessage_deflate.is_some());
        for _ in 0..3 {
            socket.send(&*text).unwrap();
            assert_eq!(socket.next().unwrap(), Some(Message::text(text.clone())));
        }
        socket.close(CloseCode::NORMAL_CLOSURE, "").unwrap();
        while socket.next().unwrap().is_some() {}
    });
}

#[test]
fn a_subprotocol_decides_the_type_of_data() {
    let mut agreement = Agreement::default();
    agreement.subprotocol = Some("mqtt".to_owned());
    assert_eq!(agreement.policy(SERVER).accepts, Accepts::BinaryOnly);
    let text = SERVER.accepts(Accepts::TextOnly);
    assert_eq!(agreement.policy(text).accepts, Accepts::TextOnly);
    agreement.subprotocol = Some("unknown".to_owned());
    assert_eq!(agreement.policy(SERVER).accepts, Accepts::Any);
}

/// Also if the program changes the policy after the handshake.
#[test]
fn a_subprotocol_narrows_a_new_policy() {
    let request = REQUEST.replacen("\r\n\r\n", "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", 1);
    for (frame, code) in [(&b"\x81\x80\0\0\0\0"[..], 1003), (b"\x82\xFE\x10\0\0\0\0\0", 1009)] {
        let seen = seen(&[request.as_bytes(), frame].concat(), |stream| {
            let server = Server::new().subprotocols(["mqtt"]);
            let mut socket = WebSocket::accept(stream, SERVER, &server).unwrap();
            socket.set_policy(SERVER.max_message(100));
            assert!(socket.next().is_err());
        });
        let end = seen.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(seen[end + 2..end + 4], u16::to_be_bytes(code));
    }
}
