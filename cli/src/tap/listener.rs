//! Takes the connections of clients, and connects each to the server.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::gate::Gate;
use super::queue::{Closed, Queue, Sender, What};
use super::relay::Relay;
use super::stream::Stream;
use crate::input::interrupt;
use crate::live::target;
use crate::session::limits::Limits;

#[cfg(feature = "wss")]
use {
    crate::live::tls::{self, Client},
    rustls::{ServerConfig, ServerConnection},
};

/// How long a server may take to accept a connection, and each endpoint for the handshake of TLS.
const LIMIT: Duration = Duration::from_secs(10);

/// The time after an error before the next connection is taken.
const PAUSE: Duration = Duration::from_millis(100);

/// The size of the stack of a thread, which has little on it.
const STACK: usize = 256 << 10;

/// How connections are passed.
#[derive(Clone)]
pub struct Route {
    /// The addresses of the server, of which the first that answers is taken.
    pub addresses: Vec<SocketAddr>,
    /// TLS towards the server.
    #[cfg(feature = "wss")]
    pub to_server: Option<Arc<Client>>,
    /// TLS towards clients.
    #[cfg(feature = "wss")]
    pub to_client: Option<Arc<ServerConfig>>,
    /// What is refused, if anything is.
    pub enforced: Option<Limits>,
}

/// Takes connections, at most as many as `most` says. Closes the queue as soon as a signal comes.
pub(super) fn listen(
    listener: TcpListener,
    route: &Route,
    most: Option<u64>,
    queue: &Arc<Queue>,
    sender: Sender,
) {
    take(listener, route, most, sender);
    // The connections that are open go on.
    while !interrupt::is_stopped() {
        interrupt::wait(None, None);
    }
    queue.close();
}

fn take(listener: TcpListener, route: &Route, most: Option<u64>, sender: Sender) {
    // What waits for a connection also waits for a signal.
    let _ = listener.set_nonblocking(true);
    let mut number = 0;
    while most.is_none_or(|most| number < most) {
        interrupt::wait(Some(listener.as_fd()), None);
        if interrupt::is_stopped() {
            return;
        }
        let (socket, client) = match listener.accept() {
            Ok(taken) => taken,
            Err(error) => {
                if !is_transient(&error) {
                    let note = format!("cannot take a connection: {error}");
                    let _ = sender.push(number, What::Note(note), b"");
                    sender.wake();
                    interrupt::pause(PAUSE);
                }
                continue;
            }
        };
        let passing = Passing { number, client, route: route.clone(), sender: sender.clone() };
        let thread = thread::Builder::new().stack_size(STACK);
        if let Err(error) = thread.spawn(move || passing.run(socket)) {
            let note = format!("cannot take the connection of {client}: {error}");
            let _ = sender.push(number, What::Note(note), b"");
        }
        number += 1;
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted | ConnectionReset)
}

/// A connection that a client has opened.
struct Passing {
    number: u64,
    client: SocketAddr,
    route: Route,
    sender: Sender,
}

impl Passing {
    /// Connects to the server, and passes the bytes of both. Ends with the connection, or with the judge.
    fn run(self, socket: TcpStream) {
        // Blocking or not, as the listener is, depends on the system.
        let _ = socket.set_nonblocking(false);
        let _ = self.pass(socket);
    }

    fn pass(self, socket: TcpStream) -> Result<(), Closed> {
        let Self { number, client, route, sender } = self;
        let tell = |what| sender.push(number, what, b"");
        let server = target::connect(&route.addresses, LIMIT);
        let address = server.as_ref().ok().and_then(|server| server.peer_addr().ok());
        let address = address.or(route.addresses.first().copied()).unwrap_or(client);
        tell(What::Opened(Box::new([client, address])))?;
        let connected = server.and_then(|server| upstream(&route, server));
        let server = match connected {
            Ok(server) => server,
            Err(error) => {
                tell(What::Note(format!("{client} was not connected to {address}: {error}")))?;
                tell(What::Unreachable)?;
                Stream::plain(socket).reset();
                return tell(What::Over);
            }
        };
        tell(What::Connected)?;
        let client = match downstream(&route, socket) {
            Ok(socket) => socket,
            Err(error) => {
                tell(What::Note(format!("{client} did not connect: {error}")))?;
                return tell(What::Over);
            }
        };
        let gate = route.enforced.map(Gate::new);
        drop(route);
        Relay::new(number, sender, [client, server], gate).run()
    }
}

#[cfg(not(feature = "wss"))]
fn upstream(_: &Route, socket: TcpStream) -> io::Result<Stream> {
    Ok(Stream::plain(socket))
}

#[cfg(not(feature = "wss"))]
fn downstream(_: &Route, socket: TcpStream) -> io::Result<Stream> {
    Ok(Stream::plain(socket))
}

/// Begins TLS towards the server, if it is wanted.
#[cfg(feature = "wss")]
fn upstream(route: &Route, mut socket: TcpStream) -> io::Result<Stream> {
    let Some(client) = &route.to_server else { return Ok(Stream::plain(socket)) };
    let connection = client.connect(&mut socket, LIMIT)?;
    Ok(Stream::over_tls(socket, connection.into()))
}

/// Begins TLS towards the client, if it is wanted.
#[cfg(feature = "wss")]
fn downstream(route: &Route, mut socket: TcpStream) -> io::Result<Stream> {
    let Some(config) = &route.to_client else { return Ok(Stream::plain(socket)) };
    let connection = ServerConnection::new(Arc::clone(config));
    let mut connection = connection.map_err(io::Error::other)?;
    let ended = "the client ended TCP in the handshake of TLS: it may not trust the certificate";
    tls::handshake(&mut connection, &mut socket, LIMIT, ended)?;
    Ok(Stream::over_tls(socket, connection.into()))
}
