//! The duties over time: each with its neighbours, and against a naive twin.

mod common;

use std::time::Duration;

use proptest::prelude::*;
use wsvet::{Conversation, End, Finding, Header, Lapse, Patience, Policy, Role};

use Deed::{Begin, Break, Close, Ends, Finish, Ping, Pong, Text, UnknownPing, UnknownPong, Wait};
use Role::{Client, Server};

/// What happens in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    /// Milliseconds pass.
    Wait(u64),
    /// A Ping or a Pong with this data.
    Ping(Role, u8),
    Pong(Role, u8),
    /// A Ping or a Pong with data that is not passed.
    UnknownPing(Role),
    UnknownPong(Role),
    Text(Role),
    /// The first half of a binary frame, and the second.
    Begin(Role),
    Finish(Role),
    /// A frame with a reserved bit.
    Break(Role),
    Close(Role),
    Ends(Role, End),
}

impl Deed {
    /// The endpoint that acts.
    fn from(self) -> Option<Role> {
        match self {
            Wait(_) => None,
            Ping(from, _) | Pong(from, _) | Ends(from, _) => Some(from),
            UnknownPing(from) | UnknownPong(from) | Text(from) | Begin(from) | Finish(from)
            | Break(from) | Close(from) => Some(from),
        }
    }

    fn begins_a_frame(self) -> bool {
        !matches!(self, Wait(_) | Finish(_) | Ends(..))
    }
}

/// The conversation in which this happens, its bytes in pieces of this size.
fn conversation(deeds: &[Deed], size: usize) -> Conversation {
    let mut conversation = Conversation::new(Policy::new(Client), Policy::new(Server));
    let mut now = Duration::from_secs(1_700_000_000);
    for deed in deeds {
        let wire = |from, first: u8, payload: &[u8]| {
            let header = Header::from_wire(first, payload.len() as u8, 0, [0; 4]);
            common::frame(from, header, payload)
        };
        let (bytes, half) = match *deed {
            Wait(time) => {
                now += Duration::from_millis(time);
                (vec![], 0)
            }
            Ping(from, data) => (wire(from, 0x89, &[data; 3]), 0),
            Pong(from, data) => (wire(from, 0x8A, &[data; 3]), 0),
            UnknownPing(from) => (wire(from, 0x89, b"?"), 1),
            UnknownPong(from) => (wire(from, 0x8A, b"?"), 1),
            Text(from) => (wire(from, 0x81, b"hi"), 0),
            Begin(from) => (wire(from, 0x82, b"half"), 2),
            Finish(from) => (wire(from, 0x82, b"half"), 2),
            Break(from) => (wire(from, 0xA2, b""), 0),
            Close(from) => (wire(from, 0x88, b"\x03\xE8"), 0),
            Ends(..) => (vec![], 0),
        };
        conversation.at(now);
        let (first, second) = bytes.split_at(bytes.len() - half);
        let passed = if let Finish(_) = deed { second } else { first };
        let Some(from) = deed.from() else { continue };
        passed.chunks(size).for_each(|piece| conversation.bytes(from, piece));
        match *deed {
            UnknownPing(_) | UnknownPong(_) => {
                conversation.skip(from, 1);
                conversation.bytes(from, b"");
            }
            Ends(from, end) => {
                conversation.end(from, end, 0);
            }
            _ => {}
        }
    }
    conversation
}

fn findings(deeds: &[Deed]) -> Vec<Finding> {
    let whole: Vec<_> = conversation(deeds, usize::MAX).findings().collect();
    for size in 1..4 {
        assert_eq!(conversation(deeds, size).findings().collect::<Vec<_>>(), whole, "{deeds:?}");
    }
    whole
}

/// The findings as text: `unanswered-ping client 2 after 7s`.
#[track_caller]
fn finds(deeds: &[Deed], expected: &[&str]) {
    let found: Vec<_> = findings(deeds)
        .iter()
        .map(|finding| {
            let Finding { lapse, by, waited, count, other_pongs, .. } = finding;
            let others = if *other_pongs == 0 { "" } else { &format!(", {other_pongs} other") };
            format!("{lapse} {by} {count} after {waited:?}{others}")
        })
        .collect();
    assert_eq!(found, expected, "{deeds:?}");
}

