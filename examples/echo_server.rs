//! An echo server on tokio, through the codec: `echo_server ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec,deflate --example echo_server -- 127.0.0.1:9001
//! ```
//!
//! It takes the codec without `Framed`: all that one read has brought is answered by one write. The
//! client is the same through `Framed`, which is a `Stream` and a `Sink`.

mod handshake;

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::codec::FramedParts;
use wsvet::codec::{Error, Messages};
use wsvet::deflate::Parameters;
use wsvet::{Message, Policy, Role};

use handshake::sockets::{accept, end, listen};

const POLICY: Policy = Policy::new(Role::Server).max_message(64 << 20).max_fragments(1 << 20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    listen(serve).await
}

async fn serve(socket: TcpStream) -> Result<(), Error> {
    let FramedParts { io: mut socket, codec: mut messages, mut read_buf, .. } =
        accept(socket, negotiate).await?.into_parts();
    let served = echo(&mut socket, &mut messages, &mut read_buf).await;
    if let Err(error) = &served
        && let Some(close) = error.reply()
    {
        let mut out = BytesMut::new();
        messages.encode(close, &mut out)?;
        socket.write_all(&out).await?;
    }
    end(socket).await?;
    served
}

/// Accepts permessage-deflate where it is offered.
fn negotiate(offers: &str) -> (Messages, String) {
    match Parameters::new().accept(offers) {
        Some(agreed) => (Messages::deflate(POLICY, agreed), agreed.to_string()),
        None => (Messages::new(POLICY), String::new()),
    }
}

/// Sends back what comes, until the peer has closed or broken a rule.
async fn echo(
    socket: &mut TcpStream,
    messages: &mut Messages,
    received: &mut BytesMut,
) -> Result<(), Error> {
    let mut out = BytesMut::new();
    loop {
        let read = answer(messages, received, &mut out);
        // What came before a violation is answered too.
        socket.write_all(&out).await?;
        out.clear();
        read?;
        if messages.frames().is_done() {
            return Ok(());
        }
        if socket.read_buf(received).await? == 0 {
            return messages.decode_eof(received).map(|_| ());
        }
    }
}

/// Answers all messages that have come.
fn answer(
    messages: &mut Messages,
    received: &mut BytesMut,
    out: &mut BytesMut,
) -> Result<(), Error> {
    while let Some(message) = messages.decode(received)? {
        match message {
            Message::Text(_) | Message::Binary(_) => messages.encode(message, out)?,
            control => {
                if let Some(reply) = control.reply() {
                    messages.encode(reply, out)?;
                }
            }
        }
    }
    Ok(())
}
