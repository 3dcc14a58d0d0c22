//! `wsvet::endpoint`: echoes messages of at most 1 MiB; at `/text` it accepts text alone.

use tokio::net::{TcpListener, TcpStream};
use wsvet::endpoint::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Accepts, Policy, Role};

const ALL: Policy = Policy::new(Role::Server).max_message(1 << 20);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
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
    let mut accepts = Accepts::Any;
    let mut socket = WebSocket::accept_with(stream, ALL, |request| {
        if request.target() == "/text" {
            accepts = Accepts::TextOnly;
        }
        Server::new().respond(request)
    })
    .await?;
    socket.set_policy(ALL.accepts(accepts));
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
