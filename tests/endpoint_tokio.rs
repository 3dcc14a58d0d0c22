//! Endpoints on tokio: over memory with every cut and paused time, and over real sockets.
#![cfg(feature = "tokio")]

mod common;

use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use common::sockets::seen;
use common::vectors;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, timeout};
use wsvet::codec::{self, Prepared};
use wsvet::endpoint::{Endpoint, Error, WebSocket};
use wsvet::handshake::{Agreement, Key, RequestBuilder, Server};
use wsvet::{CloseCode, CloseFrame, FrameRef, Message, Policy, Role, Rule};

const SERVER: Policy = Policy::new(Role::Server);

const CLIENT: Policy = Policy::new(Role::Client);

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A text, a Ping, a text in two fragments, and a Close, as a client sends them.
const TALK: &[u8] = b"\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0p\x01\x81\0\0\0\0y\x80\x81\0\0\0\0o\
    \x88\x82\0\0\0\0\x03\xE8";

fn server(size: usize) -> (WebSocket<DuplexStream>, DuplexStream) {
    let (stream, peer) = duplex(size);
    (WebSocket::from_upgraded(stream, SERVER, Agreement::default(), b""), peer)
}

fn pair(size: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (server, peer) = server(size);
    let client = Endpoint::new(CLIENT).with_keys(|| [1, 2, 3, 4]);
    (server, WebSocket::from_endpoint(peer, client))
}

fn is_closed(result: Result<(), Error>) -> bool {
    matches!(result, Err(Error::Codec(codec::Error::Closed)))
}

fn kind(error: Error) -> io::ErrorKind {
    io::Error::from(error).kind()
}

async fn echo(mut socket: WebSocket<impl AsyncStream>) -> Result<(), Error> {
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}

trait AsyncStream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> AsyncStream for T {}

/// Runs a server over a real socket.
fn on_tokio(stream: TcpStream, policy: Policy) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        stream.set_nonblocking(true)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        echo(WebSocket::accept(stream, policy, &Server::new()).await?).await
    })
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
        let bytes = [REQUEST.as_bytes(), &vector.stream, &[0xAA; 100_000]].concat();
        let seen = seen(&bytes, |stream| {
            let error = on_tokio(stream, policy).unwrap_err();
            assert!(error.to_string().starts_with(rule.id()), "{error}: {}", vector.case);
        });
        let mut rest = seen.strip_prefix(ACCEPTED.as_bytes()).expect("accepted");
        let mut last = None;
        while !rest.is_empty() {
            let (frame, after) = FrameRef::decode(rest).expect("whole frames");
            (last, rest) = (Some(frame), after);
        }
        let close = CloseFrame::decode(last.expect("a Close").payload.into_raw()).unwrap().unwrap();
        assert_eq!(close.code, rule.close_code(), "{}", vector.case);
    }
    assert!(count > 100, "{count} breaches");
}

