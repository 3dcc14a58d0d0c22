//! The same server on each crate: what is sent is flushed when nothing more has come.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wsvet::codec::Messages;
use wsvet::endpoint::WebSocket;
use wsvet::handshake::Server;
use wsvet::{Accepts, FrameMut, Header, Policy, Role, encode};

use crate::broadcast;

/// The servers, those of this crate first. The last validates nothing: it takes what the kernel and
/// the runtime take, which every server needs.
pub(crate) const SERVERS: [&str; 7] = [
    "wsvet endpoint",
    "wsvet halves",
    "wsvet codec",
    "tokio-tungstenite",
    "fastwebsockets",
    "sockudo-ws",
    "bytes alone",
];

/// What an idle connection takes whatever serves it: a task that holds the socket, and waits.
pub(crate) const TASK: &str = "a task alone";

/// A server for `--soak`: it accepts only text, sends Pings, and closes a connection that does not answer them.
pub(crate) const SOAK: &str = "wsvet text only";

/// What that server accepts.
pub(crate) const TEXT: Policy = Policy::new(Role::Server)
    .accepts(Accepts::TextOnly)
    .max_message(1 << 20)
    .max_fragments(1 << 10);

const POLICY: Policy = Policy::new(Role::Server).max_message(64 << 20);

/// How much is read or written at once, in bytes.
const AT_ONCE: usize = 128 << 10;

/// Serves until the process is killed.
pub(crate) fn serve(name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        if broadcast::SERVERS.contains(&name) {
            return broadcast::serve(name, listener).await;
        }
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            socket.set_nodelay(true).expect("a socket");
            match name {
                "wsvet endpoint" => drop(tokio::spawn(endpoint(socket))),
                "wsvet halves" => drop(tokio::spawn(halves(socket))),
                "wsvet codec" => drop(tokio::spawn(codec(socket))),
                "tokio-tungstenite" => drop(tokio::spawn(tungstenite(socket))),
                "fastwebsockets" => drop(tokio::spawn(fastwebsockets(socket))),
                "sockudo-ws" => drop(tokio::spawn(sockudo(socket))),
                "bytes alone" => drop(tokio::spawn(bytes(socket))),
                TASK => drop(tokio::spawn(wait(socket))),
                SOAK => drop(tokio::spawn(text_only(socket))),
                name => panic!("no server is called {name}"),
            }
        }
    });
}

/// What a user writes: `examples/echo_tokio.rs` without compression.
async fn endpoint(socket: TcpStream) {
    let Some(mut socket) = accept(socket).await else { return };
    while let Ok(Some(message)) = socket.next().await {
        if message.is_data() && socket.feed(message).await.is_err() {
            return;
        }
    }
}

/// The server of `--soak`.
async fn text_only(socket: TcpStream) {
    let Ok(socket) = Box::pin(WebSocket::accept(socket, TEXT, &Server::new())).await else {
        return;
    };
    let mut socket = socket.keep_alive(Duration::from_secs(10), Duration::from_secs(10));
    while let Ok(Some(message)) = socket.next().await {
        if message.is_data() && socket.feed(message).await.is_err() {
            return;
        }
    }
}

/// The same with a receiver and a sender that two tasks could have.
async fn halves(socket: TcpStream) {
    let Some(socket) = accept(socket).await else { return };
    let (mut receiver, mut sender) = socket.split();
    while let Ok(Some(message)) = receiver.next().await {
        if message.is_data() && sender.feed(message).await.is_err() {
            return;
        }
    }
}

/// A loop of one's own over the codec.
async fn codec(socket: TcpStream) {
    let Some(mut socket) = upgraded(socket).await else { return };
    let mut messages = Messages::new(POLICY);
    let (mut received, mut to_send) = (BytesMut::new(), BytesMut::new());
    loop {
        match messages.decode(&mut received) {
            Ok(Some(message)) => {
                if messages.encode(message, &mut to_send).is_err() {
                    return;
                }
            }
            Ok(None) => {
                if socket.write_all(&to_send).await.is_err()
                    || !matches!(socket.read_buf(&mut received).await, Ok(1..))
                {
                    return;
                }
                to_send.clear();
            }
            Err(_) => return,
        }
    }
}

async fn tungstenite(socket: TcpStream) {
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol;

    let Some(socket) = upgraded(socket).await else { return };
    echo(WebSocketStream::from_raw_socket(socket, protocol::Role::Server, None).await).await;
}

async fn sockudo(socket: TcpStream) {
    let Some(socket) = upgraded(socket).await else { return };
    let config = sockudo_ws::Config::default();
    echo(sockudo_ws::WebSocketStream::server(socket, config)).await;
}

async fn fastwebsockets(socket: TcpStream) {
    use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};

    let Some(socket) = upgraded(socket).await else { return };
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(socket, Role::Server));
    while let Ok(frame) = socket.read_frame().await {
        if !matches!(frame.opcode, OpCode::Text | OpCode::Binary)
            || socket.write_frame(frame).await.is_err()
        {
            return;
        }
    }
}

/// Counts the bytes that come, and sends the echo of the first frame as often as one is whole.
async fn bytes(socket: TcpStream) {
    let Some(mut socket) = upgraded(socket).await else { return };
    let mut buffer = vec![0; AT_ONCE];
    let mut there = 0;
    let (frame, echo) = loop {
        match socket.read(&mut buffer[there..]).await {
            Ok(len @ 1..) => there += len,
            _ => return,
        }
        if let Ok((frame, _)) = FrameMut::decode(&mut buffer[..there]) {
            let frame = frame.unmask();
            let mut echo = vec![0; frame.payload.len() + Header::MAX_LEN];
            let len = encode::single(frame.header.opcode(), frame.payload, None, &mut echo)
                .expect("it fits");
            echo.truncate(len);
            break (frame.header.header_len() + frame.payload.len(), echo);
        }
    };
    let echoes = echo.repeat((AT_ONCE / echo.len()).max(1));
    loop {
        let mut left = there / frame * echo.len();
        there %= frame;
        while left > 0 {
            let part = left.min(echoes.len());
            if socket.write_all(&echoes[..part]).await.is_err() {
                return;
            }
            left -= part;
        }
        match socket.read(&mut buffer).await {
            Ok(len @ 1..) => there += len,
            _ => return,
        }
    }
}

/// Waits for a message, and has no memory for it.
async fn wait(socket: TcpStream) {
    let Some(socket) = upgraded(socket).await else { return };
    // Where it came it would be lost.
    let _ = socket.readable().await;
}

/// Sends back what comes.
async fn echo<S, M, E>(mut messages: S)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    loop {
        let received = match messages.next().now_or_never() {
            Some(received) => received,
            None => {
                if messages.flush().await.is_err() {
                    return;
                }
                messages.next().await
            }
        };
        let Some(Ok(message)) = received else { return };
        if messages.feed(message).await.is_err() {
            return;
        }
    }
}

/// The opening handshake. The memory that it takes is no part of the task.
pub(crate) async fn accept(socket: TcpStream) -> Option<WebSocket<TcpStream>> {
    Box::pin(WebSocket::accept(socket, POLICY, &Server::new())).await.ok()
}

/// The opening handshake for a crate that takes the socket after it. The client sends nothing before it
/// has ended.
pub(crate) async fn upgraded(socket: TcpStream) -> Option<TcpStream> {
    accept(socket).await.map(|socket| socket.into_parts().0)
}
