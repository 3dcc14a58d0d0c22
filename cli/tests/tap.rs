//! The tap between clients and servers on loopback: what passes, and what is told of it.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arbitrary::Unstructured;
use common::capture::lines;
use common::{assert_kept, frame, http2, run};
use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wsvet::generate::Connection;
use wsvet::{Header, Policy, Role};

use Role::{Client, Server};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A running tap.
struct Tap {
    child: Child,
    address: SocketAddr,
    server: TcpListener,
    out: Option<JoinHandle<String>>,
    err: JoinHandle<String>,
}

/// What a tap has printed, and its exit status.
struct Told {
    out: String,
    err: String,
    status: i32,
}

fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn text_of(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

impl Tap {
    fn start(args: &[&str]) -> Self {
        let server = listen();
        let url = format!("ws://{}/", server.local_addr().unwrap());
        Self::to(server, &url, args, true)
    }

    /// Starts a tap in front of this URL. `reads` says whether what it prints is read at once.
    fn to(server: TcpListener, url: &str, args: &[&str], reads: bool) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wsvet"))
            .args(["tap", "--listen", "127.0.0.1:0"])
            .args(args)
            .arg(url)
            .env_remove("COLUMNS")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        err.read_line(&mut first).unwrap();
        let address = first.split_once("://").and_then(|(_, rest)| rest.split(' ').next());
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{first}"));
        let out = reads.then(|| text_of(child.stdout.take().unwrap()));
        Self { child, address, server, out, err: text_of(err) }
    }

    /// Connects a client through the tap, and returns both ends.
    fn connect(&self) -> [TcpStream; 2] {
        let client = TcpStream::connect(self.address).unwrap();
        let (server, _) = self.server.accept().unwrap();
        for socket in [&client, &server] {
            socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            socket.set_nodelay(true).unwrap();
        }
        [client, server]
    }

    /// Connects, and passes the opening handshake.
    fn open(&self) -> [TcpStream; 2] {
        let [mut client, mut server] = self.connect();
        pass(&mut client, &mut server, REQUEST);
        pass(&mut server, &mut client, RESPONSE);
        [client, server]
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends the tap by Ctrl-C.
    fn end(self) -> Told {
        self.signal(Signal::INT);
        self.wait()
    }

    /// Waits until the tap ends by itself.
    fn wait(mut self) -> Told {
        let out = self.out.unwrap_or_else(|| text_of(self.child.stdout.take().unwrap()));
        let status = self.child.wait().unwrap().code().expect("no signal ends it");
        Told { out: out.join().unwrap(), err: self.err.join().unwrap(), status }
    }
}

impl Told {
    /// What is printed, in one line.
    fn text(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn says(&self, phrases: &[&str], status: i32) {
        let text = self.text();
        for phrase in phrases {
            assert!(text.contains(phrase), "'{phrase}' is not in: {text}\n{}", self.err);
        }
        assert_eq!(self.status, status, "{text}\n{}", self.err);
    }
}

/// Sends bytes, which arrive as they are.
#[track_caller]
fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).unwrap();
    let mut arrived = vec![0; bytes.len()];
    to.read_exact(&mut arrived).unwrap();
    assert!(arrived == bytes, "the bytes have changed");
}

/// Ends a stream, which the other endpoint sees.
#[track_caller]
fn finish(from: &TcpStream, to: &mut TcpStream) {
    from.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to.read(&mut [0]).unwrap(), 0);
}

fn of(from: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let len = match payload.len() {
        len @ ..126 => len as u8,
        126..65_536 => 126,
        _ => 127,
    };
    let header = Header::from_wire(first, len, payload.len() as u64, [1, 2, 3, 4]);
    frame(from, header, payload)
}

/// Closes a connection as endpoints should.
fn close([mut client, mut server]: [TcpStream; 2]) {
    pass(&mut client, &mut server, &of(Client, CLOSE, b"\x03\xE8"));
    pass(&mut server, &mut client, &of(Server, CLOSE, b"\x03\xE8"));
    finish(&server, &mut client);
    finish(&client, &mut server);
}

