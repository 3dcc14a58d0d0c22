//! Servers that run until they are dropped, and what every server must do, whatever lies below it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Theirs;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as TheirCode;
use tokio_tungstenite::{WebSocketStream, tungstenite};
use wsvet::deflate::Parameters;
use wsvet::endpoint::WebSocket;
use wsvet::{CloseCode, Message};

/// The lengths at which the header of a frame changes, and a message of several reads.
const LENGTHS: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];

const PATIENCE: Duration = Duration::from_secs(60);

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A server that runs until it is dropped.
pub struct Server {
    process: Child,
    pub address: String,
}

impl Server {
    /// Starts a program. Returns `None` if it ends before it listens.
    pub fn start(program: &str, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some((_, address)) = line.trim().split_once("://") else {
            process.wait().unwrap();
            return None;
        };
        Some(Self { process, address: address.to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How a client opens a connection to a server.
pub trait Client: Sync {
    type Stream: Stream;

    /// Opens a WebSocket of tungstenite at this path, and offers these subprotocols. Returns the one
    /// that the server chose.
    async fn theirs(
        &self,
        path: &str,
        offers: &[&str],
    ) -> (WebSocketStream<Self::Stream>, Option<String>);

    /// Opens a WebSocket of wsvet at this path, and offers permessage-deflate if there are parameters.
    async fn ours(&self, path: &str, offer: Option<Parameters>) -> WebSocket<Self::Stream>;
}

/// Checks what every server must do.
pub async fn check(client: &impl Client) {
    let checks = async {
        echoes_to_tungstenite(client).await;
        echoes_to_wsvet(client, None).await;
        echoes_to_wsvet(client, Some(Parameters::new())).await;
        refuses_binary_where_only_text_is_accepted(client).await;
        lets_the_subprotocol_decide(client).await;
        answers_every_breach(client).await;
    };
    timeout(PATIENCE, checks).await.expect("the server hangs");
}

async fn echoes_to_tungstenite(client: &impl Client) {
    let (mut socket, _) = client.theirs("/", &[]).await;
    for len in LENGTHS {
        for message in [Theirs::text("é".repeat(len / 2)), Theirs::binary(vec![7; len])] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
    }
    socket.send(Theirs::Ping("are you there?".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Theirs::Pong("are you there?".into()));
    let close = CloseFrame { code: TheirCode::Normal, reason: "bye".into() };
    socket.close(Some(close.clone())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert!(matches!(&answer, Theirs::Close(Some(told)) if told.code == close.code), "{answer}");
    assert!(socket.next().await.is_none());
}

async fn echoes_to_wsvet(client: &impl Client, offer: Option<Parameters>) {
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(client.ours("/", offer).await);
    }
    for len in LENGTHS {
        for message in [Message::text("ab".repeat(len / 2)), Message::binary(vec![7; len])] {
            for socket in &mut sockets {
                socket.send(message.clone()).await.unwrap();
                assert_eq!(socket.next().await.unwrap(), Some(message.clone()));
            }
        }
    }
    for socket in &mut sockets {
        socket.close(CloseCode::NORMAL_CLOSURE, "").await.unwrap();
    }
}

async fn refuses_binary_where_only_text_is_accepted(client: &impl Client) {
    let (mut socket, _) = client.theirs("/text", &[]).await;
    socket.send(Theirs::text("hi")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Theirs::text("hi"));
    socket.send(Theirs::binary(vec![7; 200_000])).await.unwrap();
    let Theirs::Close(Some(close)) = socket.next().await.unwrap().unwrap() else { panic!() };
    assert_eq!(close.code, TheirCode::Unsupported);
}

/// MQTT has binary messages alone.
async fn lets_the_subprotocol_decide(client: &impl Client) {
    for (offers, chosen, accepted) in
        [(&["chat", "mqtt"][..], Some("mqtt"), false), (&[], None, true)]
    {
        let (mut socket, told) = client.theirs("/", offers).await;
        assert_eq!(told.as_deref(), chosen, "{offers:?}");
        socket.send(Theirs::text("hi")).await.unwrap();
        match socket.next().await.unwrap().unwrap() {
            Theirs::Text(_) => assert!(accepted, "{offers:?}"),
            Theirs::Close(Some(close)) => {
                assert_eq!((close.code, accepted), (TheirCode::Unsupported, false), "{offers:?}");
            }
            other => panic!("{other}"),
        }
    }
}

async fn answers_every_breach(client: &impl Client) {
    for (path, breach, code) in [
        ("/", &b"\x81\x02hi"[..], 1002),
        ("/", b"\xC1\x80\0\0\0\0", 1002),
        ("/", b"\x83\x80\0\0\0\0", 1002),
        ("/", b"\x80\x80\0\0\0\0", 1002),
        ("/", b"\x09\x80\0\0\0\0", 1002),
        ("/", b"\x89\xFE\0\x7E\0\0\0\0", 1002),
        ("/", b"\x88\x81\0\0\0\0\x03", 1002),
        ("/", b"\x88\x82\0\0\0\0\x03\xEE", 1002), // 1006
        ("/", b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002),
        ("/text", b"\x82\xFE\x10\0\0\0\0\0", 1003),
        ("/", b"\x81\x81\0\0\0\0\xFF", 1007),
        ("/", b"\x88\x83\0\0\0\0\x03\xE8\xFF", 1007),
        ("/", b"\x82\xFF\0\0\0\x01\0\0\0\0\0\0\0\0", 1009),
    ] {
        let (mut stream, _) = client.ours(path, None).await.into_parts();
        stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        stream.write_all(breach).await.unwrap();
        // What follows must neither be answered nor destroy the Close frame.
        let _ = stream.write_all(&[0; 100_000]).await;
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        let close = received.strip_prefix(b"\x81\x02hi\x88").expect("the echo, and a Close frame");
        assert_eq!(usize::from(close[0]), close.len() - 1, "{breach:02x?}");
        assert_eq!(u16::from_be_bytes([close[1], close[2]]), code, "{breach:02x?}");
    }
}

/// Checks that requests which break a rule are refused with the status that is due.
pub async fn check_refusals(connect: impl AsyncFn() -> Box<dyn Io>) {
    const REQUEST: &str = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (from, to, status, field) in [
        ("GET", "GET", 101, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("GET", "POST", 405, "allow: GET"),
        ("Upgrade: websocket\r\n", "", 426, "upgrade: websocket"),
        ("Version: 13", "Version: 8", 426, "sec-websocket-version: 13"),
        ("ZQ==", "ZQ", 400, "connection: close"),
    ] {
        let request = format!("GET / HTTP/1.1\r\n{REQUEST}").replacen(from, to, 1);
        let mut stream = connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        while !received.windows(4).any(|window| window == b"\r\n\r\n") {
            assert_ne!(
                timeout(PATIENCE, stream.read_buf(&mut received)).await.unwrap().unwrap(),
                0
            );
        }
        let head = String::from_utf8(received).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let mut lines = head.lines();
        assert!(lines.any(|line| line.eq_ignore_ascii_case(field)), "{field} is not in {head}");
    }
}

/// A stream in a box.
pub trait Io: Stream {}

impl<S: Stream> Io for S {}

/// Returns a request of tungstenite.
pub fn request(uri: &str, offers: &[&str]) -> tungstenite::ClientRequestBuilder {
    let builder = tungstenite::ClientRequestBuilder::new(uri.parse().unwrap());
    offers.iter().fold(builder, |builder, offer| builder.with_sub_protocol(*offer))
}
