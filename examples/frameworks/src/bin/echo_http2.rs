//! An echo server on hyper over HTTP/2 (RFC 8441): `echo_http2 ADDRESS`. At `/text` it accepts text
//! alone, and refuses a binary message with 1003 at its header.
//!
//! It speaks HTTP/2 without TLS, to clients that know it. Browsers need TLS and ALPN.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
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
    loop {
        let (stream, _) = listener.accept().await?;
        let mut server = http2::Builder::new(TokioExecutor::new());
        let server = server.enable_connect_protocol();
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service_fn(upgrade)));
    }
}

async fn upgrade(request: Request<Incoming>) -> Result<Response<String>, http::Error> {
    let protocol = request.extensions().get::<Protocol>().map(AsRef::<[u8]>::as_ref);
    if protocol != Some(b"websocket") {
        return Response::builder().status(501).body("only `websocket`".to_owned());
    }
    let server = Server::new().subprotocols(["mqtt"]).permessage_deflate(Parameters::new());
    let (response, agreement) = server.respond_http(&request);
    if let Some(agreement) = agreement {
        tokio::spawn(async move {
            if let Err(error) = echo(request, agreement).await {
                eprintln!("{error}");
            }
        });
    }
    Ok(response)
}

async fn echo(
    request: Request<Incoming>,
    agreement: Agreement,
) -> Result<(), Box<dyn std::error::Error>> {
    let policy = if request.uri().path() == "/text" { TEXT } else { ALL };
    let stream = TokioIo::new(hyper::upgrade::on(request).await?);
    let mut socket = WebSocket::from_upgraded(stream, policy, agreement, "");
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}
