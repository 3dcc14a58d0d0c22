//! `tokio_websockets`: echoes messages of at most 1 MiB; at `/text` it accepts text alone.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{CloseCode, Error, Limits, Message, ServerBuilder};

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
    let limits = Limits::default().max_payload_len(Some(1 << 20));
    let (request, mut socket) = ServerBuilder::new().limits(limits).accept(stream).await?;
    let text_only = request.uri().path() == "/text";
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_binary() && text_only {
            socket.send(Message::close(Some(CloseCode::UNSUPPORTED_DATA), "text only")).await?;
        } else if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
