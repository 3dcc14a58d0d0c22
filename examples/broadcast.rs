//! A server that sends what a client says to all clients: `broadcast ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec,deflate --example broadcast -- 127.0.0.1:9001
//! ```
//!
//! Each message is encoded once. For clients with permessage-deflate it is compressed once, too,
//! because the server gives up its context takeover.

mod handshake;

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::timeout;
use tokio_util::codec::FramedParts;
use wsvet::codec::{Error, Messages, Prepared};
use wsvet::deflate::Parameters;
use wsvet::encode::SendBuffer;
use wsvet::{CloseCode, Message, Policy, Role};

use handshake::sockets::{accept, end, listen};

const POLICY: Policy = Policy::new(Role::Server).max_message(1 << 20);

/// The number of messages that a client may be behind.
const BEHIND: usize = 64;

/// The time limit for a write. A client that takes longer does not read.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let (all, _) = broadcast::channel(BEHIND);
    listen(move |socket| serve(socket, all.clone())).await
}

async fn serve(socket: TcpStream, all: Sender<Prepared>) -> Result<(), Error> {
    let received = all.subscribe();
    let FramedParts { io: mut socket, codec: mut messages, read_buf, .. } =
        accept(socket, negotiate).await?.into_parts();
    let mut to_send = SendBuffer::new();
    let served = talk(&mut socket, &mut messages, read_buf, &mut to_send, &all, received).await;
    if let Err(error) = &served
        && let Some(close) = error.reply()
    {
        messages.encode(close, &mut to_send)?;
    }
    if !matches!(served, Err(Error::Io(_))) {
        write(&mut socket, &mut to_send).await?;
        end(socket).await?;
    }
    served
}

/// Accepts permessage-deflate where it is offered, without context takeover of the server.
fn negotiate(offers: &str) -> (Messages, String) {
    match Parameters::new().server_no_context_takeover(true).accept(offers) {
        Some(agreed) => (Messages::deflate(POLICY, agreed), agreed.to_string()),
        None => (Messages::new(POLICY), String::new()),
    }
}

/// Passes on what the client says, and sends it what all say, until it has closed or broken a rule.
async fn talk(
    socket: &mut TcpStream,
    messages: &mut Messages,
    mut read_buf: BytesMut,
    to_send: &mut SendBuffer,
    all: &Sender<Prepared>,
    mut received: Receiver<Prepared>,
) -> Result<(), Error> {
    loop {
        while let Some(message) = messages.decode(&mut read_buf)? {
            match message {
                Message::Text(text) => _ = all.send(Prepared::text(text)),
                Message::Binary(bytes) => _ = all.send(Prepared::binary(bytes)),
                control => {
                    if let Some(reply) = control.reply() {
                        messages.encode(reply, to_send)?;
                    }
                }
            }
        }
        write(socket, to_send).await?;
        if messages.frames().is_done() {
            return Ok(());
        }
        tokio::select! {
            read = socket.read_buf(&mut read_buf) => {
                if read? == 0 {
                    return messages.decode_eof(&mut read_buf).map(|_| ());
                }
            }
            prepared = received.recv(), if !messages.frames().closing().has_sent() => match prepared {
                Ok(prepared) => messages.encode_prepared(&prepared, to_send)?,
                Err(_) => {
                    let close = Message::close(CloseCode::TRY_AGAIN_LATER, "too far behind");
                    messages.encode(close, to_send)?;
                }
            },
        }
    }
}

/// Writes all that is to be sent.
async fn write(socket: &mut TcpStream, to_send: &mut SendBuffer) -> io::Result<()> {
    timeout(WRITE_LIMIT, socket.write_all_buf(to_send)).await?
}
