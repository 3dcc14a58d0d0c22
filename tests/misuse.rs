//! Each wrong call is an error or panics, and nothing illegal reaches the peer: the lists of the chapter
//! `misuse` of the guide. What does not compile is tested there.
#![cfg(feature = "tokio")]

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use wsvet::codec::{self, Frames, Messages, Prepared};
use wsvet::endpoint::{Endpoint, Error, WebSocket, sync};
use wsvet::handshake::{Agreement, Key, RequestBuilder, Server};
use wsvet::{
    CloseCode, Frame, Header, Message, OpCode, Policy, Role, Utf8Bytes, Validator, encode,
};

const SERVER: Policy = Policy::new(Role::Server);

const CLIENT: Policy = Policy::new(Role::Client);

/// An endpoint of any kind, whose stream never blocks.
trait Socket {
    fn send(&mut self, message: Message) -> Result<(), codec::Error>;
    fn close(&mut self, code: u16, reason: &str) -> Result<(), codec::Error>;
    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), codec::Error>;
    fn next(&mut self) -> Result<Option<Message>, codec::Error>;
    /// What was sent since the last call.
    fn sent(&mut self) -> Vec<u8>;
}

impl Socket for Endpoint {
    fn send(&mut self, message: Message) -> Result<(), codec::Error> {
        Self::send(self, message)
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<(), codec::Error> {
        Self::close(self, CloseCode(code), reason)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), codec::Error> {
        Self::send_prepared(self, prepared)
    }

    fn next(&mut self) -> Result<Option<Message>, codec::Error> {
        Self::next(self)
    }

    fn sent(&mut self) -> Vec<u8> {
        self.to_send().split().to_vec()
    }
}

fn codec_error(error: Error) -> codec::Error {
    match error {
        Error::Codec(error) => error,
        other => panic!("{other}"),
    }
}

/// A stream in memory.
#[derive(Default)]
struct Memory {
    input: io::Cursor<Vec<u8>>,
    output: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.input, buffer)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl sync::Stream for Memory {
    fn close_sending(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn limit_reads(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for sync::WebSocket<Memory> {
    fn send(&mut self, message: Message) -> Result<(), codec::Error> {
        Self::send(self, message).map_err(codec_error)
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<(), codec::Error> {
        Self::close(self, CloseCode(code), reason).map_err(codec_error)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), codec::Error> {
        Self::send_prepared(self, prepared).map_err(codec_error)
    }

    fn next(&mut self) -> Result<Option<Message>, codec::Error> {
        Self::next(self).map_err(codec_error)
    }

    fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.stream().output.lock().unwrap())
    }
}

/// A WebSocket of tokio, and its peer's stream.
struct OnTokio(WebSocket<DuplexStream>, DuplexStream);

impl Socket for OnTokio {
    fn send(&mut self, message: Message) -> Result<(), codec::Error> {
        self.0.send(message).now_or_never().unwrap().map_err(codec_error)
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<(), codec::Error> {
        // If the Close frame was sent, it waits for the answer.
        let close = self.0.close(CloseCode(code), reason.to_owned()).now_or_never();
        close.unwrap_or(Ok(())).map_err(codec_error)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), codec::Error> {
        let sent = async {
            self.0.feed_prepared(prepared).await?;
            self.0.flush().await
        };
        sent.now_or_never().unwrap().map_err(codec_error)
    }

    fn next(&mut self) -> Result<Option<Message>, codec::Error> {
        self.0.next().now_or_never().unwrap().map_err(codec_error)
    }

    fn sent(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        while let Some(Ok(1..)) = self.1.read_buf(&mut sent).now_or_never() {}
        sent
    }
}

/// Runs a test with each kind of endpoint, which has received these bytes and then the end.
fn each(policy: Policy, keys: bool, received: &[u8], test: impl Fn(&mut dyn Socket)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _guard = runtime.enter();
    let endpoint = || {
        let mut endpoint = Endpoint::new(policy);
        endpoint.received().extend_from_slice(received);
        if keys { endpoint.with_keys(|| [0; 4]) } else { endpoint }
    };
    test(&mut endpoint());
    test(&mut sync::WebSocket::from_endpoint(Memory::default(), endpoint()));
    let (stream, peer) = duplex(1 << 20);
    test(&mut OnTokio(WebSocket::from_endpoint(stream, endpoint()), peer));
}

fn data() -> [Message; 2] {
    [Message::text("late"), Message::binary(vec![1, 2, 3])]
}

#[test]
fn a_message_that_is_illegal_is_an_error_and_changes_nothing() {
    let long = Bytes::from(vec![0; 126]);
    each(SERVER, true, b"", |socket| {
        for message in [Message::Ping(long.clone()), Message::Pong(long.clone())] {
            assert!(matches!(socket.send(message), Err(codec::Error::Encode(_))));
        }
        assert_eq!(socket.sent(), b"");
        socket.send(Message::Ping(long.slice(1..))).unwrap();
        socket.send(Message::text("hi")).unwrap();
        assert!(socket.sent().ends_with(b"\x81\x02hi"));
    });
}

/// All codes.
#[test]
fn a_code_that_must_not_be_sent_is_an_error_and_changes_nothing() {
    for code in 0..=u16::MAX {
        let legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        // One of each range is enough where an endpoint is built for each code.
        if legal && !matches!(code, 1000..=1014 | 3000 | 4999) {
            continue;
        }
        let test = |socket: &mut dyn Socket| {
            let closed = socket.close(code, "bye");
            if legal {
                closed.unwrap();
                assert_eq!(socket.sent()[2..4], code.to_be_bytes());
            } else {
                assert!(matches!(closed, Err(codec::Error::Encode(_))), "{code}");
                assert_eq!(socket.sent(), b"");
                let message = Message::close(CloseCode(code), "");
                assert!(matches!(socket.send(message), Err(codec::Error::Encode(_))), "{code}");
            }
        };
        if legal || !(5001..65_535).contains(&code) && !(1..999).contains(&code) {
            each(SERVER, true, b"", test);
        } else {
            test(&mut Endpoint::new(SERVER));
        }
    }
}

#[test]
fn a_long_reason_is_cut_between_two_characters() {
    each(SERVER, true, b"", |socket| {
        socket.close(1000, &"é".repeat(100)).unwrap();
        let sent = socket.sent();
        assert_eq!(sent[1] as usize, 2 + 122);
        assert_eq!(std::str::from_utf8(&sent[4..]), Ok(&*"é".repeat(61)));
    });
}

#[test]
fn nothing_follows_a_close_frame() {
    each(SERVER, true, b"", |socket| {
        socket.send(Message::close(CloseCode::NORMAL_CLOSURE, "")).unwrap();
        assert_eq!(socket.sent(), b"\x88\x02\x03\xE8");
        for message in data() {
            assert!(matches!(socket.send(message), Err(codec::Error::Closed)));
        }
        let prepared = Prepared::text("late");
        assert!(matches!(socket.send_prepared(&prepared), Err(codec::Error::Closed)));
        assert!(matches!(socket.close(1000, ""), Err(codec::Error::Closed)));
        assert!(matches!(socket.send(Message::Close(None)), Err(codec::Error::Closed)));
        // These can cross the peer's Close frame.
        socket.send(Message::Ping(Bytes::new())).unwrap();
        socket.send(Message::Pong(Bytes::new())).unwrap();
        assert_eq!(socket.sent(), b"");
    });
}

/// After the Close frames, and after a violation.
#[test]
fn nothing_follows_the_end() {
    let ends: [&[u8]; 2] = [b"\x88\x82\0\0\0\0\x03\xE8", b"\x83\x80\0\0\0\0"];
    for (end, fails) in ends.into_iter().zip([false, true]) {
        let test = |socket: &mut dyn Socket| {
            assert_eq!(socket.next().is_err(), fails);
            assert_eq!(socket.sent()[0], 0x88);
            for _ in 0..3 {
                assert_eq!(socket.next().unwrap(), None);
            }
            for message in data().into_iter().chain([Message::Close(None)]) {
                assert!(matches!(socket.send(message), Err(codec::Error::Closed)));
            }
            assert!(matches!(
                socket.send_prepared(&Prepared::text("late")),
                Err(codec::Error::Closed)
            ));
            assert!(matches!(socket.close(1000, ""), Err(codec::Error::Closed)));
            assert_eq!(socket.sent(), b"");
        };
        let mut endpoint = Endpoint::new(SERVER);
        endpoint.received().extend_from_slice(end);
        test(&mut endpoint);

        let mut endpoint = Endpoint::new(SERVER);
        endpoint.received().extend_from_slice(end);
        test(&mut sync::WebSocket::from_endpoint(Memory::default(), endpoint));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_the_end_on_tokio() {
    for end in [&b"\x88\x82\0\0\0\0\x03\xE8"[..], b"\x83\x80\0\0\0\0"] {
        let (stream, peer) = duplex(1 << 10);
        let mut socket = WebSocket::from_upgraded(stream, SERVER, Agreement::default(), end);
        drop(peer);
        let _ = socket.next().await;
        for _ in 0..3 {
            assert_eq!(socket.next().await.unwrap(), None);
        }
        let (mut receiver, mut sender) = socket.split();
        assert_eq!(receiver.next().await.unwrap(), None);
        for message in data().into_iter().chain([Message::Close(None), Message::Ping("".into())]) {
            let sent = sender.send(message).await.map_err(codec_error);
            assert!(matches!(sent, Err(codec::Error::Closed)));
        }
        let closed = sender.close(CloseCode::NORMAL_CLOSURE, "").await.map_err(codec_error);
        assert!(matches!(closed, Err(codec::Error::Closed)));
    }
}

#[test]
fn a_client_sends_nothing_without_keys() {
    each(CLIENT, false, b"", |socket| {
        for message in data().into_iter().chain([Message::Ping(Bytes::new())]) {
            assert!(matches!(socket.send(message), Err(codec::Error::Unmasked)));
        }
        assert!(matches!(socket.send_prepared(&Prepared::text("hi")), Err(codec::Error::Unmasked)));
        assert!(matches!(socket.close(1000, ""), Err(codec::Error::Unmasked)));
        assert_eq!(socket.sent(), b"");
    });
}

#[test]
fn what_is_not_utf8_is_no_text() {
    assert!(Utf8Bytes::try_from(Bytes::from_static(b"\xFF")).is_err());
    assert!(Utf8Bytes::try_from(Bytes::from_static(b"\xC3\xA9")).is_ok());
}

#[test]
fn an_illegal_frame_is_an_error() {
    let frame = |header: Header| Frame { header, payload: Bytes::new() };
    let new = |opcode| Header::new(opcode, 0);
    let (text, more) = (new(OpCode::Text), new(OpCode::Continuation));
    for (frames, error) in [
        (vec![new(OpCode::Reserved3)], encode::Error::ReservedOpcode),
        (vec![new(OpCode::ReservedB)], encode::Error::ReservedOpcode),
        (vec![text.with_rsv(4)], encode::Error::ReservedBits),
        (vec![new(OpCode::Ping).not_final()], encode::Error::FragmentedControl),
        (vec![more], encode::Error::UnexpectedContinuation),
        (vec![text.not_final(), text], encode::Error::InterruptedMessage),
    ] {
        let mut codec = Frames::new(SERVER);
        let mut out = Vec::new();
        let (last, before) = frames.split_last().unwrap();
        for header in before {
            codec.encode(frame(*header), &mut out).unwrap();
        }
        let len = out.len();
        let Err(codec::Error::Encode(told)) = codec.encode(frame(*last), &mut out) else {
            panic!("{error}");
        };
        assert_eq!((told, out.len()), (error, len));
    }
}

/// What the first run of a program shows.
#[test]
fn a_mistake_in_the_program_panics() {
    let (stream, _peer) = duplex(1);
    let panics = |name: &str, call: &mut dyn FnMut()| {
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "{name}");
    };
    std::panic::set_hook(Box::new(|_| {}));
    let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    let (mut request_of_none, none) = (bytes::BytesMut::new(), Agreement::default());
    let socket = || WebSocket::from_upgraded(tokio::io::empty(), SERVER, Agreement::default(), b"");
    panics("accept of a client", &mut || {
        drop(WebSocket::accept(tokio::io::empty(), CLIENT, &Server::new()));
    });
    panics("connect of a server", &mut || {
        drop(WebSocket::connect(tokio::io::empty(), SERVER, &request, || [0; 4]));
    });
    panics("upgraded of a client", &mut || {
        drop(WebSocket::from_upgraded(tokio::io::empty(), CLIENT, none.clone(), b""));
    });
    panics("sync accept of a client", &mut || {
        drop(sync::WebSocket::accept(Memory::default(), CLIENT, &Server::new()));
    });
    panics("sync connect of a server", &mut || {
        drop(sync::WebSocket::connect(Memory::default(), SERVER, &request, || [0; 4]));
    });
    panics("without I/O, accept of a client", &mut || {
        drop(Endpoint::accept(&mut request_of_none, CLIENT, &Server::new()));
    });
    panics("without I/O, connect of a server", &mut || {
        drop(Endpoint::connect(&mut bytes::BytesMut::new(), SERVER, &request));
    });
    panics("an extension", &mut || drop(Endpoint::new(SERVER.rsv(2))));
    panics("compression", &mut || drop(Messages::new(SERVER.permessage_deflate(true))));
    panics("another role", &mut || Endpoint::new(SERVER).set_policy(CLIENT));
    panics("another role on tokio", &mut || socket().set_policy(CLIENT));
    panics("other bits", &mut || Endpoint::new(SERVER).set_policy(SERVER.rsv(2)));
    panics("another role of a validator", &mut || Validator::new(SERVER).set_policy(CLIENT));
    panics("no interval", &mut || {
        drop(socket().keep_alive(Duration::ZERO, Duration::from_secs(1)));
    });
    panics("no time", &mut || drop(socket().idle_within(Duration::ZERO)));
    panics("no interval in sync", &mut || {
        let socket = sync::WebSocket::from_endpoint(Memory::default(), Endpoint::new(SERVER));
        drop(socket.keep_alive(Duration::ZERO));
    });
    panics("empty fragments", &mut || drop(Messages::new(SERVER).fragments_of(0)));
    drop(stream);
    let _ = std::panic::take_hook();
}