#[test]
fn an_echo_passes_and_is_clean() {
    let tap = Tap::start(&[]);
    let [mut client, mut server] = tap.open();
    for payload in [&b"hello"[..], "grüße".as_bytes(), &[7; 70_000], &[0; 300]] {
        for first in [TEXT, BINARY] {
            pass(&mut client, &mut server, &of(Client, first, payload));
            pass(&mut server, &mut client, &of(Server, first, payload));
        }
    }
    close([client, server]);
    let told = tap.end();
    told.says(&["GET /chat", "\"hello\"", "a clean close", "nothing is broken"], 0);
    assert_eq!(told.err, "");
}

#[test]
fn a_breach_passes_and_is_told_with_its_verdict() {
    let tap = Tap::start(&[]);
    let [mut client, mut server] = tap.open();
    pass(&mut client, &mut server, &of(Client, 0x83, b"xy"));
    pass(&mut server, &mut client, &of(Server, CLOSE, b"\x03\xEA"));
    finish(&server, &mut client);
    finish(&client, &mut server);
    tap.end().says(&["reserved-opcode at byte 0 from the client", "refused as it must be"], 1);
}

#[test]
fn a_type_that_the_server_does_not_accept_is_1003() {
    let tap = Tap::start(&["--server-accepts", "text", "--summary"]);
    let [mut client, mut server] = tap.open();
    pass(&mut client, &mut server, &of(Client, BINARY, b"xy"));
    close([client, server]);
    tap.end().says(&["unsupported-data at byte 0", "1003 Unsupported Data"], 1);
}

