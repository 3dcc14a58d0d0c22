//! `tokio_tungstenite`: echoes messages of at most 1 MiB; at `/text` it accepts text alone.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

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

#[allow(clippy::result_large_err)]
async fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut text_only = false;
    let callback = |request: &Request, response: Response| {
        text_only = request.uri().path() == "/text";
        Ok(response)
    };
    let config = WebSocketConfig::default().max_message_size(Some(1 << 20));
    let mut socket = accept_hdr_async_with_config(stream, callback, Some(config)).await?;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Binary(_) if text_only => {
                let close = CloseFrame { code: CloseCode::Unsupported, reason: "text only".into() };
                socket.close(Some(close)).await?;
            }
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}
