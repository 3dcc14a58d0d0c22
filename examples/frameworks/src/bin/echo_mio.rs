//! An echo server in a loop of mio: `echo_mio ADDRESS`. At `/text` it accepts text alone, and refuses a
//! binary message with 1003 at its header.
//!
//! It has no time limits: to have them, keep a list of deadlines, and pass the next one to `poll`.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use bytes::{Buf, BytesMut};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use wsvet::deflate::Parameters;
use wsvet::endpoint::Endpoint;
use wsvet::handshake::Server;
use wsvet::{Accepts, Policy, Role};

const ALL: Policy = Policy::new(Role::Server).max_message(16 << 20);
const TEXT: Policy = ALL.accepts(Accepts::TextOnly);
const LISTENER: Token = Token(0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let mut listener = TcpListener::bind(address.parse()?)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut connections, mut last) = (HashMap::new(), LISTENER);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    last = Token(last.0 + 1);
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, last, both)?;
                    connections.insert(last, Connection::new(stream));
                }
            } else if let Some(connection) = connections.get_mut(&event.token()) {
                let is_waiting = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
                if !connection.run().is_err_and(|error| is_waiting(&error)) {
                    connections.remove(&event.token()); // it is over, or the stream has failed
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    request: BytesMut,
    /// `None` before the request has arrived.
    endpoint: Option<Endpoint>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, request: BytesMut::new(), endpoint: None }
    }

    /// Sends and receives until the stream would block, or the connection is over.
    fn run(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 << 10];
        loop {
            if let Some(endpoint) = &mut self.endpoint {
                while let Ok(Some(message)) = endpoint.next() {
                    if message.is_data() && endpoint.send(message).is_err() {
                        break;
                    }
                }
                while !endpoint.to_send().is_empty() {
                    let sent = self.stream.write(endpoint.to_send())?;
                    endpoint.to_send().advance(sent);
                }
                if endpoint.is_done() {
                    // The rest is read and discarded, so that no reset destroys the Close frame.
                    self.stream.shutdown(Shutdown::Write)?;
                }
            }
            let len = self.stream.read(&mut chunk)?;
            if len == 0 {
                return Ok(());
            }
            match &mut self.endpoint {
                Some(endpoint) => endpoint.received().extend_from_slice(&chunk[..len]),
                None => {
                    self.request.extend_from_slice(&chunk[..len]);
                    self.endpoint = accept(&mut self.request);
                }
            }
        }
    }
}

/// Accepts or refuses the request, if it is whole.
fn accept(received: &mut BytesMut) -> Option<Endpoint> {
    let server = Server::new().subprotocols(["mqtt"]).permessage_deflate(Parameters::new());
    let mut policy = ALL;
    let (mut endpoint, agreed) = Endpoint::accept_with(received, ALL, |request| {
        policy = if request.target() == "/text" { TEXT } else { ALL };
        server.respond(request)
    })?;
    if let Ok(agreement) = agreed {
        endpoint.set_policy(agreement.policy(policy));
    }
    Some(endpoint)
}
