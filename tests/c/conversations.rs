//! What `tests/c/conversations.c` reads, and what it must print: the same by the crate itself.

use std::fmt::Write;
use std::time::Duration;

use wsvet::deflate::{Deflater, Parameters};
use wsvet::handshake::Rule as Broken;
use wsvet::{Abnormality, Accepts, Conversation, End, Policy, Role, Unopened, Verdict, Violation};

/// What an endpoint does, or the clock.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    At(Duration),
    Heard(Role),
    Request(Vec<Broken>),
    Response(u16, Vec<Broken>),
    Bytes(Role, Vec<u8>),
    End(Role, End),
    /// The verdict so far is printed.
    Tell,
}

/// What the policies accept, their limit, what was negotiated, and what happens.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) accepts: [Accepts; 2],
    pub(crate) max_message: u64,
    pub(crate) deflate: Option<[bool; 2]>,
    pub(crate) steps: Vec<Step>,
}

const PLAIN: Script =
    Script { accepts: [Accepts::Any; 2], max_message: u64::MAX, deflate: None, steps: Vec::new() };

impl Script {
    fn ends(&self) -> [Policy; 2] {
        let [client, server] = self.accepts;
        let client = Policy::new(Role::Client).accepts(client).max_message(self.max_message);
        let server = Policy::new(Role::Server).accepts(server).max_message(self.max_message);
        [client, server]
    }

    fn parameters(&self) -> Option<Parameters> {
        self.deflate.map(|[server, client]| {
            Parameters::new().server_no_context_takeover(server).client_no_context_takeover(client)
        })
    }
}

/// One conversation for each verdict and each reason.
pub(crate) fn by_hand() -> Vec<Script> {
    use Role::{Client, Server};
    use Step::{At, Bytes, End as Ends, Heard, Request, Response};

    let (fin, rst) = (End::Fin, End::Reset);
    let close = |from, code: u16| {
        let [high, low] = code.to_be_bytes();
        let bytes = match from {
            Client => vec![0x88, 0x82, 0, 0, 0, 0, high, low],
            Server => vec![0x88, 0x02, high, low],
        };
        Bytes(from, bytes)
    };
    let text = || Bytes(Client, b"\x81\x82\x01\x02\x03\x04ik".to_vec());
    let answer = || Bytes(Server, b"\x81\x02hi".to_vec());
    let unmasked = || Bytes(Client, b"\x81\x02hi".to_vec());
    let after = |seconds| At(Duration::from_secs(seconds));
    let mut scripts: Vec<Vec<Step>> = vec![
        vec![text(), answer()],
        vec![close(Client, 1000), close(Server, 1000), Ends(Server, fin), Ends(Client, fin)],
        vec![Bytes(Server, b"\x88\x00".to_vec()), Bytes(Client, b"\x88\x80\0\0\0\0".to_vec())],
        vec![unmasked(), close(Server, 1002)],
        vec![unmasked(), close(Server, 1000)],
        vec![unmasked(), Ends(Server, rst)],
        vec![unmasked(), answer()],
        vec![text(), close(Server, 1002)],
        vec![text(), close(Server, 1009), close(Client, 1009)],
        vec![close(Client, 1000), close(Server, 1005)],
        vec![Bytes(Server, b"\x81\x05h".to_vec()), Ends(Server, fin)],
        vec![text(), Ends(Client, fin)],
        vec![text(), Ends(Client, rst)],
        vec![close(Client, 1001), Ends(Server, fin)],
        vec![close(Client, 1001), Ends(Client, rst)],
        vec![Request(vec![]), Response(403, vec![])],
        vec![Request(vec![Broken::MethodNotGet]), Response(405, vec![])],
        vec![Request(vec![]), Ends(Client, fin)],
        vec![Request(vec![]), Ends(Server, fin)],
        vec![Request(vec![]), Ends(Server, rst)],
        vec![Request(vec![]), Response(101, vec![Broken::WrongAccept]), Ends(Client, fin)],
        vec![close(Server, 1000), close(Client, 1000), answer(), after(9)],
        vec![Bytes(Server, b"\x89\x01a".to_vec()), after(3), text(), after(4), Heard(Client)],
        vec![Heard(Client), text(), after(1), Bytes(Server, b"\x89\x00".to_vec()), after(60)],
        vec![Bytes(Server, b"\x89\x01a\x89\x01b".to_vec()), text(), after(60), text()],
        vec![Bytes(Server, vec![0x81]), Bytes(Server, vec![]), Bytes(Client, vec![])],
    ];
    for steps in &mut scripts {
        steps.push(Step::Tell);
    }
    let with = |steps| Script { steps, ..PLAIN };
    let mut scripts: Vec<Script> = scripts.into_iter().map(with).collect();
    let binary = Bytes(Client, b"\x82\x80\0\0\0\0".to_vec());
    let accepts = [Accepts::BinaryOnly, Accepts::TextOnly];
    let steps = vec![binary, Step::Tell, close(Server, 1003), Step::Tell];
    scripts.push(Script { accepts, steps, ..PLAIN });
    scripts.push(Script { max_message: 1, ..with(vec![text(), close(Server, 1009), Step::Tell]) });
    scripts
}

