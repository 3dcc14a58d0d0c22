//! An echo client without a runtime: `echo_client_sync URL`.
//!
//! ```sh
//! cargo run --release --features deflate,endpoint --example echo_client_sync -- ws://127.0.0.1:9001/
//! ```
//!
//! It sends back what the server sends until that closes, as a conformance suite wants it.

use std::error::Error;
use std::net::TcpStream;

use wsvet::deflate::Parameters;
use wsvet::endpoint::sync::WebSocket;
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{Policy, Role};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001/".to_owned());
    let rest = url.strip_prefix("ws://").ok_or("the URL must start with ws://")?;
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target };

    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    let request = RequestBuilder::new(host, target, Key::new(rand::random()))
        .extensions(&*Parameters::new().offer());
    let mut socket = WebSocket::connect(stream, Policy::new(Role::Client), &request, rand::random)?;
    while let Some(message) = socket.next()? {
        if message.is_data() {
            socket.feed(message)?;
        }
    }
    Ok(())
}
