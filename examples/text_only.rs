//! A server that takes text alone: `text_only ADDRESS`.
//!
//! ```sh
//! cargo run --release --features tokio --example text_only -- 127.0.0.1:9001
//! ```
//!
//! A binary message is refused with 1003 Unsupported Data at its header, before any of its payload
//! has come: a client that announces a gigabyte is told so at once.

use tokio::net::{TcpListener, TcpStream};
use wsvet::endpoint::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Accepts, Message, Policy, Role};

const POLICY: Policy = Policy::new(Role::Server)
    .accepts(Accepts::TextOnly)
    .max_message(1 << 20)
    .max_fragments(1 << 10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Says of each text how long it is.
async fn serve(stream: TcpStream) -> Result<(), Error> {
    let mut socket = WebSocket::accept(stream, POLICY, &Server::new()).await?;
    while let Some(message) = socket.next().await? {
        if let Message::Text(text) = message {
            socket.feed(format!("{} characters", text.chars().count())).await?;
        }
    }
    Ok(())
}
