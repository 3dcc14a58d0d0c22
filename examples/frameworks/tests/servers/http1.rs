//! The servers over HTTP/1.1, with and without TLS.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::{WebSocketStream, client_async};
use wsvet::deflate::Parameters;
use wsvet::endpoint::WebSocket;
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{Policy, Role};

use crate::common::{Client, Io, Server, Stream, check, check_refusals, request};

async fn theirs<S: Stream>(
    stream: S,
    path: &str,
    offers: &[&str],
) -> (WebSocketStream<S>, Option<String>) {
    let uri = format!("ws://localhost{path}");
    let (socket, response) = client_async(request(&uri, offers), stream).await.unwrap();
    let chosen = response.headers().get("Sec-WebSocket-Protocol");
    (socket, chosen.map(|name| name.to_str().unwrap().to_owned()))
}

async fn ours<S: Stream>(stream: S, path: &str, offer: Option<Parameters>) -> WebSocket<S> {
    let request = RequestBuilder::new("localhost", path, Key::new(rand::random()));
    let request = request.extensions(offer.map(|offer| offer.offer()).as_deref());
    let policy = Policy::new(Role::Client);
    let socket = WebSocket::connect(stream, policy, &request, rand::random).await.unwrap();
    assert_eq!(socket.agreement().permessage_deflate.is_some(), offer.is_some());
    socket
}

struct OverTcp(String);

impl OverTcp {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.0).await.unwrap()
    }
}

impl Client for OverTcp {
    type Stream = TcpStream;

    async fn theirs(
        &self,
        path: &str,
        offers: &[&str],
    ) -> (WebSocketStream<TcpStream>, Option<String>) {
        theirs(self.connect().await, path, offers).await
    }

    async fn ours(&self, path: &str, offer: Option<Parameters>) -> WebSocket<TcpStream> {
        ours(self.connect().await, path, offer).await
    }
}

async fn check_over_tcp(program: &str) {
    let server = Server::start(program, &[]).unwrap();
    let client = OverTcp(server.address.clone());
    check(&client).await;
    check_refusals(async || Box::new(client.connect().await) as Box<dyn Io>).await;
}

#[tokio::test]
async fn axum() {
    check_over_tcp(env!("CARGO_BIN_EXE_echo_axum")).await;
}

#[tokio::test]
async fn hyper() {
    check_over_tcp(env!("CARGO_BIN_EXE_echo_hyper")).await;
}

#[tokio::test]
async fn mio() {
    check_over_tcp(env!("CARGO_BIN_EXE_echo_mio")).await;
}

/// Kernels and containers may forbid io_uring: the server then ends at once.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn io_uring() {
    let program = env!("CARGO_BIN_EXE_echo_uring");
    if Server::start(program, &[]).is_none() {
        eprintln!("left out: this machine has no io_uring");
        return;
    }
    check_over_tcp(program).await;
}

struct OverTls(String, TlsConnector);

impl OverTls {
    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(&self.0).await.unwrap();
        self.1.connect("localhost".try_into().unwrap(), stream).await.unwrap()
    }
}

impl Client for OverTls {
    type Stream = TlsStream<TcpStream>;

    async fn theirs(
        &self,
        path: &str,
        offers: &[&str],
    ) -> (WebSocketStream<TlsStream<TcpStream>>, Option<String>) {
        theirs(self.connect().await, path, offers).await
    }

    async fn ours(&self, path: &str, offer: Option<Parameters>) -> WebSocket<TlsStream<TcpStream>> {
        ours(self.connect().await, path, offer).await
    }
}

#[tokio::test]
async fn rustls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let server = Server::start(env!("CARGO_BIN_EXE_echo_rustls"), &files).unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let client = OverTls(server.address.clone(), TlsConnector::from(Arc::new(config)));
    check(&client).await;
    check_refusals(async || Box::new(client.connect().await) as Box<dyn Io>).await;
}
