//! A naive judge of whole conversations. It first judges each direction as a whole, and finds out during
//! which event each fact was known; then it decides.

use std::time::Duration;

use wsvet::handshake::Rule as HandshakeRule;
use wsvet::{
    Abnormality, Accepts, CloseCode, Conversation, End, Policy, Role, Rule, Unopened, Verdict,
    Violation,
};

use super::reference::{self, Frame};

/// What happens in a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Request(Vec<HandshakeRule>),
    Response(u16, Vec<HandshakeRule>),
    Bytes(Role, Vec<u8>),
    End(Role, End),
    /// The clock shows this many milliseconds.
    Time(u64),
}

/// What a `Conversation` says of these events.
pub fn observed([client, server]: [Policy; 2], events: &[Event]) -> Verdict {
    let mut conversation = Conversation::new(client, server);
    for event in events {
        match event {
            Event::Request(broken) => conversation.request(broken.iter().copied()),
            Event::Response(status, broken) => {
                conversation.response(*status, broken.iter().copied());
            }
            Event::Bytes(from, bytes) => conversation.bytes(*from, bytes),
            Event::End(from, end) => {
                conversation.end(*from, *end, 0);
            }
            Event::Time(millis) => conversation.at(Duration::from_millis(*millis)),
        }
    }
    conversation.verdict()
}

/// Asserts that a `Conversation` says of the connection that these bytes choose what the naive judge says.
pub fn agree(data: &[u8]) {
    let (ends, events) = connection(data);
    let naive = verdict(ends, &events);
    assert_eq!(observed(ends, &events), naive, "{ends:?} {events:x?}");
}

/// When something happened: the number of the event, and the number of bytes that its endpoint had sent.
type Moment = (usize, usize);

struct Close {
    code: Option<CloseCode>,
    start: usize,
    at: Moment,
}

/// What is known of an endpoint, from all that it sent.
#[derive(Default)]
struct Side {
    violation: Option<(Violation, Moment)>,
    close: Option<Close>,
    /// Data frames before the Close: when their headers were there.
    data: Vec<Moment>,
    /// The first data frame after the Close, and when its first byte was there.
    late: Option<(Violation, Moment)>,
    /// The payload lengths of the data frames, whether each starts a message, and when their headers were
    /// there.
    lengths: Vec<(u64, bool, Moment)>,
    inside_frame: bool,
    end: Option<(End, Moment)>,
}

impl Side {
    fn new(policy: &Policy, from: Role, events: &[Event]) -> Self {
        let mut side = Self::default();
        let mut stream = Vec::new();
        // The event with which each byte came.
        let mut came = Vec::new();
        for (number, event) in events.iter().enumerate() {
            match event {
                Event::Bytes(sender, bytes) if *sender == from => {
                    stream.extend_from_slice(bytes);
                    came.resize(stream.len(), number);
                }
                Event::End(sender, end) if *sender == from && side.end.is_none() => {
                    side.end = Some((*end, (number, stream.len())));
                }
                _ => {}
            }
        }
        // When this many bytes were there.
        let moment = |bytes: usize| (came[bytes - 1], bytes);

        let (mut at, mut whole) = (0, true);
        while let Some(frame) = Frame::read(&stream, at) {
            let Frame { first, header_len, len, payload, .. } = &frame;
            let end = at + header_len + payload.len();
            whole = payload.len() as u64 == *len;
            if first & 8 == 0 {
                let begun = moment(at + header_len);
                if side.close.is_none() {
                    side.data.push(begun);
                    side.lengths.push((*len, first & 7 != 0, begun));
                }
            } else if first & 15 == 8 && whole && side.close.is_none() {
                let code = payload.first_chunk().map(|code| CloseCode(u16::from_be_bytes(*code)));
                side.close = Some(Close { code, start: at, at: moment(end) });
            }
            if side.late.is_none()
                && side.close.as_ref().is_some_and(|close| close.at.1 <= at)
                && first & 8 == 0
            {
                let violation = Violation::new(Rule::DataAfterClose, at as u64);
                side.late = Some((violation, moment(at + 1)));
            }
            at = end;
        }
        if let (Some(first), true) = (stream.get(at), at < stream.len())
            && side.late.is_none()
            && side.close.is_some()
            && first & 8 == 0
        {
            side.late = Some((Violation::new(Rule::DataAfterClose, at as u64), moment(at + 1)));
        }
        side.inside_frame = !whole || at < stream.len();

        side.violation = reference::proof(policy, &stream)
            .map(|(rule, offset, bytes)| (Violation::new(rule, offset), moment(bytes)));
        side
    }

