//! The same server on each crate: what is sent is flushed when nothing more has come.

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::FramedParts;
use wsvet::codec::Messages;
use wsvet::{FrameMut, Header, Policy, Role, encode};

use crate::handshake::{Head, upgrade};

/// The servers; ours is the first. The last judges nothing: what the kernel and the runtime take,
/// which no server can do without.
pub(crate) const SERVERS: [&str; 5] =
    ["wsvet", "tokio-tungstenite", "fastwebsockets", "sockudo-ws", "bytes alone"];

/// What an idle connection takes whatever serves it: a task that holds the socket, and waits.
pub(crate) const TASK: &str = "a task alone";

/// How much is read or written at once, in bytes.
const AT_ONCE: usize = 128 << 10;

/// Serves until the process is killed.
pub(crate) fn serve(name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            socket.set_nodelay(true).expect("a socket");
            match name {
                "wsvet" => drop(tokio::spawn(wsvet(socket))),
                "tokio-tungstenite" => drop(tokio::spawn(tungstenite(socket))),
                "fastwebsockets" => drop(tokio::spawn(fastwebsockets(socket))),
                "sockudo-ws" => drop(tokio::spawn(sockudo(socket))),
                "bytes alone" => drop(tokio::spawn(bytes(socket))),
                TASK => drop(tokio::spawn(wait(socket))),
                name => panic!("no server is called {name}"),
            }
        }
    });
}

async fn wsvet(socket: TcpStream) {
    let messages = Messages::new(Policy::new(Role::Server).max_message(64 << 20));
    let accepted = crate::handshake::sockets::accept(socket, |_| (messages, String::new()));
    let Ok(accepted) = Box::pin(accepted).await else { return };
    let FramedParts { mut io, mut codec, mut read_buf, mut write_buf, .. } = accepted.into_parts();
    loop {
        match codec.decode(&mut read_buf) {
            Ok(Some(message)) => {
                if codec.encode(message, &mut write_buf).is_err() {
                    return;
                }
            }
            Ok(None) => {
                if io.write_all(&write_buf).await.is_err()
                    || !matches!(io.read_buf(&mut read_buf).await, Ok(1..))
                {
                    return;
                }
                write_buf.clear();
            }
            Err(_) => return,
        }
    }
}

async fn tungstenite(mut socket: TcpStream) {
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol;

    accept(&mut socket).await;
    echo(WebSocketStream::from_raw_socket(socket, protocol::Role::Server, None).await).await;
}

async fn sockudo(mut socket: TcpStream) {
    accept(&mut socket).await;
    let config = sockudo_ws::Config::default();
    echo(sockudo_ws::WebSocketStream::server(socket, config)).await;
}

async fn fastwebsockets(mut socket: TcpStream) {
    use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};

    accept(&mut socket).await;
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
async fn bytes(mut socket: TcpStream) {
    accept(&mut socket).await;
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
async fn wait(mut socket: TcpStream) {
    accept(&mut socket).await;
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

/// The handshake for those who take a socket on which it is done: the client sends nothing before it.
/// What it takes is no part of their tasks.
async fn accept(socket: &mut TcpStream) {
    Box::pin(shake_hands(socket)).await;
}

async fn shake_hands(socket: &mut TcpStream) {
    let mut head = Vec::new();
    loop {
        let mut piece = [0; 1024];
        let len = socket.read(&mut piece).await.expect("a request");
        head.extend_from_slice(&piece[..len]);
        if let Head::Whole(_, upgrade) = upgrade(&head).expect("an upgrade") {
            let answer = upgrade.answer("").expect("an answer");
            return socket.write_all(answer.as_bytes()).await.expect("a client");
        }
    }
}
