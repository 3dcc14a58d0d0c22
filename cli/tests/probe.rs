//! The prober against servers in memory: ones without a fault, and ones that have one each.
#![allow(unreachable_pub)] // the modules of a test are private

mod probe {
    pub mod campaign;
    pub mod client;
    pub mod endpoint;
    pub mod faults;
    pub mod head;
    pub mod results;
    pub mod server;
}

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use probe::endpoint::{Kind, Memory};
use probe::faults::{FAULTS, Fault};
use probe::results::{MOST, Results, assert_faultless, assert_same, failures, is_short};
use wsvet::Accepts;
use wsvet::generate::{Case, Level, Setup};
use wsvet_cli::probe::campaign::{self, Options};
use wsvet_cli::probe::explore::{Found, explore};
use wsvet_cli::probe::link::{Link, Received};
use wsvet_cli::probe::outcome::{Outcome, Ran};
use wsvet_cli::probe::report::{self, Record, Report};

fn setup(kind: Kind) -> Setup {
    let mut setup = Setup::new("example.com", "/");
    let accepts = if kind.text_only { Accepts::TextOnly } else { Accepts::Any };
    setup = setup.accepts(accepts);
    // A limit that is above all lengths but those that are about it.
    setup.max_message(kind.limit.map_or(1 << 30, |limit| limit as u64))
}

fn find(kind: Kind, fault: Option<Fault>, cut: usize, setup: &mut Setup) -> Result<Found, String> {
    let connect = || Ok(Box::new(Memory::new(kind, fault, cut)) as Box<dyn Link>);
    explore(setup, &connect, MOST)
}

fn run(kind: Kind, fault: Option<Fault>, cut: usize, setup: Setup) -> Results {
    run_those(kind, fault, cut, setup, |_| true)
}

fn run_those(
    kind: Kind,
    fault: Option<Fault>,
    cut: usize,
    mut setup: Setup,
    wanted: impl Fn(&Case) -> bool,
) -> Results {
    let connect = || -> io::Result<Box<dyn Link>> { Ok(Box::new(Memory::new(kind, fault, cut))) };
    let mut found = find(kind, fault, cut, &mut setup).unwrap();
    if fault.is_some_and(is_of_echo) {
        // Found out before the fault: the server is known to send messages back.
        (found.peer.echoes_text, found.peer.echoes_binary) = (true, !kind.text_only);
    }
    let cases: Vec<Case> = Case::all(&setup).into_iter().filter(wanted).collect();
    let results = probe::campaign::run(&cases, &found, &connect);
    assert_eq!(results.len(), cases.len());
    results
}

/// Whether the fault hides that the server sends messages back.
fn is_of_echo(fault: Fault) -> bool {
    use Fault::{
        DeliversPings, EchoesReversed, GreetsMasked, MasksWrongly, RepliesTwice, SwapsTypes,
    };
    use Fault::{
        EchoesAsText, MasksFirstByteOnly, MasksFromSecondByte, SendsBadFragments, SendsLongForm,
    };
    use Fault::{SendsRsv, WrongOrder};
    matches!(
        fault,
        DeliversPings
            | EchoesReversed
            | GreetsMasked
            | MasksWrongly
            | RepliesTwice
            | SwapsTypes
            | EchoesAsText
            | MasksFirstByteOnly
            | MasksFromSecondByte
            | SendsBadFragments
            | SendsLongForm
            | SendsRsv
            | WrongOrder
    )
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for echo in [true, false] {
        for deflate in [true, false] {
            for limit in [None, Some(1_000), Some(100_000)] {
                for text_only in [true, false] {
                    kinds.push(Kind { echo, deflate, limit, text_only, ..Kind::default() });
                }
            }
        }
    }
    kinds
}

#[test]
fn a_server_without_a_fault_fails_nothing() {
    for kind in kinds() {
        let results = run(kind, None, usize::MAX, setup(kind));
        assert_faultless(&results);
    }
}

#[test]
fn a_server_of_which_nothing_is_known_fails_nothing() {
    for kind in kinds().into_iter().step_by(5) {
        let results = run(kind, None, usize::MAX, Setup::new("example.com", "/"));
        assert_eq!(failures(&results), []);
    }
}

/// What a program answers, and how often, is its own affair.
#[test]
fn a_server_that_answers_in_another_way_fails_nothing() {
    for fault in [Fault::EchoesAsBinary, Fault::RepliesTwice] {
        let kind = Kind { echo: true, ..Kind::default() };
        let found = find(kind, Some(fault), usize::MAX, &mut setup(kind)).unwrap();
        let connect = || -> io::Result<Box<dyn Link>> {
            Ok(Box::new(Memory::new(kind, Some(fault), usize::MAX)))
        };
        let results = probe::campaign::run(&Case::all(&setup(kind)), &found, &connect);
        assert_eq!(failures(&results), [], "{fault:?}");
    }
}