/// At every cut the future of `next` waits, is dropped, and loses nothing.
#[tokio::test(start_paused = true)]
async fn every_cut_gives_the_same_and_a_dropped_future_loses_nothing() {
    for first in 0..=TALK.len() {
        for second in first..=TALK.len() {
            let (mut socket, mut peer) = server(1 << 10);
            let mut messages = Vec::new();
            for piece in [&TALK[..first], &TALK[first..second], &TALK[second..]] {
                peer.write_all(piece).await.unwrap();
                while let Ok(message) = timeout(Duration::from_millis(1), socket.next()).await {
                    match message.unwrap() {
                        Some(message) => messages.push(message),
                        None => break,
                    }
                }
            }
            drop(timeout(Duration::from_millis(1), socket.next()).await);
            let mut sent = vec![0; 7];
            peer.read_exact(&mut sent).await.unwrap();
            assert_eq!(sent, b"\x8A\x01p\x88\x02\x03\xE8");
            peer.shutdown().await.unwrap();
            while let Some(message) = socket.next().await.unwrap() {
                messages.push(message);
            }
            let close = Message::close(CloseCode::NORMAL_CLOSURE, "");
            let expected =
                [Message::text("hi"), Message::Ping("p".into()), Message::text("yo"), close];
            assert_eq!(messages, expected, "{first}, {second}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_in_pieces_is_accepted_and_the_rest_is_not_lost() {
    for size in [1, 7, 1 << 10] {
        let (stream, mut peer) = duplex(size);
        let task = tokio::spawn(async {
            echo(WebSocket::accept(stream, SERVER, &Server::new()).await?).await
        });
        let (mut reads, mut writes) = tokio::io::split(&mut peer);
        let mut seen = Vec::new();
        let write = async {
            writes.write_all(&[REQUEST.as_bytes(), TALK].concat()).await.unwrap();
        };
        let read = async {
            reads.read_to_end(&mut seen).await.unwrap();
        };
        tokio::join!(write, read);
        drop(peer);
        task.await.unwrap().unwrap();
        let expected = [ACCEPTED.as_bytes(), b"\x81\x02hi\x8A\x01p\x81\x02yo\x88\x02\x03\xE8"];
        let other = [ACCEPTED.as_bytes(), b"\x8A\x01p\x81\x02hi\x81\x02yo\x88\x02\x03\xE8"];
        assert!(seen == expected.concat() || seen == other.concat(), "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_connects_and_talks() {
    let (stream, peer) = duplex(100);
    let task = tokio::spawn(async {
        echo(WebSocket::accept(stream, SERVER, &Server::new()).await?).await
    });
    let request = RequestBuilder::new("example.com", "/chat", Key::new(*b"the sample nonce"));
    let mut socket = WebSocket::connect(peer, CLIENT, &request, || [1; 4]).await.unwrap();
    socket.send("hi").await.unwrap();
    assert_eq!(socket.next().await.unwrap(), Some(Message::text("hi")));
    socket.close(CloseCode::NORMAL_CLOSURE, "done").await.unwrap();
    assert_eq!(socket.next().await.unwrap(), None);
    task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_handshake_ends_in_time() {
    let (stream, peer) = duplex(100);
    let error = WebSocket::accept(stream, SERVER, &Server::new()).await.unwrap_err();
    assert_eq!(kind(error), io::ErrorKind::TimedOut);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn wrong_calls_are_errors() {
    let (server, mut client) = pair(1 << 10);
    let server = tokio::spawn(echo(server));
    let long = client.send(Message::Ping(vec![0; 126].into())).await;
    assert!(matches!(long, Err(Error::Codec(codec::Error::Encode(_)))));
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000] {
        let wrong = client.close(CloseCode(code), "").await;
        assert!(matches!(wrong, Err(Error::Codec(codec::Error::Encode(_)))), "{code}");
    }
    client.send(Message::close(CloseCode::NORMAL_CLOSURE, "")).await.unwrap();
    assert!(is_closed(client.send("late").await));
    assert!(is_closed(client.send(Message::Close(None)).await));
    assert!(is_closed(client.close(CloseCode::NORMAL_CLOSURE, "").await));
    client.send(Message::Ping("left out".into())).await.unwrap();
    assert!(client.next().await.unwrap().is_some_and(|message| message.is_close()));
    assert_eq!(client.next().await.unwrap(), None);
    assert_eq!(client.next().await.unwrap(), None);
    assert!(is_closed(client.send(Message::Ping("late".into())).await));
    server.await.unwrap().unwrap();

    let (stream, _peer) = duplex(100);
    let mut keyless = WebSocket::from_endpoint(stream, Endpoint::new(CLIENT));
    let sent = keyless.send("hi").await;
    assert!(matches!(sent, Err(Error::Codec(codec::Error::Unmasked))));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "`feed` polled after completion")]
async fn a_message_cannot_be_fed_twice_by_one_future() {
    let (mut server, _peer) = server(100);
    let mut feed = std::pin::pin!(server.feed("once"));
    feed.as_mut().await.unwrap();
    let _ = feed.await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_ends_in_time() {
    let (mut socket, peer) = server(1 << 10);
    let start = Instant::now();
    let error = socket.close(CloseCode::GOING_AWAY, "restart").await.unwrap_err();
    assert_eq!((kind(error), start.elapsed()), (io::ErrorKind::TimedOut, Duration::from_secs(5)));
    assert_eq!(socket.next().await.unwrap(), None);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stays_after_a_violation_is_left_in_time() {
    let (mut socket, mut peer) = server(1 << 10);
    socket = socket.end_within(Duration::from_secs(2));
    peer.write_all(b"\x83").await.unwrap();
    let start = Instant::now();
    let error = socket.next().await.unwrap_err();
    assert!(error.to_string().starts_with("reserved-opcode"), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    let mut close = [0; 4];
    peer.read_exact(&mut close).await.unwrap();
    assert_eq!(close[2..], 1002u16.to_be_bytes());
    assert!(is_closed(socket.send("late").await));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_peer_is_given_up() {
    let (mut socket, _peer) = server(64);
    socket = socket.keep_alive(Duration::from_secs(30), Duration::from_secs(10));
    let start = Instant::now();
    let error = socket.send("x".repeat(1000)).await.unwrap_err();
    assert_eq!((kind(error), start.elapsed()), (io::ErrorKind::TimedOut, Duration::from_secs(40)));
    assert!(is_closed(socket.send("late").await));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_given_up() {
    let (mut socket, mut peer) = server(1 << 10);
    socket = socket.keep_alive(Duration::from_secs(30), Duration::from_secs(10));
    let start = Instant::now();
    let lives = async {
        let mut ping = [0; 2];
        peer.read_exact(&mut ping).await.unwrap();
        assert_eq!((ping, start.elapsed().as_secs()), (*b"\x89\x00", 30));
        peer.write_all(b"\x8A\x80\0\0\0\0").await.unwrap();
        peer.read_exact(&mut ping).await.unwrap();
        assert_eq!((ping, start.elapsed().as_secs()), (*b"\x89\x00", 60));
    };
    let next = async {
        assert!(socket.next().await.unwrap().is_some_and(|message| message.is_pong()));
        kind(socket.next().await.unwrap_err())
    };
    let ((), kind) = tokio::join!(lives, next);
    assert_eq!((kind, start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 70));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_with_1001() {
    let (mut socket, mut client) = pair(1 << 10);
    socket = socket.idle_within(Duration::from_secs(60));
    let start = Instant::now();
    let server = tokio::spawn(async move { socket.next().await.map_err(kind) });
    let close = client.next().await.unwrap();
    assert_eq!(close, Some(Message::close(CloseCode::GOING_AWAY, "idle")));
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    assert_eq!(server.await.unwrap(), Err(io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_fills_nothing_and_the_last_one_is_answered() {
    // The second takes everything that waits at once.
    for size in [1 << 10, 64 << 10] {
        let (mut socket, mut peer) = server(size);
        for number in 0..100_000u32 {
            let ping = [b"\x89\x84\0\0\0\0", &number.to_be_bytes()[..]].concat();
            peer.write_all(&ping).await.unwrap();
            assert!(socket.next().await.unwrap().is_some_and(|message| message.is_ping()));
        }
        let waits = format!("{:?}", socket.endpoint());
        let (_, waits) = waits.split_once("to_send: ").unwrap();
        let waits: usize =
            waits.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        assert!(waits < (16 << 10) + 200, "{waits}");
        let reads = tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut chunk = vec![0; size];
            while !seen.ends_with(&99_999u32.to_be_bytes()) {
                let len = peer.read(&mut chunk).await.unwrap();
                seen.extend_from_slice(&chunk[..len]);
            }
            peer
        });
        assert!(timeout(Duration::from_secs(1), socket.next()).await.is_err());
        timeout(Duration::from_secs(1), reads).await.expect("the last Pong").unwrap();
    }
}

/// Messages before and after a prepared one, over a stream that takes so many bytes at once.
#[tokio::test(start_paused = true)]
async fn a_prepared_message_is_sent_in_order_over_any_stream() {
    let prepared = Prepared::text("prepared ".repeat(30_000));
    let text = Message::text("prepared ".repeat(30_000));
    let expected = [Message::text("one"), text.clone(), text, Message::text("two")];
    for size in [1, 7, 1 << 10, 1 << 20] {
        let (server, client) = pair(size);
        let swapped = pair(size);
        for (from, mut to) in [(server, client), (swapped.1, swapped.0)] {
            let (receiver, mut sender) = from.split();
            let (expected, prepared) = (expected.clone(), prepared.clone());
            let sends = tokio::spawn(async move {
                sender.send_prepared(&Prepared::text("one")).await?;
                sender.send_prepared(&prepared).await?;
                sender.feed_prepared(&prepared).await?;
                sender.send_prepared(&Prepared::text("two")).await?;
                sender.close(CloseCode::NORMAL_CLOSURE, "").await?;
                assert!(is_closed(sender.send_prepared(&prepared).await));
                Ok::<_, Error>(receiver)
            });
            for message in expected {
                assert!(to.next().await.unwrap() == Some(message), "{size}");
            }
            assert!(to.next().await.unwrap().is_some_and(|message| message.is_close()));
            drop(to);
            sends.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prepared_message_says_that_the_stream_has_failed() {
    let (mut socket, peer) = server(100);
    drop(peer);
    let sent = socket.send_prepared(&Prepared::text("hi")).await;
    assert_eq!(kind(sent.unwrap_err()), io::ErrorKind::BrokenPipe);
    assert!(is_closed(socket.send_prepared(&Prepared::text("hi")).await));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_holds_the_sender_back() {
    let (mut socket, _peer) = server(64);
    let mut fed = 0;
    while let Ok(sent) =
        timeout(Duration::from_secs(1), socket.feed(Message::binary(vec![0; 1000]))).await
    {
        sent.unwrap();
        fed += 1;
    }
    assert!((60..70).contains(&fed), "{fed}");
}

/// A stream that has bytes to read, and notes how many each read and write takes.
#[derive(Default)]
struct Noting {
    bytes: Vec<u8>,
    /// Whether a write never ends.
    is_full: bool,
    reads: Vec<usize>,
    writes: Vec<usize>,
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = buf.remaining().min(self.bytes.len());
        buf.put_slice(&self.bytes[..len]);
        self.bytes.drain(..len);
        self.reads.push(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_full {
            return Poll::Pending;
        }
        self.writes.push(buf.len());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As many binary frames of a client with payloads of 1,016 bytes.
fn kibibytes(count: usize) -> Vec<u8> {
    [&b"\x82\xFE\x03\xF8\0\0\0\0"[..], &[7; 1016]].concat().repeat(count)
}

#[tokio::test(start_paused = true)]
async fn the_answers_to_one_read_are_one_write() {
    let mut stream = Noting { bytes: kibibytes(4096), ..Noting::default() };
    let socket = WebSocket::from_endpoint(&mut stream, Endpoint::new(SERVER));
    assert!(echo(socket).await.is_err(), "the stream ends without a Close frame");
    assert_eq!(stream.writes.iter().sum::<usize>(), 4096 * 1020);
    assert!(stream.reads.contains(&(512 << 10)), "a read has up to 512 KiB: {:?}", stream.reads);
    assert!(stream.writes.len() < stream.reads.len(), "{:?}", stream.writes);
}

#[tokio::test(start_paused = true)]
async fn buffers_are_as_long_as_reads() {
    // The messages are kept, so each read needs a new buffer.
    let (mut socket, mut peer) = server(64);
    let mut kept = Vec::new();
    for _ in 0..1000 {
        peer.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        kept.extend(socket.next().await.unwrap());
    }
    assert_eq!(kept.len(), 1000);
    assert_eq!(first_read(64).await, 16 << 10);

    // Long ones get large buffers, also with short ones between them.
    first_read(4096).await;
    for _ in 0..200 {
        first_read(300).await;
        first_read(1).await;
    }
    assert_eq!(first_read(4096).await, 512 << 10);
}

/// Returns how many bytes the first read takes if so many KiB arrive.
async fn first_read(kib: usize) -> usize {
    let mut stream = Noting { bytes: kibibytes(kib), ..Noting::default() };
    let socket = WebSocket::from_endpoint(&mut stream, Endpoint::new(SERVER));
    assert!(echo(socket).await.is_err(), "the stream ends without a Close frame");
    stream.reads[0]
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_sends_is_held_back_after_512_kib() {
    let stream = Noting { bytes: kibibytes(8192), is_full: true, ..Noting::default() };
    let mut socket = WebSocket::from_endpoint(stream, Endpoint::new(SERVER));
    let mut fed = 0;
    while let Ok(message) = timeout(Duration::from_secs(1), socket.next()).await {
        let message = message.unwrap().unwrap();
        if timeout(Duration::from_secs(1), socket.feed(message)).await.is_err() {
            break;
        }
        fed += 1020;
    }
    assert!(fed <= (512 << 10) + 1020, "{fed}");
}

#[tokio::test(start_paused = true)]
async fn halves_in_two_tasks_share_the_end() {
    // The sender waits for a peer that does not read; the receiver answers what the peer breaks.
    let (socket, mut peer) = server(256);
    let (mut receiver, mut sender) = socket.split();
    let sends = tokio::spawn(async move {
        loop {
            if let Err(error) = sender.send("x".repeat(1000)).await {
                return is_closed(Err(error)) && is_closed(sender.send("late").await);
            }
        }
    });
    let receives = tokio::spawn(async move { receiver.next().await.unwrap_err().to_string() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    peer.write_all(b"\x83").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    peer.shutdown().await.unwrap();
    let mut seen = Vec::new();
    peer.read_to_end(&mut seen).await.unwrap();
    assert!(sends.await.unwrap());
    assert!(receives.await.unwrap().starts_with("reserved-opcode"));
    let close = seen.windows(4).position(|window| window[0] == 0x88 && window[2..] == [3, 0xEA]);
    assert!(close.is_some(), "the Close is behind what was sent");
}

#[tokio::test(start_paused = true)]
async fn a_half_that_sends_can_close() {
    let (server, client) = pair(1 << 10);
    let server = tokio::spawn(echo(server));
    let (mut receiver, mut sender) = client.split();
    let receives = tokio::spawn(async move {
        let mut messages = Vec::new();
        while let Some(message) = receiver.next().await.unwrap() {
            messages.push(message);
        }
        messages
    });
    sender.send("hi").await.unwrap();
    sender.close(CloseCode::GOING_AWAY, "restart").await.unwrap();
    assert!(is_closed(sender.close(CloseCode::GOING_AWAY, "twice").await));
    server.await.unwrap().unwrap();
    let messages = receives.await.unwrap();
    assert_eq!(messages[0], Message::text("hi"));
    assert!(messages[1].is_close() && messages.len() == 2);

    // Alone, it waits for the answer.
    let (server, client) = pair(1 << 10);
    let server = tokio::spawn(echo(server));
    let (receiver, mut sender) = client.split();
    drop(receiver);
    sender.close(CloseCode::GOING_AWAY, "restart").await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn streams_and_sinks_pass_messages_on() {
    use futures_util::{SinkExt, StreamExt};

    let (mut server, client) = pair(100);
    let serves = tokio::spawn(async move {
        while let Some(message) = StreamExt::next(&mut server).await {
            let message = message.unwrap();
            if message.is_data() {
                SinkExt::feed(&mut server, message).await.unwrap();
            }
        }
    });
    let (mut stream, mut sink) = client.split();
    let sends = tokio::spawn(async move {
        for number in 0..1000 {
            SinkExt::send(&mut sink, Message::text(number.to_string())).await.unwrap();
        }
        SinkExt::close(&mut sink).await.unwrap();
    });
    for number in 0..1000 {
        let message = StreamExt::next(&mut stream).await.unwrap().unwrap();
        assert_eq!(message, Message::text(number.to_string()));
    }
    sends.await.unwrap();
    assert!(StreamExt::next(&mut stream).await.unwrap().unwrap().is_close());
    assert!(StreamExt::next(&mut stream).await.is_none());
    serves.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_left_to_the_program() {
    let (mut socket, mut peer) = server(1 << 10);
    socket = socket.answer_pings(false).answer_closes(false);
    peer.write_all(b"\x89\x81\0\0\0\0p\x88\x82\0\0\0\0\x03\xE8").await.unwrap();
    let ping = socket.next().await.unwrap().unwrap();
    socket.send(ping.reply().unwrap()).await.unwrap();
    let close = socket.next().await.unwrap().unwrap();
    socket.send("last").await.unwrap();
    socket.send(close.reply().unwrap()).await.unwrap();
    peer.shutdown().await.unwrap();
    assert_eq!(socket.next().await.unwrap(), None);
    let mut seen = Vec::new();
    peer.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, b"\x8A\x01p\x81\x04last\x88\x02\x03\xE8");
}
