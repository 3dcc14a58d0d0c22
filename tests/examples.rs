//! The servers, the client and the proxy of `examples/`, over loopback.
#![cfg(all(feature = "codec", feature = "deflate", feature = "tokio"))]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::Duration;

use wsvet::{Header, OpCode, Role, Rule};

/// An example: built beside this test, where all tests are, and else here.
fn example(name: &str) -> Command {
    static BUILT: Once = Once::new();
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", name]);
    if !path.exists() {
        BUILT.call_once(|| {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--examples", "--features", "codec,deflate,tokio"]);
            assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
        });
    }
    let mut command = Command::new(path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// A server that runs until it is dropped.
struct Server {
    process: Child,
    /// Without `ws://`.
    address: String,
    output: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(name: &str, rest: &[&str]) -> Self {
        let mut process = example(name).arg("127.0.0.1:0").args(rest).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ws://").unwrap().to_owned();
        Self { process, address, output }
    }

    /// A connection whose handshake is done.
    fn connect(&self) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 §1.3
        write!(
            socket,
            "GET /chat HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        socket
    }

    /// What comes back of these bytes until the server ends the connection.
    fn talk(&self, bytes: &[u8]) -> Vec<u8> {
        let mut socket = self.connect();
        socket.write_all(bytes).unwrap();
        let mut received = Vec::new();
        socket.read_to_end(&mut received).unwrap();
        received
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    common::frame(Role::Client, Header::new(opcode, payload.len() as u64), payload)
}

/// What the client prints of what comes back of these lines.
fn echoed(address: &str, lines: &str) -> String {
    let mut client = example("echo_client");
    let mut client = client.args(["--lines", &format!("ws://{address}/chat")]).spawn().unwrap();
    client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// A stack larger than any memory leaves no thread for a connection: it is refused, and the server
/// goes on.
#[test]
#[cfg(target_os = "linux")]
fn without_a_thread_a_connection_is_refused() {
    let mut command = example("echo_threads");
    let mut process = command
        .arg("127.0.0.1:0")
        .env("RUST_MIN_STACK", (1_u64 << 46).to_string())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ws://").unwrap().to_owned();
    let _server = Server { process, address: address.clone(), output };
    for _ in 0..3 {
        let mut socket = TcpStream::connect(&address).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer:?}");
    }
}

/// Every vector is a seed, under its name and its policy.
#[test]
fn the_vectors_are_seeds() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds");
    let _ = std::fs::remove_dir_all(&folder);
    assert!(example("seeds").arg(&folder).status().unwrap().success());
    let vectors = common::vectors::all();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), vectors.len());
    let (name, limited) =
        ("server.unsupported-data.binary", "server.unsupported-data.binary,accepts=text");
    let found =
        vectors.iter().find(|vector| vector.case["name"] == name.replace('.', "/")).unwrap();
    assert_eq!(std::fs::read(folder.join(limited)).unwrap(), found.stream);
}

#[test]
fn all_servers_echo() {
    for name in ["echo_server", "echo_sync", "echo_threads", "echo_tokio"] {
        let server = Server::start(name, &[]);
        let lines = "hello\ngrüße, Καλημέρα, 😀\n\n";
        assert_eq!(echoed(&server.address, lines), lines, "{name}");
        let sent = [
            frame(OpCode::Text, "grüße".as_bytes()),
            frame(OpCode::Ping, b"there?"),
            frame(OpCode::Binary, &[7; 70_000]),
            frame(OpCode::Close, b"\x03\xE8bye"),
            frame(OpCode::Text, b"late"),
        ];
        let received = server.talk(&sent.concat());
        let text = [b"\x81\x07", "grüße".as_bytes()].concat();
        assert!(received.starts_with(&text), "{name}");
        assert!(received[text.len()..].starts_with(b"\x8A\x06there?"), "{name}");
        assert_eq!(received.iter().filter(|byte| **byte == 7).count(), 70_001, "{name}");
        assert!(received.ends_with(b"\x88\x02\x03\xE8"), "{name}");
    }
}

