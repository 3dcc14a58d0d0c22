//! An echo client on tokio: `echo_client URL`.
//!
//! ```sh
//! cargo run --release --features deflate,tokio --example echo_client -- ws://127.0.0.1:9001/
//! ```
//!
//! It sends back what the server sends until that closes, as a conformance suite wants it. With
//! `--lines` it sends each line of its input as a text message, and prints what comes back.

use std::error::Error;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use wsvet::deflate::Parameters;
use wsvet::endpoint::{self, WebSocket};
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{CloseCode, Message, Policy, Role};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (options, urls): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument == "--lines");
    let url = urls.first().map_or("ws://127.0.0.1:9001/", String::as_str);
    let rest = url.strip_prefix("ws://").ok_or("the URL must start with ws://")?;
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target };

    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let request = RequestBuilder::new(host, target, Key::new(rand::random()))
        .extensions(&*Parameters::new().offer());
    let policy = Policy::new(Role::Client);
    let mut socket = WebSocket::connect(stream, policy, &request, rand::random).await?;
    if options.is_empty() {
        echo(&mut socket).await?
    } else {
        talk(&mut socket).await?
    }
    Ok(())
}

/// Sends back what comes, until the server has closed.
async fn echo(socket: &mut WebSocket<TcpStream>) -> Result<(), endpoint::Error> {
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}

/// Sends each line, and prints what comes back.
async fn talk(socket: &mut WebSocket<TcpStream>) -> Result<(), endpoint::Error> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        socket.send(Message::text(line)).await?;
        while let Some(message) = socket.next().await? {
            match message {
                Message::Text(text) => {
                    println!("{text}");
                    break;
                }
                Message::Close(close) => {
                    println!("closed: {}", close.map_or("no code".to_owned(), |c| c.to_string()));
                    return Ok(());
                }
                _ => {}
            }
        }
    }
    socket.close(CloseCode::NORMAL_CLOSURE, "done").await
}
