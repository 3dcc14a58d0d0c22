//! An echo server on io_uring with tokio-uring, for Linux: `echo_uring ADDRESS`. At `/text` it accepts
//! text alone, and refuses a binary message with 1003 at its header.

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> Result<(), server::Error> {
    tokio_uring::start(server::listen())
}

#[cfg(target_os = "linux")]
mod server {
    use std::net::Shutdown;
    use std::time::Duration;

    use bytes::BytesMut;
    use tokio::time::timeout;
    use tokio_uring::net::{TcpListener, TcpStream};
    use wsvet::deflate::Parameters;
    use wsvet::endpoint::Endpoint;
    use wsvet::handshake::Server;
    use wsvet::{Accepts, Policy, Role};

    pub(crate) type Error = Box<dyn std::error::Error>;

    const ALL: Policy = Policy::new(Role::Server).max_message(16 << 20);
    const TEXT: Policy = ALL.accepts(Accepts::TextOnly);
    const PATIENCE: Duration = Duration::from_secs(5);

    pub(crate) async fn listen() -> Result<(), Error> {
        let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
        let listener = TcpListener::bind(address.parse()?)?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let (stream, peer) = listener.accept().await?;
            tokio_uring::spawn(async move {
                if let Err(error) = echo(&stream).await {
                    eprintln!("{peer}: {error}");
                }
            });
        }
    }

    async fn echo(stream: &TcpStream) -> Result<(), Error> {
        let mut endpoint = timeout(PATIENCE, accept(stream)).await??;
        let mut chunk = vec![0; 16 << 10];
        let mut served = Ok(());
        loop {
            while served.is_ok() {
                match endpoint.next() {
                    Ok(Some(message)) if message.is_data() => served = endpoint.send(message),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => served = Err(error),
                }
            }
            stream.write_all(endpoint.to_send().split()).await.0?;
            if endpoint.is_done() {
                break;
            }
            let (read, buffer) = stream.read(chunk).await;
            chunk = buffer;
            match read? {
                0 => return Ok(endpoint.end()?),
                len => endpoint.received().extend_from_slice(&chunk[..len]),
            }
        }
        stream.shutdown(Shutdown::Write)?;
        // The rest is read and discarded, so that no reset destroys the Close frame.
        let rest = async move {
            while let (Ok(1..), buffer) = stream.read(chunk).await {
                chunk = buffer;
            }
        };
        timeout(PATIENCE, rest).await?;
        Ok(served?)
    }

    /// Receives a request, and accepts or refuses it.
    async fn accept(stream: &TcpStream) -> Result<Endpoint, Error> {
        let server = Server::new().subprotocols(["mqtt"]).permessage_deflate(Parameters::new());
        let mut received = BytesMut::new();
        let mut policy = ALL;
        loop {
            let (read, chunk) = stream.read(vec![0; 1 << 10]).await;
            match read? {
                0 => return Err("the client left".into()),
                len => received.extend_from_slice(&chunk[..len]),
            }
            let accepted = Endpoint::accept_with(&mut received, ALL, |request| {
                policy = if request.target() == "/text" { TEXT } else { ALL };
                server.respond(request)
            });
            if let Some((mut endpoint, agreed)) = accepted {
                if let Ok(agreement) = agreed {
                    endpoint.set_policy(agreement.policy(policy));
                }
                return Ok(endpoint);
            }
        }
    }
}
