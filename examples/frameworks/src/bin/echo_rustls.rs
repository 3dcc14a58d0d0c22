//! An echo server over TLS with tokio-rustls: `echo_rustls ADDRESS CERTIFICATE KEY`, two files in PEM.
//! At `/text` it accepts text alone, and refuses a binary message with 1003 at its header.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wsvet::deflate::Parameters;
use wsvet::endpoint::WebSocket;
use wsvet::handshake::Server;
use wsvet::{Accepts, Policy, Role};

type Error = Box<dyn std::error::Error + Send + Sync>;

const ALL: Policy = Policy::new(Role::Server).max_message(16 << 20);
const TEXT: Policy = ALL.accepts(Accepts::TextOnly);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, certificate, key] = &arguments[..] else {
        return Err("usage: echo_rustls ADDRESS CERTIFICATE KEY".into());
    };
    let certificates = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(address).await?;
    println!("listening on wss://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(error) = echo(stream, acceptor).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream, acceptor: TlsAcceptor) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let stream = timeout(Duration::from_secs(5), acceptor.accept(stream)).await??;
    let server = Server::new().subprotocols(["mqtt"]).permessage_deflate(Parameters::new());
    let mut policy = ALL;
    let mut socket = WebSocket::accept_with(stream, ALL, |request| {
        policy = if request.target() == "/text" { TEXT } else { ALL };
        server.respond(request)
    })
    .await?;
    socket.set_policy(policy);
    while let Some(message) = socket.next().await? {
        if message.is_data() {
            socket.feed(message).await?;
        }
    }
    Ok(())
}