const FIN: End = End::Fin;

#[test]
fn a_ping_is_unanswered_if_the_peer_sends_other_frames_or_nothing() {
    let unanswered = &["unanswered-ping client 1 after 1.001s"];
    finds(&[Ping(Server, 1), Wait(1_001), Text(Client)], unanswered);
    finds(&[Ping(Server, 1), Wait(1_001), Ping(Client, 7)], unanswered);
    finds(&[Ping(Server, 1), Wait(1_001), Close(Client)], unanswered);
    finds(&[Ping(Server, 1), Wait(1_001), Break(Client)], unanswered);
    // Within the time.
    finds(&[Ping(Server, 1), Wait(1_000), Text(Client)], &[]);
    finds(&[Ping(Server, 1), Wait(1_000), Close(Client)], &[]);
    let unanswered = &["unanswered-ping server 1 after 5s"];
    finds(&[Text(Server), Ping(Client, 1), Wait(5_000)], unanswered);
    finds(&[Text(Server), Ping(Client, 1), Wait(5_000), Close(Client)], unanswered);
    finds(&[Text(Server), Ping(Client, 1), Wait(5_000), Ends(Client, FIN)], unanswered);
    finds(&[Text(Server), Ping(Client, 1), Wait(5_000), Ends(Server, End::Reset)], unanswered);
    finds(&[Text(Server), Ping(Client, 1), Wait(4_999), Ends(Server, FIN)], &[]);
    finds(&[Text(Server), Ping(Client, 1), Wait(4_999)], &[]);
}

#[test]
fn a_pong_answers_its_ping_and_those_before_it() {
    let others = [Wait(900), Text(Client)];
    let answered = |pongs: &[Deed]| [&others, pongs, &[Wait(60_000)]].concat();
    finds(&[&[Ping(Server, 1)][..], &answered(&[Pong(Client, 1)])].concat(), &[]);
    let three = [Ping(Server, 1), Ping(Server, 2), Ping(Server, 3)];
    finds(&[&three[..], &answered(&[Pong(Client, 3)])].concat(), &[]);
    // A Pong comes late, but it comes.
    finds(&[Ping(Server, 1), Wait(30_000), Text(Client), Pong(Client, 1), Wait(9_000)], &[]);
    // Only the last Ping waits.
    finds(
        &[&three[..], &answered(&[Pong(Client, 2)])].concat(),
        &["unanswered-ping client 1 after 60.9s"],
    );
    // Pings with the same data: one Pong may answer the latest.
    finds(&[Ping(Server, 1), Wait(9_000), Ping(Server, 1), Pong(Client, 1), Wait(9_000)], &[]);
    // An unsolicited Pong asks for nothing, and answers nothing.
    finds(&[Pong(Client, 1), Text(Server), Wait(60_000), Text(Client)], &[]);
    finds(&[Pong(Client, 1), Ping(Server, 1), Wait(5_000)], &["unanswered-ping client 1 after 5s"]);
    // The Pong of the endpoint that asked answers nothing.
    finds(
        &[Text(Client), Ping(Server, 1), Pong(Server, 1), Wait(5_000)],
        &["unanswered-ping client 1 after 5s"],
    );
}

#[test]
fn pongs_with_other_data_are_counted_beside_an_unanswered_ping() {
    finds(
        &[Pong(Client, 8), Ping(Server, 1), Pong(Client, 2), Pong(Client, 2), Wait(5_000)],
        &["unanswered-ping client 1 after 5s, 2 other"],
    );
    finds(&[Ping(Server, 1), Pong(Client, 2), Pong(Client, 1), Wait(5_000)], &[]);
}

