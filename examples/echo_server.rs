//! An echo server on tokio, through the codec: `echo_server ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec --example echo_server -- 127.0.0.1:9001
//! ```

mod handshake;

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, FramedParts};
use wsvet::codec::Messages;
use wsvet::{Message, Policy, Role};

use handshake::Head;

const POLICY: Policy = Policy::new(Role::Server).max_message(64 << 20).max_fragments(1 << 20);

/// How much is written at once, in bytes.
const AT_ONCE: usize = 64 << 10;

/// How long a peer has to end its side of the connection.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(socket).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(socket: TcpStream) -> Result<(), wsvet::codec::Error> {
    socket.set_nodelay(true)?;
    let mut parts = FramedParts::new::<Message>(socket, Messages::new(POLICY));
    parts.read_buf = accept(&mut parts.io).await?;
    let mut messages = Framed::from_parts(parts);
    messages.set_backpressure_boundary(AT_ONCE);
    let served = echo(&mut messages).await;
    if let Err(error) = &served
        && let Some(close) = error.reply()
    {
        messages.send(close).await?;
    }
    end(messages.into_inner()).await?;
    served
}

/// Sends back what comes, until the peer has closed or broken a rule.
async fn echo(messages: &mut Framed<TcpStream, Messages>) -> Result<(), wsvet::codec::Error> {
    while !messages.codec().frames().is_done() {
        // All that has come is answered before anything is sent.
        let received = match messages.next().now_or_never() {
            Some(received) => received,
            None => {
                messages.flush().await?;
                messages.next().await
            }
        };
        let Some(message) = received.transpose()? else { break };
        match message {
            Message::Text(_) | Message::Binary(_) => messages.feed(message).await?,
            control => {
                if let Some(answer) = control.answer() {
                    messages.feed(answer).await?;
                }
            }
        }
    }
    messages.flush().await
}

/// Reads the request and answers it; gives what came behind it.
async fn accept(socket: &mut TcpStream) -> io::Result<BytesMut> {
    let mut received = BytesMut::new();
    loop {
        if socket.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Head::Whole(len, answer) = handshake::answer(&received)? {
            received.advance(len);
            socket.write_all(answer.as_bytes()).await?;
            // An idle connection keeps no memory of its head.
            return Ok(if received.is_empty() { BytesMut::new() } else { received });
        }
    }
}

/// Ends the connection so that the peer reads all that was sent: a socket that is closed with bytes
/// unread is reset, and a reset can overtake a Close.
async fn end(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut rest = [0; 4096];
    let drain = async {
        while socket.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::time::timeout(PATIENCE, drain).await.unwrap_or(Ok(()))
}
