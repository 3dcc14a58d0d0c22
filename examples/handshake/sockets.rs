//! The handshake over tokio's sockets, and their end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Encoder, Framed, FramedParts};

use super::Head;

/// How long a peer has to end its side of the connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it is waited before another connection is accepted, where one could not be.
const PAUSE: Duration = Duration::from_millis(100);

/// The buffers of a connection at first, in bytes.
const SMALL: usize = 64;

/// Serves every connection to the address that is the program's first argument, and says where it
/// listens.
pub(crate) async fn listen<F>(serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = Result<(), wsvet::codec::Error>> + Send + 'static,
{
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (socket, peer) = next(&listener).await;
        let served = serve(socket);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// The next connection. Where there cannot be one, because too many files are open for one, it waits
/// until there can.
pub(crate) async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => eprintln!("no connection can be accepted: {error}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for a client's request and answers it. The extensions that it offers are negotiated: which
/// codec they ask for, and which of them are accepted.
pub(crate) async fn accept<C: Encoder<I>, I>(
    mut socket: TcpStream,
    negotiate: impl FnOnce(&str) -> (C, String),
) -> io::Result<Framed<TcpStream, C>> {
    socket.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let upgrade = match head(&mut socket, &mut received, super::upgrade).await {
        Ok(upgrade) => upgrade,
        Err(error) => {
            socket.write_all(super::refusal(&error).as_bytes()).await?;
            end(socket).await?;
            return Err(error);
        }
    };
    let (codec, extensions) = negotiate(&upgrade.extensions);
    socket.write_all(upgrade.answer(&extensions)?.as_bytes()).await?;
    Ok(framed(socket, codec, received))
}

/// Connects to `ws://host:port/target` and offers these extensions, with a key that is 16 random
/// bytes; the extensions that the server has accepted say which codec it takes.
pub(crate) async fn connect<C: Encoder<I>, I>(
    url: &str,
    key: [u8; 16],
    extensions: &str,
    agree: impl FnOnce(&str) -> io::Result<C>,
) -> io::Result<Framed<TcpStream, C>> {
    let (host, target) = super::parts(url)?;
    let mut socket = TcpStream::connect(host).await?;
    socket.set_nodelay(true)?;
    let request = super::request(host, target, key, extensions);
    socket.write_all(request.build().map_err(io::Error::other)?.as_bytes()).await?;
    let mut received = BytesMut::new();
    let accepted = head(&mut socket, &mut received, |head| super::accepted(head, &request)).await?;
    Ok(framed(socket, agree(&accepted)?, received))
}

/// Ends the connection so that the peer reads all that was sent: a socket that is closed with bytes
/// unread is reset, and a reset can overtake a Close.
pub(crate) async fn end(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut rest = [0; 4096];
    let drain = async {
        while socket.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::time::timeout(PATIENCE, drain).await.unwrap_or(Ok(()))
}

/// Reads a head; what came behind it is left.
async fn head<T>(
    socket: &mut TcpStream,
    received: &mut BytesMut,
    read: impl Fn(&[u8]) -> io::Result<Head<T>>,
) -> io::Result<T> {
    loop {
        if socket.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Head::Whole(len, said) = read(received)? {
            received.advance(len);
            return Ok(said);
        }
    }
}

/// The frames of a connection, of which some may have come already. An idle one keeps no buffers:
/// the codec makes room when something comes.
fn framed<C: Encoder<I>, I>(
    socket: TcpStream,
    codec: C,
    received: BytesMut,
) -> Framed<TcpStream, C> {
    if received.is_empty() {
        return Framed::with_capacity(socket, codec, SMALL);
    }
    let mut parts = FramedParts::new(socket, codec);
    parts.read_buf = received;
    Framed::from_parts(parts)
}