/// What a server sends comes back compressed, until it closes.
#[test]
fn both_clients_echo() {
    use wsvet::endpoint::sync::WebSocket;
    use wsvet::{CloseCode, Message, Policy};
    for name in ["echo_client", "echo_client_sync"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/chat?a=b", listener.local_addr().unwrap());
        let mut client = example(name).arg(url).spawn().unwrap();
        let server =
            wsvet::handshake::Server::new().permessage_deflate(wsvet::deflate::Parameters::new());
        let stream = listener.accept().unwrap().0;
        let mut socket = WebSocket::accept(stream, Policy::new(Role::Server), &server).unwrap();
        assert!(socket.agreement().permessage_deflate.is_some());
        for message in [Message::text("grüße"), Message::binary(vec![7; 70_000])] {
            socket.send(message.clone()).unwrap();
            assert_eq!(socket.next().unwrap(), Some(message), "{name}");
        }
        socket.close(CloseCode::NORMAL_CLOSURE, "").unwrap();
        while socket.next().unwrap().is_some() {}
        assert!(client.wait().unwrap().success(), "{name}");
    }
}

/// A request that is no upgrade, or not a right one, is refused (§4.2.2).
#[test]
fn a_request_that_is_no_upgrade_is_refused() {
    let good = "GET /chat HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let requests = [
        (good.to_owned(), 101),
        (good.replace("GET", "POST"), 405),
        (good.replace("HTTP/1.1", "HTTP/1.0"), 400),
        (good.replace("Upgrade: websocket\r\n", ""), 426),
        (good.replace("Connection: Upgrade\r\n", ""), 426),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "YWJj"), 400),
        (good.replace("Version: 13", "Version: 8"), 426),
        ("no HTTP at all\r\n\r\n".to_owned(), 400),
    ];
    for name in ["echo_server", "echo_sync", "echo_threads", "echo_tokio", "text_only"] {
        let server = Server::start(name, &[]);
        for (request, status) in &requests {
            let mut socket = TcpStream::connect(&server.address).unwrap();
            socket.write_all(request.as_bytes()).unwrap();
            let mut answer = [0; 12];
            socket.read_exact(&mut answer).unwrap();
            let due = format!("HTTP/1.1 {status}");
            assert_eq!(answer, due.as_bytes(), "{name}: {request}");
        }
    }
}

#[test]
fn a_violation_is_answered_by_every_server() {
    for name in ["echo_server", "echo_sync", "echo_threads", "echo_tokio", "text_only"] {
        let server = Server::start(name, &[]);
        let received = server.talk(b"\x81\x02hi");
        assert_eq!(received[2..4], 1002u16.to_be_bytes(), "{name}");
        assert_eq!(&received[4..], b"frame from the client is not masked", "{name}");
    }
}

/// A gigabyte of binary is announced, none of it is sent, and the answer is there.
#[test]
fn the_text_only_server_refuses_binary_at_its_header() {
    let server = Server::start("text_only", &[]);
    let header = Header::new(OpCode::Binary, 1 << 30).masked([1, 2, 3, 4]);
    let mut wire = [0; Header::MAX_LEN];
    let len = header.encode(&mut wire);
    let received = server.talk(&[&frame(OpCode::Text, "grüße".as_bytes()), &wire[..len]].concat());
    let (text, close) = received.split_at(2 + 12);
    assert_eq!(text, b"\x81\x0C5 characters");
    assert_eq!(close[2..4], 1003u16.to_be_bytes());
}

/// What one says all hear, also those that compress; whoever breaks a rule is told so.
#[test]
fn a_broadcast_reaches_all() {
    let server = Server::start("broadcast", &[]);
    let mut sockets: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let mut client = example("echo_client");
    let url = format!("ws://{}/chat", server.address);
    let mut client = client.args(["--lines", &url]).spawn().unwrap();
    let mut heard = BufReader::new(client.stdout.take().unwrap());
    let mut says = client.stdin.take().unwrap();
    let mut line = |says: &mut dyn Write, text: &str| {
        let mut line = String::new();
        writeln!(says, "{text}").unwrap();
        heard.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), text);
    };
    line(&mut says, "hello, all, hello, all, hello, all");
    let long = vec![7; 70_000];
    sockets[0].write_all(&frame(OpCode::Binary, &long)).unwrap();
    for socket in &mut sockets {
        let mut text = [0; 2 + 34];
        socket.read_exact(&mut text).unwrap();
        assert_eq!(text, *b"\x81\x22hello, all, hello, all, hello, all");
        let mut binary = vec![0; 10 + long.len()];
        socket.read_exact(&mut binary).unwrap();
        assert!(binary.starts_with(b"\x82\x7F") && binary.ends_with(&long));
    }
    let mut broken = sockets.pop().unwrap();
    broken.write_all(b"\x81\x02hi").unwrap();
    let mut close = Vec::new();
    broken.read_to_end(&mut close).unwrap();
    assert_eq!(close[2..4], 1002u16.to_be_bytes());
    let mut closing = sockets.pop().unwrap();
    closing.write_all(&frame(OpCode::Close, b"\x03\xE8")).unwrap();
    let mut close = Vec::new();
    closing.read_to_end(&mut close).unwrap();
    assert_eq!(close, b"\x88\x02\x03\xE8");
    drop(says);
    let _ = client.kill();
    client.wait().unwrap();
}

