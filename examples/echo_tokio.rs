//! An echo server on tokio: `echo_tokio ADDRESS`.
//!
//! ```sh
//! cargo run --release --features deflate,tokio --example echo_tokio -- 127.0.0.1:9001
//! ```

use tokio::net::{TcpListener, TcpStream};
use wsvet::deflate::Parameters;
use wsvet::endpoint::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Policy, Role};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let server = Server::new().permessage_deflate(Parameters::new());
    let mut socket = WebSocket::accept(stream, Policy::new(Role::Server), &server).await?;
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}
