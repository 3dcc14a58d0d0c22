//! `wsvet::endpoint::sync` on threads: echoes messages of at most 1 MiB; at `/text` it accepts text
//! alone.

use std::net::{TcpListener, TcpStream};
use std::thread;

use wsvet::endpoint::sync::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Accepts, Policy, Role};

const ALL: Policy = Policy::new(Role::Server).max_message(1 << 20);

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut accepts = Accepts::Any;
    let mut socket = WebSocket::accept_with(stream, ALL, |request| {
        if request.target() == "/text" {
            accepts = Accepts::TextOnly;
        }
        Server::new().respond(request)
    })?;
    socket.set_policy(ALL.accepts(accepts));
    while let Some(message) = socket.next()? {
        if message.is_data() {
            socket.send(message)?;
        }
    }
    Ok(())
}
