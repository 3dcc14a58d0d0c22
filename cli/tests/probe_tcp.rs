//! The prober against the servers of the library, over TCP: they fail nothing.

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use common::{assert_kept, run};
use wsvet::deflate::Parameters;
use wsvet::endpoint::sync::{Error, WebSocket};
use wsvet::handshake::Server;
use wsvet::{Accepts, Policy, Role};

/// Starts a server, and returns its address. It ends with the process.
fn serve(echo: bool, deflate: bool, policy: Policy) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::new();
    if deflate {
        server = server.permessage_deflate(Parameters::new());
    }
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = server.clone();
            thread::spawn(move || -> Result<(), Error> {
                let mut socket = WebSocket::accept(stream, policy, &server)?;
                while let Some(message) = socket.next()? {
                    if echo && message.is_data() {
                        socket.feed(message)?;
                    }
                }
                Ok(())
            });
        }
    });
    address
}

const SERVER: Policy = Policy::new(Role::Server);

fn assert_faultless(echo: bool, deflate: bool, policy: Policy, args: &[&str]) {
    let address = serve(echo, deflate, policy);
    let url = format!("ws://{address}/");
    let output = run(&[&["probe", "--strict", "--json"], args, &[&url]].concat(), b"");
    let out = String::from_utf8(output.stdout).unwrap();
    let bad: Vec<_> = out
        .lines()
        .filter(|line| {
            line.contains(r#""outcome":"fail""#) || line.contains(r#""outcome":"inconclusive""#)
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*err), (Some(0), ""), "{out}");
    assert!(out.lines().last().unwrap().contains(r#""event":"summary""#));
}

#[test]
fn a_server_that_sends_back_fails_nothing() {
    assert_faultless(true, false, SERVER, &["--server-accepts", "any"]);
}

#[test]
fn a_server_that_sends_nothing_fails_nothing() {
    assert_faultless(false, false, SERVER, &[]);
}

#[test]
fn a_server_that_compresses_fails_nothing() {
    assert_faultless(true, true, SERVER, &["--stress"]);
}

#[test]
fn a_server_with_a_limit_fails_nothing() {
    let policy = SERVER.max_message(100_000);
    assert_faultless(true, true, policy, &["--max-message", "100000"]);
}

#[test]
fn a_server_that_accepts_only_text_fails_nothing() {
    let policy = SERVER.accepts(Accepts::TextOnly);
    assert_faultless(true, true, policy, &["--server-accepts", "text"]);
}

#[test]
fn a_server_that_accepts_only_binary_messages_fails_nothing() {
    let policy = SERVER.accepts(Accepts::BinaryOnly);
    assert_faultless(false, false, policy, &["--server-accepts", "binary"]);
}

#[test]
fn a_file_that_is_no_report_is_not_overwritten() {
    assert_kept(&["probe", "--junit"], "ws://127.0.0.1:1/", "is not XML");
}

/// A server may switch to the other protocol that the request names.
#[test]
fn a_switch_to_another_protocol_accepts_no_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1_000];
            let head = loop {
                let len = stream.peek(&mut head).unwrap();
                if head[..len].ends_with(b"\r\n\r\n") {
                    break String::from_utf8_lossy(&head[..len]);
                }
            };
            if head.contains("Upgrade: x-wsvet\r\n") {
                let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x-wsvet\r\nConnection: Upgrade\r\n\r\n";
                let _ = stream.write_all(response.as_bytes());
            } else {
                let _ = WebSocket::accept(stream, SERVER, &Server::new())
                    .map(|mut socket| socket.next());
            }
        }
    });
    let output = run(&["probe", "--json", "--case", "opening/upgrade-other", &url], b"");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains(r#""outcome":"inconclusive""#), "{out}");
    assert!(out.contains("perhaps another protocol"), "{out}");
}