#[test]
fn nobody_answers_after_a_close() {
    // The peer has received a Close, or may have.
    finds(&[Text(Client), Ping(Server, 1), Close(Server), Wait(9_000), Close(Client)], &[]);
    finds(&[Text(Client), Close(Server), Ping(Server, 1), Wait(9_000), Text(Client)], &[]);
    finds(&[Text(Client), Ping(Server, 1), Wait(900), Close(Client), Wait(9_000)], &[]);
    // The time before the Close is enough.
    finds(
        &[Text(Client), Ping(Server, 1), Wait(5_000), Close(Server), Close(Client)],
        &["unanswered-ping client 1 after 5s"],
    );
    // The newest Ping is not yet due.
    finds(
        &[Text(Client), Ping(Server, 1), Wait(5_000), Ping(Server, 2), Wait(4_000), Close(Server)],
        &["unanswered-ping client 1 after 9s"],
    );
}

#[test]
fn the_peer_is_blamed_only_if_it_could_have_answered() {
    // Nothing of the peer's direction was seen.
    finds(&[Ping(Server, 1), Wait(60_000), Close(Server), Ends(Server, FIN)], &[]);
    finds(
        &[Ping(Server, 1), Wait(60_000), Ends(Client, FIN)],
        &["unanswered-ping client 1 after 60s"],
    );
    // A Pong cannot stand inside a frame.
    finds(&[Begin(Client), Ping(Server, 1), Wait(60_000)], &[]);
    finds(&[Begin(Client), Ping(Server, 1), Wait(60_000), Finish(Client), Wait(4_999)], &[]);
    finds(
        &[Begin(Client), Ping(Server, 1), Wait(60_000), Finish(Client), Wait(5_000)],
        &["unanswered-ping client 1 after 5s"],
    );
    finds(&[Text(Client), Ping(Server, 1), Wait(900), Begin(Client), Wait(60_000)], &[]);
    // The peer has to fail the connection.
    finds(&[Text(Client), Break(Server), Ping(Server, 1), Wait(60_000)], &[]);
    finds(&[Break(Client), Ping(Server, 1), Wait(5_000)], &["unanswered-ping client 1 after 5s"]);
    // What was skipped may have been the answer.
    finds(&[Text(Client), UnknownPing(Server), Wait(60_000)], &[]);
    finds(&[Ping(Server, 1), Wait(2_000), UnknownPong(Client), Wait(60_000)], &[]);
    finds(&[Ping(Server, 1), UnknownPing(Server), Pong(Client, 7), Wait(60_000)], &[]);
}

#[test]
fn a_ping_that_was_not_delivered_is_not_held_against_the_peer() {
    let mut conversation = Conversation::new(Policy::new(Client), Policy::new(Server));
    let mut at = |seconds, heard: bool, data: u8| {
        conversation.at(Duration::from_secs(seconds));
        if heard {
            conversation.heard_from(Client);
        }
        conversation.bytes(Server, &[0x89, 1, data]);
        conversation.findings().next().map(|finding| finding.count)
    };
    at(0, true, 1); // acknowledged with the next packet
    assert_eq!(at(10, true, 2), None); // no frame was seen
    conversation.bytes(Client, b"\x81\x80\0\0\0\0");
    let mut at = |seconds, data: u8| {
        conversation.at(Duration::from_secs(seconds));
        conversation.bytes(Server, &[0x89, 1, data]);
        conversation.findings().next().map(|finding| finding.count)
    };
    assert_eq!(at(60, 3), Some(2));
    assert_eq!(at(90, 4), Some(2)); // the client is gone
    conversation.heard_from(Client);
    assert_eq!(conversation.findings().next().unwrap().count, 3);
}

#[test]
fn no_time_passes_without_a_clock() {
    let mut conversation = Conversation::new(Policy::new(Client), Policy::new(Server));
    let patience = Patience::new().pong(Duration::ZERO).silence(Duration::ZERO).fin(Duration::ZERO);
    conversation.set_patience(patience);
    conversation.bytes(Server, b"\x89\0");
    conversation.bytes(Client, b"\x81\x80\0\0\0\0\x88\x80\0\0\0\0");
    conversation.bytes(Server, b"\x88\0");
    assert_eq!(conversation.findings().next(), None);
    assert_eq!(conversation.waiting_pings(Server).unwrap().count, 1);
}