    fn closed_before(&self, at: Moment) -> bool {
        self.close.as_ref().is_some_and(|close| close.at < at)
    }

    /// The payload length of the last message that was begun before this moment.
    fn message_len(&self, at: Moment) -> Option<u64> {
        let before: Vec<_> = self.lengths.iter().filter(|(.., begun)| *begun < at).collect();
        let start = before.iter().rposition(|(_, starts, _)| *starts).unwrap_or(0);
        before[start..].iter().map(|(len, ..)| *len).reduce(u64::saturating_add)
    }
}

/// Whether a Close with this code says that the peer broke a rule (§7.4.1).
fn blames(code: CloseCode) -> bool {
    [1002, 1003, 1007, 1009].contains(&code.0)
}

/// Whether a Close with this code may have been sent because of a violation.
fn refuses(code: CloseCode) -> bool {
    blames(code) || [1008, 1011].contains(&code.0)
}

/// The verdict on these events, of a client and a server with these policies.
pub fn verdict(ends: [Policy; 2], events: &[Event]) -> Verdict {
    let sides =
        [Side::new(&ends[1], Role::Client, events), Side::new(&ends[0], Role::Server, events)];
    let side = |role: Role| &sides[role as usize];
    let both = [Role::Client, Role::Server];

    let first_close = both
        .into_iter()
        .filter_map(|role| side(role).close.as_ref().map(|close| (close.at, role)))
        .min();
    let first_end = both
        .into_iter()
        .filter_map(|role| side(role).end.map(|(end, at)| (at, role, end)))
        .min_by_key(|(at, ..)| *at);
    // What ends before the first Close ends without one.
    let first_close = first_close.filter(|(at, _)| first_end.is_none_or(|(ended, ..)| *at < ended));

    let closed_with =
        first_close.map(|(_, by)| (by, side(by).close.as_ref().and_then(|close| close.code)));
    if let Some(verdict) = unopened(events, closed_with, first_end, side(Role::Client)) {
        return verdict;
    }

    // A violation counts if neither endpoint has sent a Close before it, and its receiver has not ended
    // its stream before it. The first of them decides.
    let counted = both.into_iter().filter_map(|breaker| {
        let (violation, at) = side(breaker).violation?;
        let closed = both.into_iter().any(|role| side(role).closed_before(at));
        let gone = side(breaker.peer()).end.is_some_and(|(_, ended)| ended < at);
        (!closed && !gone).then_some((at, breaker, violation))
    });
    if let Some((at, breaker, violation)) = counted.min_by_key(|(at, ..)| *at) {
        let by = breaker.peer();
        let went_on = side(by).data.iter().any(|data| *data > at);
        match &side(by).close {
            Some(close) => {
                let code = close.code.unwrap_or(CloseCode(1005));
                let answers = side(breaker).closed_before(close.at);
                let same = side(breaker).close.as_ref().is_some_and(|sent| sent.code == close.code);
                return if code == violation.rule.close_code() {
                    Verdict::Refused { by, violation }
                } else if (answers && (same || went_on)) || (went_on && !refuses(code)) {
                    Verdict::LetPass { by, violation }
                } else {
                    Verdict::RefusedOtherwise { by, violation, code }
                };
            }
            None if went_on => return Verdict::LetPass { by, violation },
            None => match first_end {
                Some((_, who, _)) if who == by => {
                    let code = CloseCode(1006);
                    return Verdict::RefusedOtherwise { by, violation, code };
                }
                // The endpoint that broke the rule left before it was refused.
                Some(_) => {}
                None => return Verdict::Open,
            },
        }
    }

    let Some((closed, first)) = first_close else {
        return match first_end {
            None => Verdict::Open,
            Some((_, by, End::Reset)) => Verdict::Abnormal { by, why: Abnormality::Reset },
            Some((_, by, _)) if side(by).inside_frame => {
                Verdict::Abnormal { by, why: Abnormality::InFrame }
            }
            Some((_, by, _)) => Verdict::Abnormal { by, why: Abnormality::WithoutClose },
        };
    };
    let second = first.peer();
    let blamed = |by: Role, at: Moment, code: CloseCode| {
        let policy = &ends[by as usize];
        let no_limit = policy.max_frame >= u64::MAX - 1 && policy.max_message >= u64::MAX - 1;
        match side(by.peer()).message_len(at) {
            Some(len) if code.0 == 1009 && no_limit && len > 0 => Verdict::OwnLimit { by, len },
            _ => Verdict::WronglyRefused { by, code },
        }
    };
    let broke = |who: Role, until: Moment| side(who).violation.is_some_and(|(_, at)| at <= until);
    let code = side(first).close.as_ref().and_then(|close| close.code);
    if let Some(code) = code
        && blames(code)
        && !broke(second, closed)
    {
        return blamed(first, closed, code);
    }
    let code = code.unwrap_or(CloseCode(1005));
    let Some(answer) = &side(second).close else {
        return match first_end {
            Some((_, by, End::Reset)) if by == first => {
                Verdict::Abnormal { by, why: Abnormality::ResetUnanswered }
            }
            _ if side(second).end.is_some() => {
                Verdict::Abnormal { by: second, why: Abnormality::Unanswered }
            }
            _ => Verdict::Open,
        };
    };
    if let Some(answered) = answer.code
        && blames(answered)
        && answered != code
        && !broke(first, closed)
    {
        return match side(first).late {
            Some((violation, at)) if at < answer.at && answered.0 == 1002 => {
                Verdict::Refused { by: second, violation }
            }
            _ => blamed(second, answer.at, answered),
        };
    }
    match side(second).violation {
        // What is broken between the two Closes was discarded.
        Some((violation, at)) if at <= answer.at && violation.offset >= answer.start as u64 => {
            Verdict::BrokenClose { by: second, violation, code }
        }
        _ => Verdict::Clean { first, code },
    }
}

