//! The prober against clients: in memory, without a fault and with one each, and the client of the
//! library over TCP.
#![allow(unreachable_pub)] // the modules of a test are private

mod probe {
    pub mod client;
    pub mod endpoint;
    pub mod faults;
    pub mod head;
    pub mod results;
    pub mod server;
}

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use probe::endpoint::{Kind, Memory, fresh_key};
use probe::faults::{FAULTS, Fault, OF_CLIENTS};
use probe::results::{MOST, Results, assert_faultless, assert_same, failures, is_short};
use wsvet::deflate::Parameters;
use wsvet::endpoint::sync::{Error, WebSocket};
use wsvet::generate::{Case, Level, Setup};
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{Accepts, Policy, Role};
use wsvet_cli::probe::call::{self, Call};
use wsvet_cli::probe::explore::{Found, Meeting};
use wsvet_cli::probe::outcome::{Outcome, Ran};
use wsvet_cli::probe::play::respond;

fn setup(kind: Kind) -> Setup {
    let accepts = if kind.text_only { Accepts::TextOnly } else { Accepts::Any };
    Setup::client().accepts(accepts).max_message(kind.limit.map_or(1 << 30, |limit| limit as u64))
}

fn connect(kind: Kind, fault: Option<Fault>, cut: usize) -> (Memory, Call) {
    let mut link = Memory::new(kind, fault, cut);
    let call = call::receive(&mut link, MOST).unwrap().unwrap();
    (link, call)
}

fn meet(kind: Kind, fault: Option<Fault>, cut: usize, setup: &mut Setup) -> Found {
    let mut meeting = Meeting::new(setup, MOST);
    let found = (0..3).find_map(|_| {
        let (mut link, call) = connect(kind, fault, cut);
        meeting.meet(&call, &mut link, setup)
    });
    found.unwrap()
}

fn run(
    kind: Kind,
    fault: Option<Fault>,
    cut: usize,
    mut setup: Setup,
    wanted: impl Fn(&Case) -> bool,
) -> Results {
    let mut found = meet(kind, fault, cut, &mut setup);
    if fault.is_some() {
        // Found out before the fault: the client is known to send messages back.
        (found.peer.echoes_text, found.peer.echoes_binary) =
            (kind.echo, kind.echo && !kind.text_only);
    }
    let run = |case: &Case| {
        if let Some(reason) = found.peer.cannot(case, false) {
            return Ran::without(Outcome::Skipped, reason);
        }
        let (mut link, call) = connect(kind, fault, cut);
        match call.response(case) {
            Some(response) => {
                respond(case, &found.peer, &call, &response, &mut link, found.patience)
            }
            None => Ran::without(Outcome::Skipped, Call::LACKS),
        }
    };
    let cases = Case::all(&setup);
    cases.iter().filter(|case| wanted(case)).map(|case| (case.id.clone(), run(case))).collect()
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for echo in [true, false] {
        for deflate in [true, false] {
            for limit in [None, Some(1_000)] {
                for text_only in [true, false] {
                    kinds.push(Kind {
                        echo,
                        deflate,
                        limit,
                        text_only,
                        client: true,
                        ..Kind::default()
                    });
                }
            }
        }
    }
    kinds
}

#[test]
fn a_client_without_a_fault_fails_nothing() {
    for kind in kinds() {
        let results = run(kind, None, usize::MAX, setup(kind), |_| true);
        assert_faultless(&results);
    }
}

#[test]
fn a_client_of_which_nothing_is_known_fails_nothing() {
    for kind in kinds().into_iter().step_by(3) {
        let results = run(kind, None, usize::MAX, Setup::client(), |_| true);
        assert_eq!(failures(&results), []);
    }
}

/// The case for clients that finds a fault which servers can have, too.
fn case_for_clients(id: &str) -> String {
    let id = id.replace("masking/unmasked-", "masking/masked-").replace("opening/", "response/");
    match &*id {
        // A client may fail the connection.
        "response/upgrade-list" => String::new(),
        _ => id,
    }
}

fn faults_of_clients() -> Vec<(Fault, String, Level)> {
    let with_deflate = Kind { deflate: true, limit: Some(1_000), ..Kind::default() };
    let text_only = Kind { text_only: true, ..with_deflate };
    let ids: BTreeSet<_> = [with_deflate, text_only]
        .into_iter()
        .flat_map(|kind| Case::all(&setup(kind)))
        .chain(Case::all(&Setup::client()))
        .map(|case| case.id)
        .collect();
    let of_servers = FAULTS.iter().map(|(fault, id, level)| (*fault, case_for_clients(id), *level));
    // What the server in memory does wrong in its response.
    let shared = of_servers.filter(|(_, id, _)| ids.contains(id) && id != "response/plain");
    let own = OF_CLIENTS.iter().map(|(fault, id, level)| (*fault, (*id).to_owned(), *level));
    own.chain(shared).collect()
}

