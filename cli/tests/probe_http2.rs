//! The prober over HTTP/2, against servers in memory: ones without a fault, and ones that have one each.
#![allow(unreachable_pub)] // the modules of a test are private

mod common;
mod probe {
    pub mod campaign;
    pub mod client;
    pub mod endpoint;
    pub mod faults;
    pub mod head;
    pub mod http2;
    pub mod results;
    pub mod server;
}

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use common::{http2, run};
use probe::endpoint::{Kind, Memory};
use probe::faults::{FAULTS, Fault};
use probe::http2::{Http2Server, Manner};
use probe::results::{MOST, Results, assert_faultless, assert_same, failures, is_short};
use proptest::prelude::*;
use wsvet::Accepts;
use wsvet::generate::{Case, Setup};
use wsvet_cli::probe::connect::Connect;
use wsvet_cli::probe::explore::explore;
use wsvet_cli::probe::link::{Link, Received};
use wsvet_cli::probe::outcome::Outcome;
use wsvet_cli::probe::stream::Stream;

const ECHO: Kind = Kind {
    echo: true,
    deflate: true,
    limit: None,
    text_only: false,
    client: false,
    interjects: false,
};

fn setup(kind: Kind) -> Setup {
    let accepts = if kind.text_only { Accepts::TextOnly } else { Accepts::Any };
    let setup = Setup::new("example.com", "/").accepts(accepts);
    setup.max_message(kind.limit.map_or(1 << 30, |limit| limit as u64))
}

/// Probes a server over HTTP/2, and returns what came of the cases that `wanted` chooses.
fn judge(
    (kind, fault): (Kind, Option<Fault>),
    manner: Manner,
    cut: usize,
    wanted: impl Fn(&Case) -> bool,
) -> Result<Results, String> {
    let connect = || -> io::Result<Box<dyn Link>> {
        // The server in memory sends whole frames.
        let server = Http2Server::new(Memory::new(kind, fault, usize::MAX), manner, cut);
        Ok(Box::new(Stream::open(server, "http", MOST)?))
    };
    let mut setup = setup(kind);
    let mut found = explore(&mut setup, &connect, MOST)?;
    // Found out before the fault: the server is known to send messages back.
    (found.peer.echoes_text, found.peer.echoes_binary) = (kind.echo, kind.echo && !kind.text_only);
    let cases: Vec<Case> = Case::all(&setup).into_iter().filter(wanted).collect();
    Ok(probe::campaign::run(&cases, &found, &connect))
}

#[test]
fn a_server_without_a_fault_fails_nothing() {
    for (echo, limit, text_only) in
        [(true, None, false), (false, Some(100_000), false), (true, None, true)]
    {
        let kind = Kind { echo, limit, text_only, ..ECHO };
        let results = judge((kind, None), Manner::Plain, usize::MAX, |_| true).unwrap();
        assert_faultless(&results);
    }
}

/// What HTTP/2 permits changes nothing.
#[test]
fn a_server_of_any_manner_fails_nothing() {
    use Manner::{Chatty, Continued, EarlyHints, Padded, Plain, SmallWindows};
    // A window is smaller than the messages of these.
    let wanted = |case: &Case| is_short(case) || case.id.starts_with("length/");
    let whole = judge((ECHO, None), Plain, usize::MAX, wanted).unwrap();
    for manner in [SmallWindows, Padded, Chatty, Continued, EarlyHints] {
        let results = judge((ECHO, None), manner, usize::MAX, wanted).unwrap();
        assert_same(&whole, &results, &format!("{manner:?}"));
    }
    for cut in [1, 10] {
        let results = judge((ECHO, None), Padded, cut, wanted).unwrap();
        assert_same(&whole, &results, &format!("pieces of {cut} bytes"));
    }
}

/// Whether the server in HTTP/2 cannot have the fault: it is about what only HTTP/1.1 has.
fn is_of_http1(fault: Fault) -> bool {
    use Fault::{
        AcceptOfLowerCaseKey, AnnouncesBody, FirstLineOnly, NamesCaseSensitive, NeedsHostFirst,
        NoAccept, NoConnectionInResponse, NoUpgradeInResponse, RefusesSilently, WrongAccept,
    };
    matches!(
        fault,
        AcceptOfLowerCaseKey
            | AnnouncesBody
            | FirstLineOnly
            | NamesCaseSensitive
            | NeedsHostFirst
            | NoAccept
            | NoConnectionInResponse
            | NoUpgradeInResponse
            | RefusesSilently
            | WrongAccept
    )
}