#[test]
fn pings_that_need_no_answer_do_not_wait() {
    for before in [Close(Server), Close(Client), Break(Server), Ends(Client, FIN)] {
        let waiting =
            |deeds: &[Deed]| conversation(deeds, 9).waiting_pings(Server).map(|w| w.count);
        assert_eq!(waiting(&[before, Ping(Server, 1)]), None, "{before:?}");
        assert_eq!(waiting(&[Ping(Server, 1), before]), Some(1), "{before:?}");
        // Its Pong answers the Pings before it, too.
        assert_eq!(waiting(&[Ping(Server, 1), before, Ping(Server, 2), Pong(Client, 2)]), None);
    }
    assert!(conversation(&[Break(Client), Ping(Server, 1)], 9).waiting_pings(Server).is_some());
}

#[test]
fn a_pong_whose_data_is_on_its_way_is_an_answer() {
    let mut conversation = conversation(&[Text(Client), Ping(Server, 1), Wait(9_000)], 9);
    assert_eq!(conversation.findings().count(), 1);
    conversation.bytes(Client, b"\x8A\x83\0\0\0\0\x01");
    assert_eq!(conversation.findings().count(), 0);
    conversation.bytes(Client, b"\x01\x01");
    assert_eq!(conversation.waiting_pings(Server), None);
}

#[test]
fn of_many_pings_the_latest_are_remembered() {
    let pings = |count: u8| (0..count).map(|data| Ping(Server, data));
    let start = [Text(Client)];
    let script = |pongs: &[Deed]| -> Vec<Deed> {
        start
            .into_iter()
            .chain(pings(100))
            .chain(pongs.iter().copied())
            .chain([Wait(5_000)])
            .collect()
    };
    finds(&script(&[]), &["unanswered-ping client 100 after 5s"]);
    finds(&script(&[Pong(Client, 99)]), &[]);
    finds(&script(&[Pong(Client, 98)]), &["unanswered-ping client 1 after 5s"]);
    // Its data is forgotten: it may answer a Ping that is not remembered, but no later one.
    finds(&script(&[Pong(Client, 5)]), &["unanswered-ping client 8 after 5s"]);
    finds(
        &script(&[Pong(Client, 5), Pong(Client, 6)]),
        &["unanswered-ping client 8 after 5s, 1 other"],
    );
}

#[test]
fn of_many_pings_only_those_count_that_waited_long_enough() {
    let burst = (0..40).map(|data| Ping(Server, data));
    let script = [Text(Client), Ping(Server, 99), Wait(4_000)].into_iter().chain(burst);
    let script: Vec<_> = script.chain([Wait(1_000)]).collect();
    finds(&script, &["unanswered-ping client 1 after 5s"]);
}

#[test]
fn a_header_that_is_broken_hides_what_follows() {
    let broken = |bytes: &[u8]| {
        let mut conversation =
            conversation(&[Text(Client), Ping(Server, 1), Wait(2_000)], usize::MAX);
        conversation.bytes(Client, bytes);
        conversation.findings().count()
    };
    // A Pong with a reserved bit may be the answer; a text is none.
    assert_eq!(broken(b"\xAA\x81\0\0\0\0?"), 0);
    assert_eq!(broken(b"\xA1\x81\0\0\0\0?"), 1);
    // Where the next frame starts is unknown after an impossible length.
    assert_eq!(broken(b"\x82\xFF\xFF\0\0\0\0\0\0\0\0\0\0\0"), 0);
}

#[test]
fn the_server_closes_tcp_after_both_closes() {
    let closes = [Text(Client), Close(Client), Wait(7_000), Close(Server)];
    let after = |deeds: &[Deed]| [&closes, deeds].concat();
    finds(&closes, &[]);
    finds(&after(&[Wait(2_000)]), &[]); // the capture ends
    for end in [End::Fin, End::Reset] {
        for from in [Client, Server] {
            finds(&after(&[Wait(2_000), Ends(from, end), Wait(60_000)]), &[]);
            finds(
                &after(&[Wait(10_000), Ends(from, end)]),
                &["server-left-open server 1 after 10s"],
            );
        }
    }
    finds(&after(&[Wait(2_001)]), &["server-left-open server 1 after 2.001s"]);
    finds(&after(&[Wait(2_001), Text(Server)]), &["server-left-open server 1 after 2.001s"]);
    // Half closed before the second Close.
    finds(&[Close(Client), Ends(Client, FIN), Wait(1), Close(Server), Wait(60_000)], &[]);
    // Only one Close: that is for the verdict.
    finds(&[Text(Client), Close(Server), Wait(60_000)], &[]);
}

