//! An echo server on tokio, through the codec: `echo_server ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec,deflate --example echo_server -- 127.0.0.1:9001
//! ```

mod handshake;

use std::io;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;
use wsvet::codec::Messages;
use wsvet::deflate::Parameters;
use wsvet::{FrameRef, Message, Policy, Role};

use handshake::sockets::{accept, end, listen};

const POLICY: Policy = Policy::new(Role::Server).max_message(64 << 20).max_fragments(1 << 20);

/// How much is written at once, in bytes: all that the echo of one read can be.
const AT_ONCE: usize = 256 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    listen(serve).await
}

async fn serve(socket: TcpStream) -> Result<(), wsvet::codec::Error> {
    let mut messages = accept(socket, negotiate).await?;
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

/// Accepts permessage-deflate where it is offered.
fn negotiate(offers: &str) -> (Messages, String) {
    match Parameters::new().accept(offers) {
        Some(agreed) => (Messages::deflate(POLICY, agreed), agreed.to_string()),
        None => (Messages::new(POLICY), String::new()),
    }
}

/// Sends back what comes, until the peer has closed or broken a rule.
async fn echo(messages: &mut Framed<TcpStream, Messages>) -> Result<(), wsvet::codec::Error> {
    while !messages.codec().frames().is_done() {
        // All that one read has brought is answered by one write.
        let more = FrameRef::decode(messages.read_buffer()).is_ok();
        let received = match more.then(|| messages.next().now_or_never()).flatten() {
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
