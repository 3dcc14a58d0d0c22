//! An echo client on tokio, through the codec: `echo_client URL`.
//!
//! ```sh
//! cargo run --release --features codec,deflate --example echo_client -- ws://127.0.0.1:9001/
//! ```
//!
//! It sends back what the server sends until that closes, as a conformance suite wants it. With
//! `--lines` it sends each line of its input as a text message, and prints what comes back.

mod handshake;

use std::error::Error;
use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;
use wsvet::codec::Messages;
use wsvet::deflate::Parameters;
use wsvet::{CloseCode, Message, Policy, Role};

use handshake::sockets::{connect, end};

const POLICY: Policy = Policy::new(Role::Client).max_message(64 << 20).max_fragments(1 << 20);

type Connection = Framed<TcpStream, Messages>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = false;
    let mut url = "ws://127.0.0.1:9001/".to_owned();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--lines" => lines = true,
            _ => url = argument,
        }
    }
    let offers = Parameters::new().offer();
    let agree = |answer: &str| {
        let messages = match Parameters::agreed(&offers, answer).map_err(io::Error::other)? {
            Some(agreed) => Messages::deflate(POLICY, agreed),
            None => Messages::new(POLICY),
        };
        Ok(messages.with_keys(rand::random))
    };
    let mut messages = connect(&url, rand::random(), &offers, agree).await?;
    let done = if lines { talk(&mut messages).await } else { echo(&mut messages).await };
    if let Err(error) = &done
        && let Some(close) = error.reply()
    {
        messages.send(close).await?;
    }
    end(messages.into_inner()).await?;
    Ok(done?)
}

/// Sends back what comes, until the server has closed.
async fn echo(messages: &mut Connection) -> Result<(), wsvet::codec::Error> {
    while let Some(message) = messages.next().await.transpose()? {
        match message {
            Message::Text(_) | Message::Binary(_) => messages.send(message).await?,
            control => {
                if let Some(reply) = control.reply() {
                    messages.send(reply).await?;
                }
            }
        }
    }
    Ok(())
}

/// Sends each line, and prints what comes back.
async fn talk(messages: &mut Connection) -> Result<(), wsvet::codec::Error> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        messages.send(Message::text(line)).await?;
        while let Some(message) = messages.next().await.transpose()? {
            match message {
                Message::Text(text) => {
                    println!("{text}");
                    break;
                }
                Message::Close(close) => {
                    println!("closed: {}", close.map_or("no code".to_owned(), |c| c.to_string()));
                    return messages.send(Message::Close(None)).await;
                }
                control => {
                    if let Some(reply) = control.reply() {
                        messages.send(reply).await?;
                    }
                }
            }
        }
    }
    messages.send(Message::close(CloseCode::NORMAL_CLOSURE, "done")).await?;
    while messages.next().await.transpose()?.is_some() {}
    Ok(())
}