#[test]
fn each_fault_is_found_over_http2_as_well() {
    let mut missed = Vec::new();
    let mut count = 0;
    for (fault, id, level) in FAULTS.iter().step_by(3) {
        let kind = Kind {
            deflate: id.starts_with("deflate/"),
            limit: id.contains("limit").then_some(1_000),
            text_only: id.starts_with("type/"),
            ..ECHO
        };
        let wanted = |case: &Case| case.id == *id;
        let results = judge((kind, Some(*fault)), Manner::Plain, usize::MAX, wanted);
        let results = match results {
            Ok(results) => results,
            Err(_) if is_of_http1(*fault) => continue,
            Err(error) => panic!("{fault:?}: {error}"),
        };
        let ran = &results[*id];
        let skipped = ran.outcome == Outcome::Skipped && ran.got.contains("over HTTP/2");
        if skipped || is_of_http1(*fault) || ran.got.contains("its syntax") {
            continue;
        }
        count += 1;
        if ran.outcome != Outcome::Fail(*level) {
            missed.push(format!("{fault:?}: {id}: {:?} {}", ran.outcome, ran.got));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
    assert!(count > 40, "{count}");
}

/// The results name how a server ends a stream, unless it is END_STREAM.
#[test]
fn the_end_of_a_stream_is_judged_as_that_of_tcp() {
    use Manner::{Breaks, EndsTcp, GoesAway, NeverEnds, Plain, Resets};
    let id = "close/code-1000";
    for (fault, manner, expected) in [
        (None, Plain, "pass: as due"),
        (None, Resets, "pass: as due"),
        (None, EndsTcp, "pass: as due"),
        (None, GoesAway, "pass: as due"),
        (None, NeverEnds, "fail: the stream is still open after 2 s"),
        (Some(Fault::NeverCloses), Plain, "fail: the end of the stream without a Close"),
        (
            Some(Fault::NeverCloses),
            Resets,
            "inconclusive: the stream was reset, which may have destroyed a Close frame (RST_STREAM \
             with INTERNAL_ERROR)",
        ),
        (
            Some(Fault::NeverCloses),
            EndsTcp,
            "fail: the end of the stream without a Close (it ended TCP, and not the stream)",
        ),
        (
            Some(Fault::NeverCloses),
            GoesAway,
            "fail: the end of the stream without a Close (GOAWAY with INTERNAL_ERROR: oh)",
        ),
        (
            Some(Fault::NeverCloses),
            Breaks,
            "inconclusive: the stream was reset, which may have destroyed a Close frame (the server \
             broke HTTP/2 at byte 60: the padding of a DATA frame exceeds the frame)",
        ),
    ] {
        let results = judge((ECHO, fault), manner, usize::MAX, |case| case.id == id).unwrap();
        let ran = &results[id];
        let told = format!("{}: {}", ran.outcome.name(), ran.got);
        assert_eq!(told, expected, "{fault:?} {manner:?}");
    }
}

#[test]
fn reasons() {
    for (manner, expected) in [
        (
            Manner::NoConnect,
            "cannot connect: the server does not allow WebSocket over HTTP/2: its SETTINGS lack \
             SETTINGS_ENABLE_CONNECT_PROTOCOL with the value 1 (RFC 8441 §3)",
        ),
        (
            Manner::Switches,
            "no response: the server broke HTTP/2 at byte 24: a response without a valid :status on stream 1",
        ),
        (Manner::Refuses, "no response: GOAWAY with ENHANCE_YOUR_CALM"),
    ] {
        let error = judge((ECHO, None), manner, usize::MAX, |_| true).unwrap_err();
        assert_eq!(error, expected);
    }
}

#[test]
fn a_field_of_http1_fails_the_plain_case_alone() {
    let results = judge((ECHO, None), Manner::ForeignField, usize::MAX, is_short).unwrap();
    let failed = failures(&results);
    let got = "a response with the field upgrade";
    assert_eq!(failed, [("opening/plain", wsvet::generate::Level::Must, got)]);
}

/// A server that takes nothing is not waited for without an end.
#[test]
fn a_server_that_takes_nothing_is_left() {
    let results =
        judge((ECHO, None), Manner::Stalls, usize::MAX, |case| case.id == "close/code-1000");
    let ran = &results.unwrap()["close/code-1000"];
    assert_eq!((ran.outcome.name(), &*ran.got), ("fail", "no Close within 2 s"));
}

/// Serves the server in memory over this stream, until the client ends it.
fn converse(mut stream: impl Read + Write, manner: Manner) -> io::Result<()> {
    let memory = Memory::new(ECHO, None, usize::MAX);
    let mut server = Http2Server::new(memory, manner, usize::MAX);
    let (mut out, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        while server.receive(&mut out, Duration::ZERO) == Received::Bytes {}
        stream.write_all(&std::mem::take(&mut out))?;
        stream.flush()?;
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            len => server.send(&bytes[..len])?,
        }
    }
}

/// Calls `each` with each connection, and returns the address. It ends with the process.
fn serve(each: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(socket));
        }
    });
    address
}