/// Whoever stores a number reads the same duty from it.
#[test]
fn the_numbers_stay() {
    let numbers = [(201, Lapse::UnansweredPing), (202, Lapse::ServerLeftOpen)];
    assert!(Lapse::ALL.iter().map(|lapse| (lapse.number(), *lapse)).eq(numbers));
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut conversation = conversation(&[Text(Client), Ping(Server, 1)], 9);
    conversation.at(Duration::MAX);
    conversation.bytes(Client, b"\x88\x80\0\0\0\0");
    conversation.at(Duration::ZERO);
    conversation.bytes(Server, b"\x88\0");
    assert!(conversation.findings().count() <= 3);
}

/// A finding of the naive twin: the number of Pings, when the first was due, how long it waited, and
/// the other Pongs, all in milliseconds.
type Twin = (u64, u64, u64, u64);

/// The deeds, each with its time.
fn timed(deeds: &[Deed]) -> (Vec<(u64, Deed)>, u64) {
    let mut now = 0;
    let mut events = Vec::new();
    for deed in deeds {
        match deed {
            Wait(time) => now += time,
            deed => events.push((now, *deed)),
        }
    }
    (events, now)
}

/// Whether this endpoint is inside a frame after these events.
fn inside(events: &[(u64, Deed)], by: Role) -> bool {
    let last = events.iter().rfind(|(_, deed)| [Begin(by), Finish(by)].contains(deed));
    last.is_some_and(|(_, deed)| *deed == Begin(by))
}

/// What `by` did not answer, in the words of the documentation.
fn twin_unanswered(deeds: &[Deed], by: Role) -> Option<Twin> {
    let (events, now) = timed(deeds);
    let peer = by.peer();
    let of_peer = |deed: Deed| deed.from() == Some(peer);
    // Which Pings have no answer.
    let mut waiting: Vec<(usize, u8)> = Vec::new();
    let mut others: Vec<usize> = Vec::new();
    for (index, (_, deed)) in events.iter().enumerate() {
        match *deed {
            Ping(from, data) if from == peer => waiting.push((index, data)),
            UnknownPong(from) if from == by => waiting.clear(),
            Pong(from, data) if from == by => {
                let same = waiting.iter().rfind(|(_, asked)| *asked == data);
                let vague =
                    events[..index].iter().rposition(|(_, deed)| *deed == UnknownPing(peer));
                let answered = same.map(|(last, _)| *last).or(vague);
                let before = waiting.len();
                waiting.retain(|(ping, _)| answered.is_none_or(|last| *ping > last));
                if waiting.len() == before {
                    others.push(index);
                }
            }
            _ => {}
        }
    }
    if !events.iter().any(|(_, deed)| deed.from() == Some(by)) {
        return None;
    }
    let ends = events.iter().find(|(_, deed)| {
        matches!(deed, Close(_) | Ends(..)) || matches!(deed, Break(_)) && of_peer(*deed)
    });
    let end = ends.map_or(now, |(time, _)| *time);
    let open_at_the_end = inside(&events, by);
    let mut found: Option<Twin> = None;
    for (ping, _) in waiting {
        let since = if inside(&events[..ping], by) {
            let finish = events[ping..].iter().find(|(_, deed)| *deed == Finish(by));
            let Some((time, _)) = finish else { continue };
            *time
        } else {
            events[ping].0
        };
        let late = events[ping..].iter().any(|(time, deed)| {
            deed.from() == Some(by)
                && deed.begins_a_frame()
                && *time > since + 1_000
                && *time <= end
        });
        let silent = !open_at_the_end && end >= since + 5_000;
        if late || silent {
            let later = others.iter().filter(|pong| **pong > ping).count() as u64;
            let first = found.unwrap_or((0, since, end.saturating_sub(since), later));
            found = Some((first.0 + 1, first.1, first.2, first.3));
        }
    }
    found
}