/// The verdict on an opening handshake that was not completed.
fn unopened(
    events: &[Event],
    closed: Option<(Role, Option<CloseCode>)>,
    ended: Option<(Moment, Role, End)>,
    client: &Side,
) -> Option<Verdict> {
    // If the server sends frames, it has answered, and the response was not seen.
    let asked = events.iter().any(|event| matches!(event, Event::Request(_)))
        && !events.iter().any(|event| matches!(event, Event::Bytes(Role::Server, _)));
    let mut answer = None;
    let mut broken = Vec::new();
    for event in events {
        if let Event::Response(status, rules) = event {
            answer = Some(*status);
            broken.extend(rules);
        }
    }
    // Data a second after the response shows that the client does not mind.
    let time = |before: usize| {
        let last = events[..before].iter().rev().find_map(|event| match event {
            Event::Time(millis) => Some(*millis),
            _ => None,
        });
        last.unwrap_or(0)
    };
    let answered = events.iter().position(|event| matches!(event, Event::Response(..)));
    let went_on = answered.is_some_and(|answered| {
        client.data.iter().any(|(number, _)| time(*number) > time(answered) + 1_000)
    });
    let never = |by, why| Some(Verdict::NeverOpened { by, why });
    match answer {
        None if asked => match ended {
            None => Some(Verdict::Open),
            Some((_, by, End::Reset)) => never(by, Unopened::Reset),
            Some((_, Role::Client, _)) => never(Role::Server, Unopened::NoAnswer),
            Some((_, Role::Server, _)) => never(Role::Server, Unopened::Dropped),
        },
        None => None,
        Some(101) => {
            let rule = *broken.iter().min()?;
            if went_on {
                return None;
            }
            let failed = match closed {
                Some((by, code)) => {
                    by == Role::Client && code.is_some_and(|code| matches!(code.0, 1002 | 1010))
                }
                None => matches!(ended, Some((_, Role::Client, _))),
            };
            if failed { never(Role::Server, Unopened::BrokenResponse(rule)) } else { None }
        }
        Some(status) => never(Role::Server, Unopened::Refused(status)),
    }
}

/// Bytes that choose; after the last of them, each choice is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        let Some((choice, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*choice) % count
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }
}