/// Compressed messages: legal ones, one that inflates to bad UTF-8, one over the limit, one that is
/// no DEFLATE; and without what was negotiated.
pub(crate) fn compressed() -> Vec<Script> {
    let frame = |plain: &[u8]| {
        let mut payload = Vec::new();
        Deflater::new(15, false).deflate(plain, true, &mut payload);
        let mut bytes = vec![0xC1, payload.len() as u8];
        bytes.extend(payload);
        bytes
    };
    let streams =
        [frame(b"hello, hello"), frame(b"\xFF"), frame(&[b'a'; 900]), b"\xC1\x01\xFF".to_vec()];
    let mut scripts = Vec::new();
    for deflate in [None, Some([false; 2]), Some([true, false]), Some([true; 2])] {
        for stream in &streams {
            let steps = vec![Step::Bytes(Role::Server, stream.clone()), Step::Tell];
            scripts.push(Script { max_message: 500, deflate, steps, ..PLAIN });
        }
    }
    scripts
}

/// Generated connections: legal ones, and ones that break a rule or neglect a duty.
#[cfg(feature = "arbitrary")]
pub(crate) fn generated() -> Vec<Script> {
    use arbitrary::Unstructured;
    use wsvet::generate::Connection;

    let mut scripts = Vec::new();
    for seed in 0..150u32 {
        let mut number = seed.wrapping_mul(0x9E37_79B9) | 1;
        let random = std::iter::repeat_with(|| {
            number ^= number << 13;
            number ^= number >> 17;
            number ^= number << 5;
            number as u8
        });
        let random: Vec<u8> = random.take(600).collect();
        let mut u = Unstructured::new(&random);
        let ends = PLAIN.ends();
        let lapses = wsvet::Lapse::ALL;
        let connection = match seed % 3 {
            0 => Connection::legal(ends, &mut u),
            1 => Connection::under(ends, &mut u),
            _ => Connection::neglecting(ends, lapses[seed as usize % lapses.len()], &mut u),
        };
        let connection = connection.unwrap();
        let mut steps = Vec::new();
        for (at, (from, bytes)) in connection.times().zip(connection.turns()) {
            steps.push(Step::At(at));
            for piece in bytes.chunks(1 + seed as usize % 40) {
                steps.push(Step::Bytes(from, piece.to_vec()));
            }
        }
        steps.push(Step::At(connection.end()));
        steps.push(Step::Tell);
        steps.push(Step::End(if seed % 2 == 0 { Role::Client } else { Role::Server }, End::Fin));
        steps.push(Step::Tell);
        scripts.push(Script { steps, ..PLAIN });
    }
    scripts
}

fn role(role: Role) -> u8 {
    match role {
        Role::Client => 1,
        Role::Server => 2,
    }
}

pub(crate) fn input(script: &Script) -> Vec<u8> {
    let accepts = |accepts| match accepts {
        Accepts::TextOnly => 1,
        Accepts::BinaryOnly => 2,
        _ => 0,
    };
    let [client, server] = script.accepts.map(accepts);
    let mut input = vec![b'N', client, server];
    input.extend(script.max_message.to_le_bytes());
    let [server, client] = script.deflate.unwrap_or_default().map(u8::from);
    input.extend([script.deflate.is_some().into(), server, client]);
    let put = |input: &mut Vec<u8>, bytes: &[u8]| {
        input.extend((bytes.len() as u32).to_le_bytes());
        input.extend(bytes);
    };
    let numbers = |rules: &[Broken]| rules.iter().map(|rule| rule.number()).collect::<Vec<_>>();
    for step in &script.steps {
        match step {
            Step::At(time) => {
                input.push(b'A');
                input.extend((time.as_nanos() as u64).to_le_bytes());
            }
            Step::Heard(host) => input.extend([b'H', role(*host)]),
            Step::Request(rules) => {
                input.push(b'Q');
                put(&mut input, &numbers(rules));
            }
            Step::Response(status, rules) => {
                input.push(b'R');
                input.extend(status.to_le_bytes());
                put(&mut input, &numbers(rules));
            }
            Step::Bytes(from, bytes) => {
                input.extend([b'B', role(*from)]);
                put(&mut input, bytes);
            }
            Step::End(from, end) => {
                input.extend([b'E', role(*from), u8::from(*end == End::Reset)]);
            }
            Step::Tell => input.push(b'V'),
        }
    }
    input.push(b'F');
    input
}