fn twin_left_open(deeds: &[Deed]) -> Option<Twin> {
    let (events, now) = timed(deeds);
    let at = |wanted: Deed| events.iter().find(|(_, deed)| *deed == wanted).map(|(time, _)| *time);
    let second = at(Close(Client))?.max(at(Close(Server))?);
    let ended = events.iter().find(|(_, deed)| matches!(deed, Ends(..))).map(|(time, _)| *time);
    let waited = ended.unwrap_or(now).saturating_sub(second);
    (waited > 2_000).then_some((1, second, waited, 0))
}

fn deed() -> impl Strategy<Value = Deed> {
    let role = || prop_oneof![Just(Client), Just(Server)];
    let time = prop::sample::select(vec![0u64, 1, 900, 1_000, 1_001, 2_000, 2_001, 4_000, 5_000]);
    let end = prop_oneof![Just(End::Fin), Just(End::Reset)];
    prop_oneof![
        8 => time.prop_map(Wait),
        6 => (role(), 0u8..3).prop_map(|(from, data)| Ping(from, data)),
        4 => (role(), 0u8..4).prop_map(|(from, data)| Pong(from, data)),
        1 => role().prop_map(UnknownPing),
        1 => role().prop_map(UnknownPong),
        3 => role().prop_map(Text),
        1 => role().prop_map(Begin),
        2 => role().prop_map(Finish),
        1 => role().prop_map(Break),
        2 => role().prop_map(Close),
        1 => (role(), end).prop_map(|(from, end)| Ends(from, end)),
    ]
}

/// Without what cannot be: a frame inside another, or anything after the end.
fn possible(deeds: Vec<Deed>) -> Vec<Deed> {
    let mut kept: Vec<Deed> = Vec::new();
    for deed in deeds {
        let events: Vec<_> = kept.iter().map(|deed| (0, *deed)).collect();
        let possible = deed.from().is_none_or(|from| {
            let ended = kept.iter().any(|deed| matches!(deed, Ends(who, _) if *who == from));
            let open = inside(&events, from);
            !ended && (matches!(deed, Ends(..)) || (deed == Finish(from)) == open)
        });
        if possible {
            kept.push(deed);
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_naive_twin_finds_the_same(deeds in prop::collection::vec(deed(), 0..30), size in 1usize..6) {
        let deeds = possible(deeds);
        let start = Duration::from_secs(1_700_000_000);
        let twins = [
            (Lapse::UnansweredPing, Client, twin_unanswered(&deeds, Client)),
            (Lapse::UnansweredPing, Server, twin_unanswered(&deeds, Server)),
            (Lapse::ServerLeftOpen, Server, twin_left_open(&deeds)),
        ];
        let expected: Vec<_> =
            twins.into_iter().filter_map(|(lapse, by, twin)| Some((lapse, by, twin?))).collect();
        let found: Vec<_> = conversation(&deeds, size)
            .findings()
            .map(|finding| {
                let Finding { lapse, by, at, waited, count, other_pongs, .. } = finding;
                let at = (at - start).as_millis() as u64;
                (lapse, by, (count, at, waited.as_millis() as u64, other_pongs))
            })
            .collect();
        prop_assert_eq!(found, expected, "{:?}", deeds);
    }

    /// However many Pings wait, nobody is blamed whom the twin, which remembers all, does not blame.
    #[test]
    fn what_is_forgotten_blames_nobody(deeds in prop::collection::vec(deed(), 0..300)) {
        let deeds = possible(deeds.into_iter().filter(|deed| !matches!(deed, Close(_) | Ends(..))).collect());
        for finding in conversation(&deeds, 9).findings() {
            let twin = twin_unanswered(&deeds, finding.by);
            prop_assert!(twin.is_some_and(|(count, ..)| count >= finding.count), "{:?}", deeds);
        }
    }
}
