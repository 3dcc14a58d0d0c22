//! A server that takes text alone: `text_only ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec --example text_only -- 127.0.0.1:9001
//! ```
//!
//! A binary message is refused with 1003 Unsupported Data at its header, before any of its payload
//! has come: a client that announces a gigabyte is told so at once.

mod handshake;

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use wsvet::codec::Messages;
use wsvet::{Accepts, Message, Policy, Role};

use handshake::sockets::{accept, end, listen};

const POLICY: Policy = Policy::new(Role::Server)
    .accepts(Accepts::TextOnly)
    .max_message(1 << 20)
    .max_fragments(1 << 10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    listen(serve).await
}

/// Says of each text how long it is.
async fn serve(socket: TcpStream) -> Result<(), wsvet::codec::Error> {
    let mut messages = accept(socket, |_| (Messages::new(POLICY), String::new())).await?;
    let mut served = Ok(());
    while !messages.codec().frames().is_done() {
        let answer = match messages.next().await {
            None => break,
            Some(Ok(Message::Text(text))) => {
                Some(Message::text(format!("{} characters", text.chars().count())))
            }
            Some(Ok(message)) => message.reply(),
            Some(Err(error)) => {
                let close = error.reply();
                served = Err(error);
                close
            }
        };
        if let Some(answer) = answer {
            messages.send(answer).await?;
        }
        if served.is_err() {
            break;
        }
    }
    end(messages.into_inner()).await?;
    served
}
