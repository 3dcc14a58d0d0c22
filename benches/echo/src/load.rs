//! Clients that keep so many messages in flight, and check what comes back.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wsvet::endpoint::sync::WebSocket;
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{Header, OpCode, Policy, Role, encode};

/// So many clients, each with so many messages of so many bytes in flight.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    pub(crate) in_flight: usize,
    pub(crate) len: usize,
}

impl Load {
    /// Sends and receives for so long; gives how many messages came back.
    pub(crate) fn run(self, address: SocketAddr, time: Duration) -> u64 {
        let sockets = connect(address, self.clients);
        let end = Instant::now() + time;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let clients: Vec<_> =
                sockets.into_iter().map(|socket| tokio::spawn(self.client(socket, end))).collect();
            let mut messages = 0;
            for client in clients {
                messages += client.await.expect("no client panics");
            }
            messages
        })
    }

    async fn client(self, socket: TcpStream, end: Instant) -> u64 {
        socket.set_nonblocking(true).expect("a socket");
        let mut socket = tokio::net::TcpStream::from_std(socket).expect("a socket");
        let text: Vec<u8> =
            b"the quick brown fox ".iter().copied().cycle().take(self.len).collect();
        let header = Header::new(OpCode::Text, self.len as u64);
        let sent = written(&header.masked([0x37, 0xFA, 0x21, 0x3D]), &text);
        let echo = written(&header, &text);
        let block = sent.repeat(self.in_flight);
        socket.write_all(&block).await.expect("a server that reads");
        let mut buffer = vec![0; 256 << 10];
        // How much of an echo has come.
        let (mut part, mut messages) = (0, 0);
        while Instant::now() < end {
            let len = socket.read(&mut buffer).await.expect("a server that writes");
            assert!(len > 0, "the server has closed");
            let mut rest = &buffer[..len];
            let mut whole = 0;
            while !rest.is_empty() {
                let there = rest.len().min(echo.len() - part);
                assert!(rest[..there] == echo[part..part + there], "what comes back was sent");
                rest = &rest[there..];
                part += there;
                if part == echo.len() {
                    (part, whole) = (0, whole + 1);
                }
            }
            messages += whole;
            socket.write_all(&block[..whole as usize * sent.len()]).await.expect("it reads");
        }
        messages
    }
}

fn written(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; header.header_len() + payload.len()];
    encode::frame(header, payload, &mut frame).expect("it fits");
    frame
}

/// Opens so many connections, with their opening handshakes.
pub(crate) fn connect(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let request = RequestBuilder::new(&address.to_string(), "/", Key::new([7; 16]));
    (0..count)
        .map(|_| {
            let stream = TcpStream::connect(address).expect("a server that listens");
            stream.set_nodelay(true).expect("a socket");
            // The masking keys are not used: the load is written elsewhere.
            let socket = WebSocket::connect(stream, Policy::new(Role::Client), &request, || [7; 4]);
            socket.expect("an upgrade").into_parts().0
        })
        .collect()
}