/// A connection that these bytes choose: two endpoints and all that happens.
pub fn connection(data: &[u8]) -> ([Policy; 2], Vec<Event>) {
    let choices = &mut Choices(data);
    let ends = [policy(Role::Client, choices), policy(Role::Server, choices)];
    let deflate = choices.once_in(8);
    let ends = ends.map(|end| end.permessage_deflate(deflate));
    let mut events = Vec::new();
    let mut pending = [Vec::new(), Vec::new()];
    handshake(choices, &mut events);
    let mut now = 0;
    while !choices.0.is_empty() && events.len() < 40 {
        let from = choices.of(&[Role::Client, Role::Server]);
        if events.iter().any(|event| matches!(event, Event::End(who, _) if *who == from)) {
            continue;
        }
        let waiting = &mut pending[from as usize];
        match choices.below(14) {
            0..=9 => frame(from, choices, waiting),
            10 => {
                now += choices.of(&[1, 1_000, 30_000]);
                events.push(Event::Time(now));
            }
            11 => handshake(choices, &mut events),
            12 => {
                if choices.of(&[true, false]) {
                    send(from, usize::MAX, waiting, &mut events);
                }
                waiting.clear();
                events.push(Event::End(from, choices.of(&[End::Fin, End::Reset])));
                continue;
            }
            _ => {
                let raw = choices.below(4).min(choices.0.len());
                waiting.extend_from_slice(&choices.0[..raw]);
                choices.0 = &choices.0[raw..];
            }
        }
        let count = choices.of(&[usize::MAX, usize::MAX, usize::MAX, 1, 2, 5, 0]);
        send(from, count, &mut pending[from as usize], &mut events);
    }
    (ends, events)
}

fn policy(role: Role, choices: &mut Choices<'_>) -> Policy {
    let policy = Policy::new(role);
    match choices.below(8) {
        0..=3 => policy,
        4 => policy.accepts(Accepts::TextOnly),
        5 => policy.accepts(Accepts::BinaryOnly).max_fragments(2),
        6 => policy.max_message(4),
        _ => policy.max_frame(3),
    }
}

fn handshake(choices: &mut Choices<'_>, events: &mut Vec<Event>) {
    let broken = |choices: &mut Choices<'_>| {
        let count = choices.of(&[0, 0, 1, 2]);
        (0..count).map(|_| choices.of(HandshakeRule::ALL)).collect()
    };
    let choice = choices.below(8);
    if choice > 3 {
        events.push(Event::Request(broken(choices)));
    }
    if choice == 3 || choice > 4 {
        events.push(Event::Response(choices.of(&[101, 101, 101, 403]), broken(choices)));
    }
}

/// Sends what is left, or so many bytes of it.
fn send(from: Role, count: usize, waiting: &mut Vec<u8>, events: &mut Vec<Event>) {
    let count = count.min(waiting.len());
    if count > 0 {
        events.push(Event::Bytes(from, waiting.drain(..count).collect()));
    }
}

/// Adds a frame, legal or not.
fn frame(from: Role, choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    const FIRST: [u8; 16] = [
        0x88, 0x88, 0x88, 0x88, 0x88, 0x81, 0x81, 0x82, 0x82, 0x01, 0x80, 0x00, 0x89, 0x8A, 0xC2,
        0x88,
    ];
    const BODIES: [&[u8]; 16] = [
        b"",
        b"\x03\xE8",
        b"\x03\xE8",
        b"\x03\xE8bye",
        b"\x03\xEA",
        b"\x03\xEB",
        b"\x03\xEF",
        b"\x03\xF1",
        b"\x03\xF1",
        b"\x03\xF2",
        b"\x03\xF0",
        b"\x03\xF3",
        b"\x03\xEAno",
        b"\x03\xED",
        b"\x03\xEA\xFF",
        b"a",
    ];
    const PAYLOADS: [&[u8]; 4] = [b"a", b"hello", b"", b"\xC3"];
    let mut first = choices.of(&FIRST);
    let payload = if first == 0x88 { choices.of(&BODIES) } else { choices.of(&PAYLOADS) };
    if choices.once_in(16) {
        first = choices.of(&[0x83, 0x08, 0x8B, 0x02, 0x91]);
    }
    let masked = (from == Role::Client) != choices.once_in(24);
    let len = payload.len() as u8;
    let (form, length): (u8, Vec<u8>) = match choices.below(32) {
        0..=28 => (len, vec![]),
        29 => (126, vec![0, len]),
        30 => (127, vec![0x80, 0, 0, 0, 0, 0, 0, len]),
        _ => (126, vec![1, 0]),
    };
    out.extend([first, form | if masked { 0x80 } else { 0 }]);
    out.extend(length);
    if masked {
        // A key of zeros leaves the payload as it is.
        out.extend([0; 4]);
    }
    out.extend(payload);
}
