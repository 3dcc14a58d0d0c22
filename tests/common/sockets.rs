//! A peer over a real socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What a peer sees that sends these bytes and reads until the connection is over.
pub fn seen(bytes: &[u8], endpoint: impl FnOnce(TcpStream) + Send) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || endpoint(listener.accept().unwrap().0));
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(bytes).unwrap();
        let mut seen = Vec::new();
        socket.read_to_end(&mut seen).expect("no reset comes before the Close");
        seen
    })
}