#[test]
fn each_fault_is_found_by_a_case_that_names_it() {
    let mut missed = Vec::new();
    let faults = faults_of_clients();
    assert!(faults.len() > 150, "{}", faults.len());
    for (fault, id, level) in faults {
        let kind = Kind {
            echo: true,
            deflate: id.starts_with("deflate/"),
            limit: id.contains("limit").then_some(1_000),
            text_only: id.starts_with("type/"),
            client: true,
            ..Kind::default()
        };
        let results = run(kind, Some(fault), usize::MAX, setup(kind), |case| case.id == id);
        let ran = results.get(&id).unwrap_or_else(|| panic!("no case {id}"));
        if ran.outcome != Outcome::Fail(level) {
            missed.push(format!("{fault:?}: {id}: {:?} {}", ran.outcome, ran.got));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// What a client sends may arrive in any pieces.
#[test]
fn an_outcome_does_not_depend_on_how_the_clients_bytes_are_cut() {
    let kind = Kind { echo: true, deflate: true, client: true, ..Kind::default() };
    let faults = faults_of_clients();
    let faults = faults.iter().step_by(13).map(|(fault, ..)| Some(*fault));
    for fault in faults.chain([None]) {
        let whole = run(kind, fault, usize::MAX, setup(kind), is_short);
        for cut in [1, 3] {
            let pieces = run(kind, fault, cut, setup(kind), is_short);
            assert_same(&whole, &pieces, &format!("{fault:?}, pieces of {cut} bytes"));
        }
    }
}

/// Starts `wsvet probe --listen`, and returns it with its address.
fn listen(args: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wsvet"))
        .args(["probe", "--listen", "127.0.0.1:0", "--json", "--strict"])
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let (_, rest) = line.split_once("ws://").unwrap_or_else(|| panic!("{line}"));
    let address = rest.split('/').next().unwrap().to_owned();
    (child, address)
}

/// Reads all lines while the client runs, and returns them with the exit status.
fn report(mut child: Child, client: impl FnOnce() + Send) -> (Vec<String>, Option<i32>) {
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = std::thread::scope(|scope| {
        scope.spawn(client);
        out.lines().map(Result::unwrap).collect()
    });
    (lines, child.wait().unwrap().code())
}

/// Connects again and again until the server stops listening, and echoes messages.
fn serve_cases(address: &str, policy: Policy, echo: bool, deflate: bool) {
    let mut number = 0_u64;
    while let Ok(stream) = TcpStream::connect(address) {
        number += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        let offer = Parameters::new().offer();
        let request = RequestBuilder::new(address, "/", Key::new(nonce));
        let request = request.extensions(deflate.then_some(&*offer));
        let mut keys = number as u32;
        let talk = || -> Result<(), Error> {
            let random = move || {
                keys = keys.wrapping_mul(0x9E37_79B1).wrapping_add(1);
                keys.to_be_bytes()
            };
            let mut socket = WebSocket::connect(stream, policy, &request, random)?;
            while let Some(message) = socket.next()? {
                if echo && message.is_data() {
                    socket.feed(message)?;
                }
            }
            Ok(())
        };
        // Many cases must fail.
        let _ = talk();
    }
}

fn serve_faultlessly(echo: bool, deflate: bool, policy: Policy, args: &[&str]) {
    let (child, address) = listen(args);
    let (lines, status) = report(child, || serve_cases(&address, policy, echo, deflate));
    let is_bad = |line: &&String| {
        line.contains(r#""outcome":"fail""#) || line.contains(r#""outcome":"inconclusive""#)
    };
    let bad: Vec<_> = lines.iter().filter(is_bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(status, Some(0));
    assert!(lines[0].starts_with(r#"{"event":"client","#), "{}", lines[0]);
    assert!(lines.len() > 450, "{}", lines.len());
    assert!(lines.last().unwrap().contains(r#""event":"summary""#));
}

const CLIENT: Policy = Policy::new(Role::Client);

#[test]
fn the_client_of_the_library_fails_nothing() {
    serve_faultlessly(true, true, CLIENT, &["--client-accepts", "any", "--stress"]);
}

#[test]
fn the_client_of_the_library_fails_nothing_if_it_sends_nothing() {
    let policy = CLIENT.accepts(Accepts::BinaryOnly).max_message(1_000);
    let args = ["--client-accepts", "binary", "--max-message", "1000"];
    serve_faultlessly(false, false, policy, &args);
}

/// Sends a request, and returns the response.
fn get(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn a_browser_gets_a_page_and_is_told_when_all_is_done() {
    let (child, address) = listen(&["--case", "response/plain"]);
    assert!(get(&address, "/").contains("new WebSocket(url, subprotocols)"));
    assert!(get(&address, "/favicon.ico").starts_with("HTTP/1.1 404 "));
    assert!(get(&address, "/status").ends_with(r#"{"done":false,"ran":0,"cases":null}"#));
    let (lines, status) = report(child, || {
        serve_cases_until_done(&address);
    });
    assert_eq!((lines.len(), status), (3, Some(0)), "{lines:#?}");
}

#[test]
fn a_client_whose_requests_are_none_ends_the_run() {
    let (child, address) = listen(&["--idle", "1"]);
    let (lines, status) = report(child, || {
        while let Ok(mut stream) = TcpStream::connect(&address) {
            // The prober may have ended since.
            let _ = stream.write_all(b"GET  HTTP/1.1\r\n\r\n");
            let _ = stream.read(&mut [0; 64]);
        }
    });
    assert_eq!((lines.len(), status), (0, Some(2)), "{lines:#?}");
}

/// Does what the page does.
fn serve_cases_until_done(address: &str) {
    for number in 0..10_u8 {
        let status = get(address, "/status");
        if status.contains(r#""done":true"#) {
            assert!(status.ends_with(r#"{"done":true,"ran":1,"cases":1}"#), "{status}");
            return;
        }
        let stream = TcpStream::connect(address).unwrap();
        let request = RequestBuilder::new(address, "/", Key::new([number; 16]));
        let Ok(mut socket) = WebSocket::connect(stream, CLIENT, &request, fresh_key) else {
            continue;
        };
        while let Ok(Some(_)) = socket.next() {}
    }
    panic!("never done");
}

#[test]
fn clients_with_different_offers_share_the_cases() {
    let (child, address) = listen(&["--case", "deflate/hello", "--case", "deflate-not-offered"]);
    let (lines, status) = report(child, || {
        for number in 0..20_u8 {
            let Ok(stream) = TcpStream::connect(&address) else { return };
            let request = RequestBuilder::new(&address, "/", Key::new([number; 16]));
            // Those that find out what the client is, and then two that the first case does not fit.
            let offer = (!(2..=3).contains(&number)).then(|| Parameters::new().offer());
            let request = request.extensions(offer.as_deref());
            if let Ok(mut socket) = WebSocket::connect(stream, CLIENT, &request, fresh_key) {
                while let Ok(Some(message)) = socket.next() {
                    let _ = socket.feed(message);
                }
            }
        }
    });
    assert_eq!(status, Some(0), "{lines:#?}");
    assert_eq!(
        lines.iter().filter(|line| line.contains(r#""outcome":"pass""#)).count(),
        2,
        "{lines:#?}"
    );
}

#[test]
fn a_client_that_does_not_come_again_is_told_what_to_do() {
    let (mut child, address) = listen(&["--idle", "0.2"]);
    drop(TcpStream::connect(&address));
    let stream = TcpStream::connect(&address).unwrap();
    let request = RequestBuilder::new(&address, "/", Key::new([1; 16]));
    let mut socket = WebSocket::connect(stream, CLIENT, &request, fresh_key).unwrap();
    while let Ok(Some(_)) = socket.next() {}
    let mut error = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(error.contains("it must connect again for each case"), "{error}");
}

#[test]
fn a_case_that_failed_before_the_client_went_away_is_told() {
    let (child, address) = listen(&["--case", "ping/empty", "--idle", "0.2"]);
    let (lines, _) = report(child, || {
        // Two connections show what the client is. It leaves in the third.
        for number in 0..3 {
            let stream = TcpStream::connect(&address).unwrap();
            let request = RequestBuilder::new(&address, "/", Key::new([number; 16]));
            let mut socket = WebSocket::connect(stream, CLIENT, &request, fresh_key).unwrap();
            while number < 2 && socket.next().is_ok_and(|message| message.is_some()) {}
        }
    });
    assert!(lines[1].contains(r#""outcome":"inconclusive""#), "{lines:#?}");
    assert!(lines[1].contains("failed in 1 of 1 runs: "), "{lines:#?}");
    assert!(lines[1].contains("; then the client did not connect again"), "{lines:#?}");
}

#[test]
fn cases_are_left_out_after_the_last_connection() {
    let (child, address) = listen(&["--case", "ping/", "--until", "4"]);
    let (lines, _) = report(child, || serve_cases(&address, CLIENT, true, false));
    let count = |outcome: &str| lines.iter().filter(|line| line.contains(outcome)).count();
    assert_eq!(count(r#""outcome":"pass""#), 2, "{lines:#?}");
    assert_eq!(count("only 4 connections: --until"), lines.len() - 4, "{lines:#?}");
}
