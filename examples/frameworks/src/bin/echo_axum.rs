//! An echo server on axum, over HTTP/1.1 and HTTP/2: `echo_axum ADDRESS`. At `/text` it accepts text
//! alone, and refuses a binary message with 1003 at its header.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use wsvet::deflate::Parameters;
use wsvet::endpoint::WebSocket;
use wsvet::handshake::{Agreement, Server};
use wsvet::{Accepts, Policy, Role};

const ALL: Policy = Policy::new(Role::Server).max_message(16 << 20);
const TEXT: Policy = ALL.accepts(Accepts::TextOnly);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/", any(|request| upgrade(request, ALL)))
        .route("/text", any(|request| upgrade(request, TEXT)));
    axum::serve(listener, app).await
}

async fn upgrade(request: Request, policy: Policy) -> http::Response<String> {
    let server = Server::new().subprotocols(["mqtt"]).permessage_deflate(Parameters::new());
    let (response, agreement) = server.respond_http(&request);
    if let Some(agreement) = agreement {
        tokio::spawn(async move {
            if let Err(error) = echo(request, policy, agreement).await {
                eprintln!("{error}");
            }
        });
    }
    response
}

async fn echo(
    request: Request,
    policy: Policy,
    agreement: Agreement,
) -> Result<(), Box<dyn std::error::Error>> {
    let stream = TokioIo::new(hyper::upgrade::on(request).await?);
    let mut socket = WebSocket::from_upgraded(stream, policy, agreement, "");
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}