/// Its own messages come between, and were not seen before the cases.
#[test]
fn a_server_that_also_says_something_else_fails_nothing() {
    let kind = Kind { echo: true, interjects: true, ..Kind::default() };
    let results = run(kind, None, usize::MAX, setup(kind));
    assert_eq!(failures(&results), []);
}

#[test]
fn each_fault_is_found_by_a_case_that_names_it() {
    let mut missed = Vec::new();
    for (fault, id, level) in FAULTS {
        let kind = Kind {
            echo: true,
            deflate: id.starts_with("deflate/"),
            limit: (id.contains("limit")).then_some(1_000),
            text_only: id.starts_with("type/"),
            ..Kind::default()
        };
        let wanted = |case: &Case| is_short(case) || case.id == *id;
        let results = run_those(kind, Some(*fault), usize::MAX, setup(kind), wanted);
        let ran = results.get(*id).unwrap_or_else(|| panic!("no case {id}"));
        if ran.outcome != Outcome::Fail(*level) {
            let others = failures(&results);
            let others = &others[..others.len().min(4)];
            missed.push(format!("{fault:?}: {id}: {:?} {}; {others:?}", ran.outcome, ran.got));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// What does not come back as it was sent is no failure if the RFC lets a program do so.
#[test]
fn a_server_that_changes_what_it_may_change_is_not_blamed() {
    for (fault, id) in [
        (Fault::LosesEmpty, "length/text-0"),
        (Fault::LosesEmpty, "fragments/only-empty"),
        (Fault::TrimsText, "utf8/valid-nul"),
        (Fault::DropsByteOrderMark, "utf8/valid-byte-order-mark"),
    ] {
        let kind = Kind { echo: true, ..Kind::default() };
        let results = run_those(kind, Some(fault), usize::MAX, setup(kind), |case| case.id == id);
        let Ran { outcome, got, .. } = &results[id];
        assert_eq!(*outcome, Outcome::Inconclusive, "{fault:?}, {id}: {got}");
        assert!(got.contains("leaves out or changes"), "{got}");
    }
}

/// A server that sends empty messages back has no reason to lose those in fragments.
#[test]
fn an_empty_message_is_missed_if_others_came_back() {
    let kind = Kind { echo: true, ..Kind::default() };
    let (setup, id) = (setup(kind), "fragments/only-empty");
    let found = find(kind, None, usize::MAX, &mut setup.clone()).unwrap();
    let cases = Case::all(&setup);
    let case = cases.iter().find(|case| case.id == id).unwrap();
    let mut link = Memory::new(kind, Some(Fault::LosesEmpty), usize::MAX);
    let ran = wsvet_cli::probe::play::play(case, &found.peer, &mut link, found.patience);
    assert_eq!(ran.outcome, Outcome::Fail(Level::Must), "{}", ran.got);
}

/// A control frame has no type of data, so 1003 is another code than the one that is due.
#[test]
fn a_control_frame_refused_for_its_type_fails_a_should() {
    let kind = Kind { echo: true, ..Kind::default() };
    let setup = Setup::new("example.com", "/");
    let found = find(kind, None, usize::MAX, &mut setup.clone()).unwrap();
    let cases = Case::all(&setup);
    for (id, due) in [
        ("masking/unmasked-ping", Outcome::Fail(Level::Should)),
        ("masking/unmasked-data", Outcome::Inconclusive),
    ] {
        let case = cases.iter().find(|case| case.id == id).unwrap();
        let mut link = Memory::new(kind, Some(Fault::Refuses1002With1003), usize::MAX);
        let ran = wsvet_cli::probe::play::play(case, &found.peer, &mut link, found.patience);
        assert_eq!(ran.outcome, due, "{id}: {}", ran.got);
    }
}

/// What a server sends may arrive in any pieces.
#[test]
fn an_outcome_does_not_depend_on_how_the_servers_bytes_are_cut() {
    let kind = Kind { echo: true, deflate: true, ..Kind::default() };
    let faults = FAULTS.iter().step_by(11).map(|(fault, ..)| Some(*fault));
    for fault in faults.chain([None]) {
        let whole = run_those(kind, fault, usize::MAX, setup(kind), is_short);
        for cut in [1, 3] {
            let pieces = run_those(kind, fault, cut, setup(kind), is_short);
            assert_same(&whole, &pieces, &format!("{fault:?}, pieces of {cut} bytes"));
        }
    }
}

/// Compares with `tests/output/NAME`, or writes this file if WSVET_BLESS is set.
#[track_caller]
fn expect(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output").join(name);
    if std::env::var_os("WSVET_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    similar_asserts::assert_eq!(expected, actual, "{}", path.display());
}

/// What is printed of a server with a fault of each level.
#[test]
fn reports() {
    let kind = Kind { echo: true, ..Kind::default() };
    let setup = setup(kind);
    let cases = Case::all(&setup);
    let mut found = find(kind, None, usize::MAX, &mut setup.clone()).unwrap();
    found.trip = Duration::from_micros(1_500);
    let wanted = ["utf8/", "close/code-1", "reserved-opcode/", "deflate/h", "ping/b", "opening/k"];
    let run_with = |fault, case: &Case| {
        let mut link = Memory::new(kind, fault, usize::MAX);
        wsvet_cli::probe::play::play(case, &found.peer, &mut link, found.patience)
    };
    let records: Vec<_> = cases
        .iter()
        .filter(|case| wanted.iter().any(|part| case.id.starts_with(part)))
        .map(|case| {
            let (family, _) = case.id.split_once('/').unwrap();
            let fault = match family {
                "utf8" => Fault::AcceptsSurrogates,
                "close" => Fault::AnswersWithoutCode,
                "ping" => Fault::MasksWrongly,
                "opening" => Fault::AcceptsAnyKey,
                _ => Fault::RefusesFramesByFin,
            };
            let ran = Ran { took: Duration::ZERO, ..run_with(Some(fault), case) };
            Record { case, ran, known: case.id == "utf8/surrogate-pair" }
        })
        .collect();
    let took = Duration::from_millis(1_250);
    let report = Report { url: "ws://example.com/", found: &found, records, took };
    let mut out = Vec::new();
    report::text(&report, &mut anstream::StripStream::new(&mut out)).unwrap();
    expect("probe.txt", std::str::from_utf8(&out).unwrap());
    out.clear();
    let mut json = report::Json::new(&mut out);
    json.peer(report.url, &found).unwrap();
    let is_shown = |record: &&Record<'_>| record.case.id.ends_with('3') || record.known;
    report.records.iter().filter(is_shown).for_each(|record| json.case(record).unwrap());
    json.summary(&report).unwrap();
    expect("probe.jsonl", std::str::from_utf8(&out).unwrap());
    out.clear();
    report::junit(&report, true, &mut out).unwrap();
    expect("probe.xml", &std::str::from_utf8(&out).unwrap().replace("><", ">\n<"));
    out.clear();
    report::html(&report, &mut out).unwrap();
    let page = std::str::from_utf8(&out).unwrap();
    let (_, body) = page.split_once("</style>").unwrap();
    expect("probe.html", &body.replace("><", ">\n<"));
}

#[test]
fn faults_and_cases_are_distinct() {
    let ids: BTreeSet<_> = FAULTS.iter().map(|(_, id, _)| id).collect();
    assert!(ids.len() > 100, "{}", ids.len());
}

/// A connection that counts those that there are at once.
struct Counted(Memory, Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Link for Counted {
    fn send(&mut self, segment: &[u8]) -> io::Result<()> {
        self.0.send(segment)
    }

    fn end_sending(&mut self) -> io::Result<()> {
        self.0.end_sending()
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        self.0.receive(buffer, wait)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What loads a server makes it late in other cases.
#[test]
fn cases_that_can_do_harm_run_alone() {
    let kind = Kind { echo: true, ..Kind::default() };
    let found = find(kind, None, usize::MAX, &mut setup(kind)).unwrap();
    let options = Options { stress: true, parallel: 4, patience: found.patience };
    let most_at_once = |stress: bool| {
        let (active, most) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let connect = || -> io::Result<Box<dyn Link>> {
            most.fetch_max(active.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // The others come meanwhile.
            thread::sleep(Duration::from_millis(5));
            Ok(Box::new(Counted(Memory::new(kind, None, usize::MAX), active.clone())))
        };
        let cases: Vec<_> =
            Case::all(&setup(kind)).into_iter().filter(|case| case.stress == stress).collect();
        let cases = &cases[..cases.len().min(40)];
        assert!(cases.len() > 1);
        campaign::run(cases, &found.peer, &connect, options, |_, _| Ok(())).unwrap();
        most.into_inner()
    };
    assert!(most_at_once(false) > 1);
    assert_eq!(most_at_once(true), 1);
}
