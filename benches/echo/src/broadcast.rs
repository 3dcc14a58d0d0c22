//! One message to a thousand connections, again and again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wsvet::codec::Prepared;
use wsvet::endpoint::WebSocket;
use wsvet::{OpCode, encode};

use crate::load;
use crate::process::Server;
use crate::servers::{accept, upgraded};

/// The servers, by what a server is called that is started with `serve`.
pub(crate) const SERVERS: [&str; 3] =
    ["broadcast: wsvet", "broadcast: tokio-tungstenite", "broadcast: bytes alone"];

/// How many connections get each message.
const CONNECTIONS: usize = 1_000;

/// How many bytes it has.
const LEN: usize = 1 << 10;

/// Accepts the connections, and then sends until one of them ends.
pub(crate) async fn serve(name: &str, listener: TcpListener) {
    let text = "the quick brown fox ".repeat(LEN / 20 + 1)[..LEN].to_string();
    match name {
        "broadcast: wsvet" => wsvet(listener, Prepared::text(text)).await,
        "broadcast: tokio-tungstenite" => tungstenite(listener, text).await,
        "broadcast: bytes alone" => bytes(listener, text).await,
        name => panic!("no server is called {name}"),
    }
}

async fn connections<S, F: Future<Output = Option<S>>>(
    listener: TcpListener,
    open: impl Fn(TcpStream) -> F,
) -> Vec<S> {
    let mut sockets = Vec::with_capacity(CONNECTIONS);
    while sockets.len() < CONNECTIONS {
        let (socket, _) = listener.accept().await.expect("a connection");
        socket.set_nodelay(true).expect("a socket");
        sockets.extend(open(socket).await);
    }
    sockets
}

async fn wsvet(listener: TcpListener, prepared: Prepared) {
    let mut sockets: Vec<WebSocket<TcpStream>> = connections(listener, accept).await;
    loop {
        for socket in &mut sockets {
            if socket.send_prepared(&prepared).await.is_err() {
                return;
            }
        }
    }
}

async fn tungstenite(listener: TcpListener, text: String) {
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::{Message, protocol};

    let mut sockets = Vec::with_capacity(CONNECTIONS);
    for socket in connections(listener, upgraded).await {
        let role = protocol::Role::Server;
        sockets.push(WebSocketStream::from_raw_socket(socket, role, None).await);
    }
    let message = Message::text(text);
    loop {
        for socket in &mut sockets {
            // The payload is shared, not copied, by this clone.
            if socket.send(message.clone()).await.is_err() {
                return;
            }
        }
    }
}

/// Writes the bytes of the frame.
async fn bytes(listener: TcpListener, text: String) {
    let mut frame = Vec::new();
    encode::append_single(OpCode::Text, text.as_bytes(), None, &mut frame).expect("it is legal");
    let mut sockets = connections(listener, upgraded).await;
    loop {
        for socket in &mut sockets {
            if socket.write_all(&frame).await.is_err() {
                return;
            }
        }
    }
}

/// Reads on all connections for this time, and returns the number of messages that have arrived.
fn receive(address: SocketAddr, time: Duration) -> u64 {
    let sockets = load::connect(address, CONNECTIONS);
    let end = Instant::now() + time;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let bytes = runtime.expect("a runtime").block_on(async {
        let clients: Vec<_> = sockets
            .into_iter()
            .map(|socket| {
                tokio::spawn(async move {
                    socket.set_nonblocking(true).expect("a socket");
                    let mut socket = TcpStream::from_std(socket).expect("a socket");
                    let (mut buffer, mut received) = ([0; 16 << 10], 0);
                    while Instant::now() < end {
                        let len = socket.read(&mut buffer).await.expect("a server that writes");
                        assert!(len > 0, "the server has closed");
                        received += len as u64;
                    }
                    received
                })
            })
            .collect();
        let mut bytes = 0;
        for client in clients {
            bytes += client.await.expect("no client panics");
        }
        bytes
    });
    bytes / (LEN as u64 + 4)
}

/// Measures all servers, in turns.
pub(crate) fn run(seconds: u64, rounds: u64) {
    println!(
        "1 KiB to each of {CONNECTIONS} connections: best of {rounds} rounds of {seconds} s, in turns"
    );
    let mut best = SERVERS.map(|_| (f64::INFINITY, 0.0));
    for _ in 0..rounds {
        for (best, name) in best.iter_mut().zip(SERVERS) {
            let server = Server::start(name);
            let before = server.processor_time();
            let messages = receive(server.address(), Duration::from_secs(seconds));
            let after = server.processor_time();
            let [itself, kernel] =
                [0, 1].map(|i| 1e6 * (after[i] - before[i]).as_secs_f64() / messages as f64);
            if itself + kernel < best.0 {
                *best = (itself + kernel, itself);
            }
        }
    }
    for (name, (time, itself)) in SERVERS.iter().zip(best) {
        println!(
            "{name:<30} {time:>6.3} µs of processor time a message and connection, {itself:.3} of \
             them its own"
        );
    }
}
