//! A server that sends what a client says to all clients: `broadcast ADDRESS`.
//!
//! ```sh
//! cargo run --release --features deflate,tokio --example broadcast -- 127.0.0.1:9001
//! ```
//!
//! Each message is encoded once. For clients with permessage-deflate it is compressed once, too,
//! because the server gives up its context takeover.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use wsvet::codec::Prepared;
use wsvet::deflate::Parameters;
use wsvet::endpoint::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{CloseCode, Message, Policy, Role};

/// The number of messages that a client may be behind.
const BEHIND: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (all, _) = broadcast::channel(BEHIND);
    loop {
        let (stream, peer) = listener.accept().await?;
        let all = all.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, all).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, all: Sender<Prepared>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut news = all.subscribe();
    let deflate = Parameters::new().server_no_context_takeover(true);
    let server = Server::new().permessage_deflate(deflate);
    let policy = Policy::new(Role::Server).max_message(1 << 20);
    let socket = WebSocket::accept(stream, policy, &server).await?;
    // A client that reads nothing for 10 s is given up.
    let mut socket = socket.keep_alive(Duration::from_secs(5), Duration::from_secs(5));
    loop {
        tokio::select! {
            message = socket.next() => match message? {
                Some(Message::Text(text)) => _ = all.send(Prepared::text(text)),
                Some(Message::Binary(bytes)) => _ = all.send(Prepared::binary(bytes)),
                Some(_) => {}
                None => return Ok(()),
            },
            prepared = news.recv() => match prepared {
                Ok(prepared) => socket.send_prepared(&prepared).await?,
                Err(RecvError::Lagged(_)) => {
                    return socket.close(CloseCode::TRY_AGAIN_LATER, "too far behind").await;
                }
                Err(RecvError::Closed) => return socket.close(CloseCode::GOING_AWAY, "").await,
            },
        }
    }
}