fn serve_plain(manner: Manner) -> String {
    let address = serve(move |socket| {
        let _ = converse(socket, manner);
    });
    format!("ws://{address}/")
}

/// Probes how a connection is closed, and returns what is printed, the errors, and the exit status.
fn probe_url(args: &[&str], url: &str) -> (String, String, Option<i32>) {
    let all =
        ["probe", "--http2", "--strict", "--server-accepts", "any", "--case", "close/code-1", url];
    let output = run(&[&all, args].concat(), b"");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, err, output.status.code())
}

#[test]
fn the_tool_probes_over_tcp() {
    let (out, err, status) = probe_url(&[], &serve_plain(Manner::Plain));
    assert_eq!((status, &*err), (Some(0), ""), "{out}");
    assert!(out.contains("speaks HTTP/2"), "{out}");

    let http1 = serve(|mut socket| {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (url, expected) in [
        (serve_plain(Manner::NoConnect), "lack SETTINGS_ENABLE_CONNECT_PROTOCOL with the value 1"),
        (format!("ws://{http1}/"), "does not speak HTTP/2: its first bytes are not SETTINGS"),
    ] {
        let (_, err, status) = probe_url(&[], &url);
        assert!(err.contains(expected), "{err}");
        assert_eq!(status, Some(2));
    }
}

/// ALPN chooses HTTP/2, and a server that does not speak it says so.
#[cfg(feature = "wss")]
#[test]
fn the_tool_probes_over_tls() {
    use std::sync::Arc;

    use wsvet_cli::live::identity::Identity;

    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let [certificate, key] = ["tap-cert.pem", "tap-key.pem"].map(|name| data.join(name));
    let http1 = Identity::read(&certificate, &key).unwrap().server().unwrap();
    let mut http2 = rustls::ServerConfig::clone(&http1);
    http2.alpn_protocols = vec![b"h2".to_vec()];
    let mut nothing = rustls::ServerConfig::clone(&http1);
    nothing.alpn_protocols.clear();
    for (config, expected) in [
        (Arc::new(http2), None),
        (http1, Some("the server does not speak the version of HTTP that is asked for")),
        (Arc::new(nothing), Some("the server did not choose HTTP/2 (h2) in ALPN")),
    ] {
        let address = serve(move |socket| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = converse(rustls::StreamOwned::new(connection, socket), Manner::Plain);
        });
        let ca = certificate.to_str().unwrap();
        let (out, err, status) = probe_url(&["--ca", ca], &format!("wss://{address}/"));
        match expected {
            None => assert_eq!((status, &*err), (Some(0), ""), "{out}"),
            Some(expected) => assert!(err.contains(expected) && status == Some(2), "{err}"),
        }
    }
}

/// Each request that is sent breaks the rule of its case, and no other.
#[test]
fn a_request_breaks_the_rule_that_its_case_names() {
    use wsvet::handshake::{Request, Rule};
    for case in Case::all(&Setup::new("example.com", "/chat?room=1")) {
        let Ok(connect) = Connect::of(&case) else { continue };
        let fields = connect.fields.iter().map(|(name, value)| (name, value));
        let broken = Request::connect(&connect.path, fields).broken().next();
        let named = case.rule.and_then(Rule::from_id);
        assert!(broken == named || broken.is_none(), "{}: {broken:?}", case.id);
    }
}

/// A server that sends these bytes, after SETTINGS that allow an extended CONNECT.
struct Scripted {
    bytes: Vec<u8>,
    now: Duration,
}

impl Link for Scripted {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end_sending(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        if self.bytes.is_empty() {
            self.now += wait;
            return Received::Late;
        }
        buffer.extend(self.bytes.drain(..self.bytes.len().min(7)));
        Received::Bytes
    }

    fn elapsed(&self) -> Duration {
        self.now
    }
}

/// A frame of any kind with any payload, which may be malformed.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..40);
    (0..11u8, any::<u8>(), 0..4u32, payload)
        .prop_map(|(kind, flags, stream, payload)| http2::frame(kind, flags, stream, &payload))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..<_>::default() })]

    /// Whatever the server sends, a stream neither panics nor waits without an end.
    #[test]
    fn any_frames_end_a_stream_or_nothing(frames in prop::collection::vec(any_frame(), 0..12)) {
        let bytes = [http2::allowance(), frames.concat()].concat();
        let server = Scripted { bytes, now: Duration::ZERO };
        let Ok(mut stream) = Stream::open(server, "http", MOST) else { return Ok(()) };
        let connect = Connect { authority: "x".to_owned(), path: "/".to_owned(), fields: Vec::new() };
        let _ = stream.tunnel().unwrap().connect(&connect, MOST);
        let _ = stream.send(&[0; 100_000]);
        let mut received = Vec::new();
        while stream.receive(&mut received, MOST) == Received::Bytes {}
        prop_assert!(stream.elapsed() < 20 * MOST);
    }
}
