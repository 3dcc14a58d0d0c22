//! An echo server on tokio, through the codec: `echo_server ADDRESS`.
//!
//! ```sh
//! cargo run --release --features codec,deflate --example echo_server -- 127.0.0.1:9001
//! ```
//!
//! It uses the codec without `Framed`: the answers to everything that one read has received are sent
//! with one write. `echo_tokio` is the same server on `endpoint::WebSocket`, which does what is written
//! here by hand.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wsvet::codec::{Error, Messages};
use wsvet::deflate::Parameters;
use wsvet::handshake::{ResponseBuilder, Server, parse_request};
use wsvet::{Message, Policy, Role};

const POLICY: Policy = Policy::new(Role::Server).max_message(64 << 20).max_fragments(1 << 20);

/// The maximum length of the head of a request in bytes.
const MAX_HEAD: usize = 8 << 10;

/// The time that a client has for its request, and to close its side of the connection at the end.
const LIMIT: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let accepted = timeout(LIMIT, accept(&mut stream, &mut received)).await;
    let mut served = Ok(());
    if let Some(mut messages) = accepted.map_err(io::Error::from)?? {
        served = echo(&mut stream, &mut messages, &mut received).await;
        if let Err(error) = &served
            && let Some(close) = error.reply()
        {
            let mut out = BytesMut::new();
            messages.encode(close, &mut out)?;
            stream.write_all(&out).await?;
        }
    }
    end(stream).await?;
    served
}

/// Receives the request and sends the response. Returns `None` if the request was refused.
async fn accept(stream: &mut TcpStream, received: &mut BytesMut) -> io::Result<Option<Messages>> {
    let server = Server::new().permessage_deflate(Parameters::new());
    let (response, agreement) = loop {
        if received.len() > MAX_HEAD || stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parse_request(received, |request| server.respond(request)) {
            Ok(None) => {}
            Ok(Some((len, responded))) => {
                received.advance(len);
                break responded;
            }
            Err(error) => break (ResponseBuilder::refuse_with(400, &error.to_string()), None),
        }
    };
    let response = response.build().map_err(io::Error::other)?;
    stream.write_all(response.as_bytes()).await?;
    Ok(agreement.map(|agreement| match agreement.permessage_deflate {
        Some(parameters) => Messages::deflate(POLICY, parameters),
        None => Messages::new(POLICY),
    }))
}

/// Closes the sending side, and reads until the client has closed its side. A stream that is closed
/// with unread bytes is reset, and a reset can overtake a Close frame.
async fn end(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let _ = timeout(LIMIT, tokio::io::copy(&mut stream, &mut tokio::io::sink())).await;
    Ok(())
}

/// Sends back what comes, until the peer has closed or broken a rule.
async fn echo(
    stream: &mut TcpStream,
    messages: &mut Messages,
    received: &mut BytesMut,
) -> Result<(), Error> {
    let mut out = BytesMut::new();
    loop {
        let read = answer(messages, received, &mut out);
        // What came before a violation is answered too.
        stream.write_all(&out).await?;
        out.clear();
        read?;
        if messages.frames().is_done() {
            return Ok(());
        }
        if stream.read_buf(received).await? == 0 {
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
