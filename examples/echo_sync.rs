//! An echo server on threads: `echo_sync ADDRESS`.
//!
//! ```sh
//! cargo run --release --features deflate,endpoint --example echo_sync -- 127.0.0.1:9001
//! ```

use std::net::{TcpListener, TcpStream};
use std::thread;

use wsvet::deflate::Parameters;
use wsvet::endpoint::sync::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Policy, Role};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let started = stream.and_then(|stream| thread::Builder::new().spawn(|| report(stream)));
        if let Err(error) = started {
            eprintln!("a connection cannot be served: {error}");
        }
    }
    Ok(())
}

fn report(stream: TcpStream) {
    if let Err(error) = echo(stream) {
        eprintln!("{error}");
    }
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let server = Server::new().permessage_deflate(Parameters::new());
    let mut socket = WebSocket::accept(stream, Policy::new(Role::Server), &server)?;
    while let Some(message) = socket.next()? {
        if message.is_data() {
            socket.feed(message)?;
        }
    }
    Ok(())
}