pub(crate) fn output(script: &Script) -> String {
    let [client, server] = script.ends();
    let mut conversation = match script.parameters() {
        None => Conversation::new(client, server),
        Some(parameters) => Conversation::deflate(client, server, parameters),
    };
    let mut out = String::new();
    for step in &script.steps {
        match step {
            Step::At(time) => conversation.at(*time),
            Step::Heard(host) => conversation.heard_from(*host),
            Step::Request(rules) => conversation.request(rules.iter().copied()),
            Step::Response(status, rules) => conversation.response(*status, rules.iter().copied()),
            Step::Bytes(from, bytes) => conversation.bytes(*from, bytes),
            Step::End(from, end) => _ = conversation.end(*from, *end, 0),
            Step::Tell => out += &told(&conversation),
        }
    }
    out
}

fn violation(violation: Option<Violation>) -> String {
    violation
        .map_or(" 0 0".to_owned(), |found| format!(" {} {}", found.rule.number(), found.offset))
}

fn told(conversation: &Conversation) -> String {
    let verdict = conversation.verdict();
    let mut out = format!("{}: {verdict}\n", verdict.id());
    let (mut why, mut status, mut rule, mut len) = (0, 0, 0, 0);
    let kind = match verdict {
        Verdict::Open => 0,
        Verdict::Clean { .. } => 1,
        Verdict::Refused { .. } => 2,
        Verdict::RefusedOtherwise { .. } => 3,
        Verdict::LetPass { .. } => 4,
        Verdict::WronglyRefused { .. } => 5,
        Verdict::OwnLimit { len: bytes, .. } => {
            len = bytes;
            6
        }
        Verdict::BrokenClose { .. } => 7,
        Verdict::Abnormal { why: reason, .. } => {
            let reasons = [
                Abnormality::InFrame,
                Abnormality::WithoutClose,
                Abnormality::Reset,
                Abnormality::Unanswered,
                Abnormality::ResetUnanswered,
            ];
            why = 1 + reasons.iter().position(|known| *known == reason).unwrap();
            8
        }
        Verdict::NeverOpened { why: reason, .. } => {
            why = match reason {
                Unopened::Refused(answered) => {
                    status = answered;
                    11
                }
                Unopened::NoAnswer => 12,
                Unopened::Dropped => 13,
                Unopened::Reset => 14,
                Unopened::BrokenResponse(broken) => {
                    rule = broken.number();
                    15
                }
                other => panic!("a reason that C does not know: {other:?}"),
            };
            9
        }
        other => panic!("a verdict that C does not know: {other:?}"),
    };
    let (by, code) = (verdict.by().map_or(0, role), verdict.code().map_or(0, |code| code.0));
    let about = violation(verdict.violation());
    writeln!(out, "{kind} {by} {why} {code} {status} {rule} {len}{about}").unwrap();
    for finding in conversation.findings() {
        let (lapse, by) = (finding.lapse, role(finding.by));
        let (at, waited) = (finding.at.as_nanos(), finding.waited.as_nanos());
        writeln!(out, "{lapse} {by} {at} {waited} {} {}", finding.count, finding.other_pongs)
            .unwrap();
    }
    for from in [Role::Client, Role::Server] {
        let sent = conversation.direction(from);
        let (frames, bytes, close) = (sent.frames(), sent.offset(), sent.close());
        let code = close.flatten().map_or(0, |code| code.0);
        let (closed, late) = (u8::from(close.is_some()), u8::from(sent.data_after_close()));
        let broken = violation(sent.violation());
        writeln!(out, "{frames} {bytes} {closed} {code} {late}{broken}").unwrap();
    }
    out + "\n"
}
