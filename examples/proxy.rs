//! A proxy that validates what passes through it, in both directions: `proxy ADDRESS HOST:PORT`.
//!
//! ```sh
//! cargo run --release --features deflate,tokio --example proxy -- 127.0.0.1:9002 127.0.0.1:9001
//! ```
//!
//! It forwards the opening handshake and all frames unchanged, in chunks as they arrive. If an endpoint
//! breaks a rule, it is sent the Close frame that is due, and the other one is sent 1001. When a
//! connection is over, the proxy prints how it ended.

use std::error::Error;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wsvet::endpoint::gateway::Gateway;
use wsvet::handshake::{
    InvalidHttp, Outcome, ResponseBuilder, Rule, parse_request, parse_response,
};
use wsvet::{Policy, Role};

/// What both accept. The limit bounds what a compressed message inflates to.
const CLIENT: Policy = Policy::new(Role::Client).max_message(64 << 20);
const SERVER: Policy = Policy::new(Role::Server).max_message(64 << 20);
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(server)) = (arguments.next(), arguments.next()) else {
        return Err("usage: proxy ADDRESS HOST:PORT".into());
    };
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((client, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // too many open files
            continue;
        };
        let server = server.clone();
        tokio::spawn(async move {
            match pass(client, &server).await {
                Ok(ending) => println!("{peer}: {ending}"),
                Err(error) => eprintln!("{peer}: {error}"),
            }
        });
    }
}

/// Forwards a connection, and returns how it ended.
async fn pass(mut client: TcpStream, server: &str) -> io::Result<String> {
    let opening = tokio::time::timeout(PATIENCE, open(&mut client, server));
    let (mut gateway, mut server, [sent, received]) = opening.await??;
    server.write_all(&gateway.receive(Role::Client, &sent).to_vec()).await?;
    client.write_all(&gateway.receive(Role::Server, &received).to_vec()).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    gateway.forward(client, server, PATIENCE).await;
    Ok(match gateway.refused() {
        Some(refused) => refused.to_string(),
        None => gateway.conversation().verdict().to_string(),
    })
}

/// Forwards the opening handshake. Returns a gateway for what was agreed on, the connection to the
/// server, and the bytes of the client and of the server that arrived after it.
async fn open(
    client: &mut TcpStream,
    server: &str,
) -> io::Result<(Gateway, TcpStream, [Vec<u8>; 2])> {
    let validate = |request: &[u8]| parse_request(request, |request| request.validate());
    let (mut request, (len, valid)) = head(client, validate).await?;
    let sent = request.split_off(len);
    if let Err(rule) = valid {
        let refusal = ResponseBuilder::refuse(rule).build().map_err(io::Error::other)?;
        client.write_all(refusal.as_bytes()).await?;
        return Err(io::Error::other(rule));
    }
    let mut server = TcpStream::connect(server).await?;
    server.write_all(&request).await?;
    let (mut response, (end, agreement)) = head(&mut server, |received| {
        parse_response(received, |response| {
            let parsed = parse_request(&request, |request| response.validate(request));
            let (_, outcome) = parsed.ok().flatten().expect("it was parsed before");
            outcome.map(|outcome| match outcome {
                Outcome::Accepted(accepted) => Some(accepted.agreement()),
                Outcome::Refused(_) => None,
            })
        })
    })
    .await?;
    let received = response.split_off(end);
    client.write_all(&response).await?;
    let agreement = agreement.map_err(|rule: Rule| io::Error::other(rule))?;
    let agreement = agreement.ok_or_else(|| io::Error::other("the server refused"))?;
    let gateway = Gateway::agreed(CLIENT, SERVER, &agreement, rand::random());
    Ok((gateway, server, [sent, received]))
}

/// Reads the head of an HTTP message. Returns all bytes that arrived, and what `parse` returned.
async fn head<T>(
    socket: &mut TcpStream,
    parse: impl Fn(&[u8]) -> Result<Option<(usize, T)>, InvalidHttp>,
) -> io::Result<(Vec<u8>, (usize, T))> {
    let mut received = Vec::new();
    loop {
        if received.len() > 16 << 10 {
            return Err(io::Error::other("the HTTP head is longer than 16 KiB"));
        }
        if socket.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(parsed) = parse(&received).map_err(io::Error::other)? {
            return Ok((received, parsed));
        }
    }
}