#[test]
fn the_proxy_judges_what_it_passes_on() {
    let server = Server::start("echo_server", &[]);
    let mut proxy = Server::start("proxy", &[&server.address]);
    assert_eq!(echoed(&proxy.address, "hello\n"), "hello\n");
    let received = proxy.talk(&frame(OpCode::Text, b"\xFF"));
    assert_eq!(received[2..4], 1007u16.to_be_bytes());
    let mut verdicts = Vec::new();
    while verdicts.len() < 2 {
        let mut line = String::new();
        assert!(proxy.output.read_line(&mut line).unwrap() > 0);
        verdicts.push(line.trim().split_once(": ").unwrap().1.to_owned());
    }
    assert_eq!(
        verdicts,
        [
            "a clean close: the client closed with 1000 Normal Closure, and the server answered",
            "the client broke invalid-utf8 at byte 6 and was sent 1007",
        ]
    );
}

/// The clients of other languages that can be had here: what starts each.
///
/// `WSVET_PYTHON` names the Python that has `websockets` and `aiohttp`, if it is another.
fn clients() -> Vec<Vec<String>> {
    let python = std::env::var("WSVET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let socket = ["-e", "new WebSocket('ws://127.0.0.1:1').onerror = () => {}"];
    // Before version 22 Node.js has to be asked for it.
    let node = [&["node"][..], &["node", "--experimental-websocket"]];
    let python = [&[&python[..]][..]];
    let kinds = [
        ("undici.mjs", socket, &node[..]),
        ("websockets_client.py", ["-c", "import websockets.sync.client"], &python),
        ("aiohttp_client.py", ["-c", "import aiohttp"], &python),
    ];
    let mut clients = Vec::new();
    for (script, probe, starts) in kinds {
        let start = starts.iter().find(|start| {
            let mut command = Command::new(start[0]);
            command.args(&start[1..]).args(probe).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        });
        let script = format!("{}/tests/clients/{script}", env!("CARGO_MANIFEST_DIR"));
        match start {
            Some(start) => {
                let start = start.iter().map(|word| (*word).to_owned());
                clients.push(start.chain([script]).collect());
            }
            None => eprintln!("left out, nothing that is here runs {script}"),
        }
    }
    clients
}

/// What a client prints that sends these messages.
fn told(client: &[String], address: &str, messages: &[&str]) -> String {
    let mut command = Command::new(&client[0]);
    command.args(&client[1..]).arg(format!("ws://{address}/")).args(messages);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn clients_of_other_languages_are_served() {
    let servers = ["echo_server", "echo_threads", "text_only"].map(|name| Server::start(name, &[]));
    for client in clients() {
        for server in &servers[..2] {
            assert_eq!(
                told(&client, &server.address, &["text:1", "binary:70000", "text:20000"]),
                "text 6\nbinary 70000\ntext 120000\nclosed 1000\n",
                "{client:?}"
            );
        }
        assert_eq!(
            told(&client, &servers[2].address, &["binary:70000"]),
            format!("closed 1003 {}\n", Rule::UnsupportedData.text()),
            "{client:?}"
        );
    }
}

/// Neither the standard library nor an allocator is linked, all goes as it must, and of the texts
/// about rules and codes only those are linked that are sent.
#[test]
#[cfg(target_os = "linux")]
fn a_program_without_std() {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["run", "--quiet", "--release", "--manifest-path", "examples/no_std/Cargo.toml"])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    let program = std::fs::read(target.join("release/wsvet-no-std")).unwrap();
    let holds = |text: &str| program.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(Rule::UnsupportedData.text()), "what is sent is there");
    for rule in Rule::ALL {
        for text in [rule.id(), rule.breaks(), rule.explain(), rule.resolve()] {
            assert!(!holds(text), "{rule}: {text}");
        }
    }
    for row in wsvet::CloseCode::REGISTRY {
        for text in [row.meaning(), row.seen(), row.resolve(), row.send_when()] {
            assert!(!holds(text), "{row:?}: {text}");
        }
    }
}