#[test]
fn the_verdict_is_told_while_the_tap_runs() {
    let mut tap = Tap::start(&[]);
    drop(tap.out.take());
    let server = listen();
    let url = format!("ws://{}/", server.local_addr().unwrap());
    let mut tap = Tap::to(server, &url, &["--json"], false);
    let mut out = BufReader::new(tap.child.stdout.take().unwrap()).lines();
    close(tap.open());
    let verdict = out.find(|line| line.as_ref().unwrap().contains(r#""event":"verdict""#));
    assert!(verdict.unwrap().unwrap().contains(r#""outcome":"clean""#));
    tap.out = Some(thread::spawn(move || out.map(Result::unwrap).collect()));
    let told = tap.end();
    assert_eq!((told.out.as_str(), told.status), ("", 0));
}

/// With `--enforce` as without it: the streams of HTTP/2 are judged, and not refused.
#[test]
fn http2_passes_and_is_judged() {
    let note = "wsvet: --enforce refuses nothing in HTTP/2, which passes and is judged\n";
    for (args, told) in [(&["--once"][..], ""), (&["--once", "--enforce"], note)] {
        let tap = Tap::start(args);
        let [mut client, mut server] = tap.connect();
        let mut compressor = http2::Compressor::default();
        pass(&mut client, &mut server, &http2::preface());
        pass(&mut server, &mut client, &http2::allowance());
        let request = compressor.headers(Client, 1, 0, &http2::connect("/chat", &[]));
        pass(&mut client, &mut server, &request);
        let response = compressor.headers(Server, 1, 0, &[(":status", "200")]);
        pass(&mut server, &mut client, &response);
        let data = |flags, bytes: &[u8]| http2::frame(http2::DATA, flags, 1, bytes);
        pass(&mut client, &mut server, &data(0, &of(Client, 0x83, b"xy")));
        pass(&mut server, &mut client, &data(http2::END_STREAM, &of(Server, CLOSE, b"\x03\xEA")));
        finish(&client, &mut server);
        finish(&server, &mut client);
        let ended = tap.wait();
        ended.says(&["CONNECT /chat on HTTP/2 stream 1", "reserved-opcode at byte 0"], 1);
        assert_eq!(ended.err, told);
    }
}

#[test]
fn a_half_close_passes_and_the_other_direction_goes_on() {
    let tap = Tap::start(&["--once"]);
    let [mut client, mut server] = tap.open();
    finish(&client, &mut server);
    for _ in 0..3 {
        pass(&mut server, &mut client, &of(Server, TEXT, b"still here"));
    }
    finish(&server, &mut client);
    tap.wait().says(&["the client sent FIN", "still here", "(1006)"], 1);
}

#[test]
fn a_reset_of_either_endpoint_passes_as_one() {
    for role in [Client, Server] {
        let tap = Tap::start(&["--json", "--once"]);
        let [client, server] = tap.open();
        let (resets, mut other) = if role == Client { (client, server) } else { (server, client) };
        set_socket_linger(&resets, Some(Duration::ZERO)).unwrap();
        drop(resets);
        assert_eq!(other.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        drop(other);
        let verdict = format!(r#""by":"{}","why":"reset""#, role.name());
        let told = tap.wait();
        assert!(told.out.contains(&verdict), "{}", told.out);
        assert_eq!(told.status, 1);
    }
}

/// Writes until nothing is taken any more. Returns the number of bytes.
fn fill(socket: &mut TcpStream, pattern: &[u8]) -> usize {
    /// More than all buffers of the system have.
    const MOST: usize = 256 << 20;
    socket.set_nonblocking(true).unwrap();
    let (mut sent, mut late) = (0, 0);
    while late < 50 && sent < MOST {
        match socket.write(&pattern[sent % pattern.len()..]) {
            Ok(len) => (sent, late) = (sent + len, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                late += 1;
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
    }
    socket.set_nonblocking(false).unwrap();
    assert!(sent < MOST, "the partner does not stall");
    sent
}

/// The memory of a process in bytes, where the system tells it.
fn memory(child: &Child) -> Option<usize> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10)
}

fn drain(socket: &mut TcpStream, pattern: &[u8], len: usize) {
    let mut arrived = vec![0; len];
    socket.read_exact(&mut arrived).unwrap();
    for (index, chunk) in arrived.chunks(pattern.len()).enumerate() {
        assert!(chunk == &pattern[..chunk.len()], "after {index} times the pattern");
    }
}

#[test]
fn a_server_that_stalls_stalls_the_client_and_nothing_grows() {
    let tap = Tap::start(&["--summary"]);
    let [mut client, mut server] = tap.open();
    let pattern = of(Client, BINARY, &[7; 100_000]);
    let sent = fill(&mut client, &pattern);
    let memory = memory(&tap.child);
    assert!(memory.is_none_or(|memory| memory < 64 << 20), "{memory:?}");
    // The other direction goes on.
    pass(&mut server, &mut client, &of(Server, TEXT, b"hi"));
    drain(&mut server, &pattern, sent);
    client.write_all(&pattern[sent % pattern.len()..]).unwrap();
    drop(client);
    tap.end();
}

#[test]
fn a_reset_overtakes_what_a_stalled_partner_does_not_read() {
    let tap = Tap::start(&["--summary", "--once"]);
    let [mut client, mut server] = tap.open();
    fill(&mut client, &of(Client, BINARY, &[7; 100_000]));
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    drop(client);
    tap.wait().says(&["reset"], 1);
    let mut rest = Vec::new();
    assert_eq!(server.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_report_that_is_not_read_stalls_the_traffic_and_nothing_grows() {
    let server = listen();
    let url = format!("ws://{}/", server.local_addr().unwrap());
    let tap = Tap::to(server, &url, &["--json"], false);
    let [mut client, mut server] = tap.open();
    let pattern = of(Client, TEXT, b"row");
    let pattern = pattern.repeat(10_000);
    let reads = thread::spawn(move || {
        let (mut buffer, mut len) = (vec![0; 1 << 20], 0);
        loop {
            match server.read(&mut buffer).unwrap() {
                0 => return len,
                more => len += more,
            }
        }
    });
    let sent = fill(&mut client, &pattern);
    let memory = memory(&tap.child);
    assert!(memory.is_none_or(|memory| memory < 64 << 20), "{memory:?}");
    let mut tap = tap;
    tap.out = Some(text_of(tap.child.stdout.take().unwrap()));
    client.write_all(&pattern[sent % pattern.len()..]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(reads.join().unwrap(), sent.next_multiple_of(pattern.len()));
    let told = tap.end();
    let frames = told.out.matches(r#""event":"frame""#).count();
    assert_eq!(frames, sent.next_multiple_of(pattern.len()) / of(Client, TEXT, b"row").len());
}

#[test]
fn a_server_that_refuses_is_told() {
    let tap = Tap::start(&["--json", "--once"]);
    let Tap { child, address, server, out, err } = tap;
    let refused = server.local_addr().unwrap();
    drop(server);
    let tap = Tap { child, address, server: listen(), out, err };
    let mut client = TcpStream::connect(tap.address).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let told = tap.wait();
    assert!(told.out.contains(r#""why":"tcp-refused""#), "{}", told.out);
    let note = format!("was not connected to {refused}: ");
    assert!(told.err.contains(&note) && told.err.contains("no WebSocket"), "{}", told.err);
    assert_eq!(told.status, 2);
}

#[test]
fn http_passes_and_is_named() {
    let tap = Tap::start(&["--once"]);
    let [mut client, mut server] = tap.connect();
    pass(&mut client, &mut server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    pass(&mut server, &mut client, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    finish(&client, &mut server);
    finish(&server, &mut client);
    let told = tap.wait();
    told.says(&["1 connection not WebSocket: HTTP without an upgrade to WebSocket"], 2);
}

#[test]
fn a_request_that_is_refused_is_never_opened() {
    let tap = Tap::start(&["--json", "--once"]);
    let [mut client, mut server] = tap.connect();
    pass(&mut client, &mut server, REQUEST);
    pass(&mut server, &mut client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    finish(&server, &mut client);
    finish(&client, &mut server);
    let told = tap.wait();
    assert!(told.out.contains(r#""outcome":"never-opened""#), "{}", told.out);
    assert_eq!(told.status, 1);
}

#[test]
fn many_connections_pass_at_once() {
    const MANY: usize = 40;
    let tap = Tap::start(&["--json"]);
    let mut open: Vec<_> = (0..MANY).map(|_| tap.open()).collect();
    for round in 0..5u8 {
        for (number, [client, server]) in open.iter_mut().enumerate() {
            let payload = [number as u8, round];
            pass(client, server, &of(Client, BINARY, &payload));
            pass(server, client, &of(Server, BINARY, &payload));
        }
    }
    open.into_iter().for_each(close);
    let told = tap.end();
    assert_eq!(told.out.matches(r#""outcome":"clean""#).count(), MANY);
    assert_eq!(told.status, 0);
}

#[test]
fn ctrl_c_and_sigterm_end_it_with_a_summary() {
    for signal in [Signal::INT, Signal::TERM] {
        let tap = Tap::start(&[]);
        let [mut client, mut server] = tap.open();
        pass(&mut client, &mut server, &of(Client, TEXT, b"hi"));
        tap.signal(signal);
        let told = tap.wait();
        told.says(&["still open at the end", "(1 complete frame in 1 connection)"], 0);
        // Both endpoints see the end.
        assert!(client.read(&mut [0]).is_ok_and(|len| len == 0));
    }
    let told = Tap::start(&[]).end();
    assert_eq!((told.out.as_str(), told.status), ("", 2));
    assert!(told.err.contains("no client connected"), "{}", told.err);
}

/// The code of a Close frame.
fn code(mut from: &TcpStream) -> u16 {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes[0], CLOSE, "{bytes:02x?}");
    let (header, rest) = Header::decode(&bytes).unwrap();
    let key = header.masking_key().unwrap_or_default();
    u16::from_be_bytes([rest[0] ^ key[0], rest[1] ^ key[1]])
}

#[test]
fn what_breaks_a_rule_is_refused_if_that_is_wanted() {
    for (from, bytes, due) in [
        (Client, of(Client, BINARY, b"xy"), 1003),
        (Client, of(Client, 0x83, b"xy"), 1002),
        (Server, of(Server, TEXT, b"\xFF"), 1007),
        (Server, of(Client, TEXT, b"xy"), 1002),
    ] {
        let tap = Tap::start(&["--enforce", "--server-accepts", "text", "--once", "--json"]);
        let [mut client, mut server] = tap.open();
        pass(&mut client, &mut server, &of(Client, TEXT, b"fine"));
        pass(&mut server, &mut client, &of(Server, BINARY, b"fine"));
        let (offender, other) =
            if from == Client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        offender.write_all(&bytes).unwrap();
        assert_eq!(code(offender), due);
        assert_eq!(code(other), 1001);
        drop((client, server));
        let told = tap.wait();
        let verdict = format!(r#""outcome":"refused","code":{due},"by":"{}""#, from.peer().name());
        assert!(told.out.contains(&verdict), "{}", told.out);
        let note = format!("was sent {due}; the {} was sent 1001", from.peer().name());
        assert!(told.err.contains(&note), "{}", told.err);
        assert_eq!(told.status, 1);
    }
}

/// A part of the frame has passed, so no Close frame can follow it.
#[test]
fn the_other_endpoint_is_sent_no_close_inside_a_frame() {
    let tap = Tap::start(&["--enforce", "--once"]);
    let [mut client, mut server] = tap.open();
    let text = of(Client, TEXT, b"abc\xFF");
    pass(&mut client, &mut server, &text[..8]);
    client.write_all(&text[8..]).unwrap();
    assert_eq!(code(&client), 1007);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).unwrap();
    assert!(rest.len() <= 2, "{rest:02x?}");
    drop((client, server));
    assert!(tap.wait().err.contains("had a part of a frame"));
}

#[test]
fn a_gate_holds_a_frame_until_the_response() {
    let tap = Tap::start(&["--enforce", "--once"]);
    let [mut client, mut server] = tap.connect();
    // A request that is refused, another one with the first frame behind it, and the response with one.
    pass(&mut client, &mut server, REQUEST);
    pass(&mut server, &mut client, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let early = of(Client, TEXT, b"early");
    client.write_all(&[REQUEST, &early].concat()).unwrap();
    let mut request = vec![0; REQUEST.len()];
    server.read_exact(&mut request).unwrap();
    pass(&mut server, &mut client, &[RESPONSE, &of(Server, TEXT, b"first")].concat());
    let mut arrived = vec![0; early.len()];
    server.read_exact(&mut arrived).unwrap();
    assert_eq!(arrived, early);
    for payload in [&b"hello"[..], &[7; 100_000]] {
        pass(&mut client, &mut server, &of(Client, BINARY, payload));
        pass(&mut server, &mut client, &of(Server, BINARY, payload));
    }
    pass(&mut client, &mut server, &of(Client, CLOSE, b"\x03\xE8"));
    pass(&mut server, &mut client, &of(Server, CLOSE, b"\x03\xE8"));
    // The gate ends both streams.
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop((client, server));
    tap.wait().says(&["data-before-response", "early", "first", "a clean close"], 1);
}

/// The lines of a report for each connection, without the name of the input.
fn by_stream(json: &str) -> BTreeMap<u64, Vec<Value>> {
    let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mut line in lines(json) {
        line.as_object_mut().unwrap().remove("input");
        streams.entry(line["tcp_stream"].as_u64().unwrap()).or_default().push(line);
    }
    streams
}

fn random(seed: &mut u64, len: usize) -> Vec<u8> {
    let mut next = || {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Generated connections: `check` says of the capture what the tap has said, to the line and the time.
#[test]
fn the_report_is_that_of_the_capture() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tap.pcapng");
    let name = file.to_str().unwrap();
    let tap = Tap::start(&["--json", "--payload", "--write", name]);
    let ends = [Policy::new(Client), Policy::new(Server)];
    let (mut seed, mut count) = (0x2545_F491_4F6C_DD1D, 0);
    while count < 120 {
        let bytes = random(&mut seed, 2_000);
        let Ok(connection) = Connection::under(ends, &mut Unstructured::new(&bytes)) else {
            continue;
        };
        let [mut client, mut server] = tap.open();
        for (from, bytes) in connection.turns() {
            match from {
                Client => pass(&mut client, &mut server, bytes),
                Server => pass(&mut server, &mut client, bytes),
            }
        }
        match (connection.violation().map_or(Server, |(from, _)| from), count % 5) {
            (Client, 0) => {
                set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
                drop(client);
                server.read(&mut [0]).unwrap_err();
            }
            (Client, _) => {
                finish(&client, &mut server);
                finish(&server, &mut client);
            }
            _ => {
                finish(&server, &mut client);
                finish(&client, &mut server);
            }
        }
        count += 1;
    }
    let told = tap.end();
    let output = run(&["check", "--json", "--payload", name], b"");
    let (live, again) = (by_stream(&told.out), by_stream(str::from_utf8(&output.stdout).unwrap()));
    assert_eq!(live.len(), count);
    for (stream, lines) in &live {
        // What ends by a reset is judged up to the last packet of the capture.
        let until = |lines: &[Value]| -> Vec<Value> {
            let mut lines = lines.to_vec();
            for line in &mut lines {
                line.as_object_mut().unwrap().remove("until");
                line.as_object_mut().unwrap().remove("connection");
            }
            lines
        };
        similar_asserts::assert_eq!(until(&again[stream]), until(lines), "stream {stream}");
    }
    assert_eq!(again.len(), count);
    assert_eq!(output.status.code(), Some(told.status));
    let broken = told.out.matches(r#""event":"violation""#).count();
    assert!(broken > 20, "{broken}");
    dissect(&file, count);
}

/// Another dissector finds the same connections, if it is there.
fn dissect(file: &Path, connections: usize) {
    // The port of a client may be that of another protocol.
    let tshark = |args: &[&str]| {
        let all = ["-d", "tcp.port==1-65535,http", "-r"];
        Command::new("tshark").args(all).arg(file).args(args).output()
    };
    let answers = ["-T", "fields", "-e", "tcp.stream", "-Y", "http.response.code==101"];
    let Ok(output) = tshark(&answers) else { return };
    assert!(output.status.success(), "{output:?}");
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found.lines().count(), connections, "{found}");
    let args = ["-Y", "tcp.analysis.flags && !tcp.analysis.reused_ports || _ws.malformed"];
    let odd = tshark(&args).unwrap();
    assert_eq!(String::from_utf8(odd.stdout).unwrap(), "");
}

#[test]
fn a_file_that_is_no_capture_is_not_overwritten() {
    let before = ["tap", "--listen", "127.0.0.1:0", "--write"];
    assert_kept(&before, "ws://127.0.0.1:1/", "is not a pcapng capture");
}

/// A client without TLS, a tap that speaks TLS to another one, and that one before a server without TLS.
#[cfg(feature = "wss")]
#[test]
fn tls_of_both_sides_passes() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let [certificate, key] = ["tap-cert.pem", "tap-key.pem"].map(|name| data.join(name));
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap());
    let inner = Tap::start(&["--tls-cert", certificate, "--tls-key", key, "--once"]);
    let url = format!("wss://{}/", inner.address);
    let server = inner.server.try_clone().unwrap();
    let outer = Tap::to(server, &url, &["--ca", certificate, "--once"], true);
    let [mut client, mut server] = outer.open();
    for payload in [&b"hello"[..], &[7; 300_000]] {
        pass(&mut client, &mut server, &of(Client, BINARY, payload));
        pass(&mut server, &mut client, &of(Server, BINARY, payload));
    }
    close([client, server]);
    for tap in [outer, inner] {
        let told = tap.wait();
        told.says(&["a clean close", "nothing is broken"], 0);
        assert_eq!(told.err, "");
    }
}

/// The tap makes a certificate, which names its address, and a client that gets it trusts it.
#[cfg(feature = "wss")]
#[test]
fn a_certificate_is_made_for_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tap.pem");
    let certificate = file.to_str().unwrap();
    let inner = Tap::start(&["--tls", "--write-cert", certificate, "--once"]);
    let pem = std::fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE KEY"), "{pem}");
    let url = format!("wss://{}/", inner.address);
    let server = inner.server.try_clone().unwrap();
    let outer = Tap::to(server, &url, &["--ca", certificate, "--once"], true);
    let [mut client, mut server] = outer.open();
    pass(&mut client, &mut server, &of(Client, BINARY, b"hello"));
    close([client, server]);
    for tap in [outer, inner] {
        tap.wait().says(&["a clean close", "nothing is broken"], 0);
    }
}

#[cfg(feature = "wss")]
#[test]
fn a_file_that_is_no_certificate_is_not_overwritten() {
    let before = ["tap", "--listen", "127.0.0.1:0", "--tls", "--write-cert"];
    assert_kept(&before, "ws://127.0.0.1:1/", "is not a certificate in PEM");
}
