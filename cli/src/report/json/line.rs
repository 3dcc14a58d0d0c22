//! The keys of each line, in the order of the output.

use std::time::Duration;

use serde::Serialize;
use wsvet::handshake::Due;
use wsvet::{Act, Finding, Header, OpCode, Role, Unopened, Verdict, Violation};

use crate::report::stream::outcome;
use crate::report::words::hex_bytes;
use crate::session::agreement::{HandshakeFinding, Uncertain};
use crate::session::cause::Cause;
use crate::session::inflate::Message;
use crate::session::record::{Broken, Frame, Incomplete};
use crate::session::report::{Closing, Gap, GoAway, Next, OverHttp2, ReadAs, Reported, Side};
use crate::session::unjudged::Stray;
use crate::transport::http2::ErrorCode;

/// The keys of every line.
#[derive(Serialize)]
pub(super) struct Line<'a, T> {
    pub(super) event: &'static str,
    pub(super) connection: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<&'static str>,
    #[serde(flatten)]
    pub(super) record: T,
    pub(super) input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tcp_stream: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packet: Option<u64>,
    /// The number of the message, if the input has no packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<f64>,
}

/// How an input was read.
#[derive(Serialize)]
pub(super) struct InputLine<'a> {
    event: &'static str,
    read_as: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    input: &'a str,
}

impl<'a> InputLine<'a> {
    pub(super) fn new(how: &'a ReadAs, input: &'a str) -> Self {
        Self { event: "input", read_as: &how.what, bytes: how.bytes, notes: &how.notes, input }
    }
}

#[derive(Serialize)]
pub(super) struct OpeningLine<'a> {
    pub(super) client: Option<&'a str>,
    pub(super) server: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) subprotocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offered: Option<&'a [String]>,
    pub(super) extensions: &'a [String],
    /// When the client asked for the upgrade, if the request is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<f64>,
    /// `false` if the server did not accept the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opened: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uncertain: Option<UncertainLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http2_stream: Option<u32>,
}

/// What is not known of a connection whose opening handshake was not captured.
#[derive(Serialize)]
pub(super) struct UncertainLine {
    why: &'static str,
    text: String,
    /// The captured bytes of each endpoint before the first frame that is judged, if any is.
    client: Option<u64>,
    server: Option<u64>,
}

impl UncertainLine {
    pub(super) fn new(uncertain: &Uncertain, text: String) -> Self {
        let [client, server] = uncertain.skipped;
        Self { why: uncertain.why.id(), text, client, server }
    }
}

/// An answer of the server that the client must reject.
#[derive(Serialize)]
pub(super) struct NegotiationLine {
    /// The byte in the extensions, if they are joined with a comma and a space.
    pub(super) offset: usize,
    pub(super) rfc: u16,
    pub(super) section: &'static str,
    pub(super) text: String,
}

impl NegotiationLine {
    pub(super) fn new(offset: usize, text: String) -> Self {
        Self { offset, rfc: 7692, section: "7.1", text }
    }
}

/// What is found in the opening handshake: a rule that a message breaks, a refusal, or a choice.
#[derive(Serialize)]
pub(super) struct HandshakeLine<'a> {
    /// The endpoint that sent the message.
    pub(super) by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rfc: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) section: Option<&'static str>,
    /// The header that the rule is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<&'static str>,
    /// The HTTP status with which the server must refuse the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_status: Option<u16>,
    /// The HTTP status with which the server refused the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// The HTTP status with which the server refused an earlier request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_before: Option<u16>,
    /// The subprotocols that the client offered, if the server chose none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) declined: Option<&'a [String]>,
    pub(super) text: String,
}

impl<'a> HandshakeLine<'a> {
    pub(super) fn new(found: &'a HandshakeFinding, text: String) -> Self {
        let line = Self {
            by: Role::Server.name(),
            rule: None,
            rfc: None,
            section: None,
            header: None,
            due_status: None,
            status: None,
            status_before: None,
            declined: None,
            text,
        };
        match found {
            HandshakeFinding::Refused(status) => Self { status: Some(*status), ..line },
            HandshakeFinding::RefusedBefore(status) => {
                Self { status_before: Some(*status), ..line }
            }
            HandshakeFinding::Declined(offered) => Self { declined: Some(offered), ..line },
            HandshakeFinding::Broken(rule) => Self {
                by: rule.sender().name(),
                rule: Some(rule.id()),
                rfc: Some(rule.rfc()),
                section: Some(rule.section()),
                header: rule.field(),
                due_status: match rule.due() {
                    Due::Status(status) => Some(status),
                    _ => None,
                },
                ..line
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct FrameLine<'a> {
    pub(super) offset: u64,
    pub(super) header_len: usize,
    pub(super) fin: bool,
    pub(super) rsv: u8,
    pub(super) opcode: u8,
    pub(super) masked: bool,
    pub(super) payload_len: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) close_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) close_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<String>,
}

impl<'a> FrameLine<'a> {
    pub(super) fn new(frame: &Frame<'a>, payload: bool) -> Self {
        let header = &frame.header;
        // What a Pong answers depends on its data.
        let payload = payload || matches!(header.opcode(), OpCode::Ping | OpCode::Pong);
        Self {
            offset: frame.offset,
            header_len: header.header_len(),
            fin: header.fin(),
            rsv: header.rsv(),
            opcode: u8::from(header.opcode()),
            masked: header.is_masked(),
            payload_len: header.payload_len(),
            close_code: frame.close.as_ref().map(|close| close.code.0),
            close_reason: frame.close.as_ref().map(|close| close.reason),
            payload: payload.then(|| hex_bytes(frame.payload, "")),
        }
    }
}

/// A complete message on a connection with negotiated compression.
#[derive(Serialize)]
pub(super) struct MessageLine {
    pub(super) opcode: u8,
    /// The inflated length in bytes, if known.
    pub(super) len: Option<u64>,
    pub(super) compressed: bool,
    /// The length on the wire in bytes.
    pub(super) wire_len: u64,
}

impl MessageLine {
    pub(super) fn new(message: &Message) -> Self {
        let Message { opcode, compressed, wire_len, len } = *message;
        Self { opcode: u8::from(opcode), len, compressed, wire_len }
    }
}

#[derive(Serialize)]
pub(super) struct BrokenLine {
    pub(super) offset: u64,
    pub(super) rule: &'static str,
    pub(super) section: &'static str,
    pub(super) close_code: u16,
    pub(super) text: &'static str,
    pub(super) rfc: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame_offset: Option<u64>,
    /// The header as on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<String>,
    /// The kept payload up to the byte that breaks the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<String>,
    /// The number of inflated bytes of a compressed message before the violation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inflated: Option<u64>,
}

impl BrokenLine {
    pub(super) fn new(broken: &Broken<'_>, payload: bool) -> Self {
        let rule = broken.violation.rule;
        let (frame_offset, header) = head(broken.header, broken.cut);
        Self {
            offset: broken.violation.offset,
            rule: rule.id(),
            section: rule.section(),
            close_code: rule.close_code().0,
            text: rule.text(),
            rfc: rule.rfc(),
            frame_offset,
            header,
            payload: payload.then(|| hex_bytes(broken.payload, "")),
            inflated: broken.inflated,
        }
    }
}

/// A likely cause of a violation.
#[derive(Serialize)]
pub(super) struct CauseLine<'a> {
    /// The offset of the violation.
    pub(super) offset: u64,
    /// The rule that it breaks.
    pub(super) rule: &'static str,
    pub(super) cause: &'static str,
    pub(super) text: &'a str,
}

impl<'a> CauseLine<'a> {
    pub(super) fn new(violation: &Violation, cause: &'a Cause) -> Self {
        let Violation { offset, rule, .. } = *violation;
        Self { offset, rule: rule.id(), cause: cause.id, text: &cause.text }
    }
}

/// Returns the offset of a frame, and its header as on the wire, which may be incomplete.
fn head(
    header: Option<(u64, Header)>,
    (start, cut): (u64, &[u8]),
) -> (Option<u64>, Option<String>) {
    match header {
        Some((offset, header)) => {
            let mut wire = [0; Header::MAX_LEN];
            let len = header.encode(&mut wire);
            (Some(offset), Some(hex_bytes(&wire[..len], "")))
        }
        None if cut.is_empty() => (None, None),
        None => (Some(start), Some(hex_bytes(cut, ""))),
    }
}

#[derive(Serialize)]
pub(super) struct IncompleteLine {
    pub(super) offset: u64,
    pub(super) within: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame_offset: Option<u64>,
    /// The header as on the wire; it may be incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<String>,
    /// The kept payload; it may be incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<String>,
}

impl IncompleteLine {
    pub(super) fn new(incomplete: &Incomplete<'_>, payload: bool) -> Self {
        let Incomplete { offset, within, missing, header, cut, payload: plain } = *incomplete;
        let (frame_offset, header) = head(header, cut);
        let payload = payload.then(|| hex_bytes(plain, ""));
        Self { offset, within: within.name(), missing, frame_offset, header, payload }
    }
}

#[derive(Serialize)]
pub(super) struct GapLine {
    pub(super) offset: u64,
    pub(super) missing: u64,
    /// Whether all missing bytes are in one payload.
    pub(super) passed_over: bool,
    /// The byte at which judging goes on, if a frame was found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumed_at: Option<u64>,
}

impl GapLine {
    pub(super) fn new(gap: &Gap) -> Self {
        let Gap { offset, missing, next } = *gap;
        let resumed_at = match next {
            Next::Frame(to) => Some(to),
            Next::Inside | Next::Nowhere => None,
        };
        Self { offset, missing, passed_over: next == Next::Inside, resumed_at }
    }
}

#[derive(Serialize)]
pub(super) struct VerdictLine<'a> {
    pub(super) outcome: &'static str,
    pub(super) code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    /// The length of the message that was refused for a limit that is not known, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) len: Option<u64>,
    pub(super) text: String,
    pub(super) target: Option<&'a str>,
    pub(super) subprotocol: Option<&'a str>,
    pub(super) extensions: &'a [String],
    pub(super) client: SideLine<'a>,
    pub(super) server: SideLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pings: Option<PingsLine>,
    pub(super) timeline: Vec<StepLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http2: Option<Http2Line<'a>>,
    /// What the input itself says of the connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reported: Vec<ReportedLine<'a>>,
    pub(super) gap: bool,
    /// The time up to which the connection was observed.
    pub(super) until: f64,
    /// The seconds of silence before the end, if they were many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) silence: Option<f64>,
}

/// The words of a browser or a proxy about a connection.
#[derive(Serialize)]
pub(super) struct ReportedLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    text: &'a str,
    failed: bool,
}

impl<'a> ReportedLine<'a> {
    fn new(reported: &'a Reported) -> Self {
        let code = reported.code.map(|code| code.0);
        Self { code, text: &reported.text, failed: reported.failed }
    }
}

impl<'a> VerdictLine<'a> {
    pub(super) fn new(closing: &'a Closing) -> Self {
        let Closing { opening, verdict, timeline, sides: [client, server], gap, .. } = closing;
        let violation = verdict.violation();
        Self {
            outcome: verdict.id(),
            code: verdict.code().map(|code| code.0),
            by: verdict.by().map(Role::name),
            due: violation.map(|violation| violation.rule.close_code().0),
            rule: match verdict {
                Verdict::NeverOpened { why: Unopened::BrokenResponse(rule), .. } => Some(rule.id()),
                _ => violation.map(|violation| violation.rule.id()),
            },
            offset: violation.map(|violation| violation.offset),
            why: match verdict {
                Verdict::Abnormal { why, .. } => Some(why.id()),
                Verdict::NeverOpened { why, .. } => Some(why.id()),
                _ => None,
            },
            len: match verdict {
                Verdict::OwnLimit { len, .. } => Some(*len),
                _ => None,
            },
            text: outcome(closing),
            target: opening.agreement.target.as_deref(),
            subprotocol: opening.agreement.subprotocol.as_deref(),
            extensions: &opening.agreement.extensions,
            client: SideLine::new(opening.client.as_deref(), client),
            server: SideLine::new(opening.server.as_deref(), server),
            pings: PingsLine::new(closing),
            timeline: timeline
                .iter()
                .map(|step| StepLine {
                    from: step.from.name(),
                    act: step.act.id(),
                    reason: match closing.reasons[step.from as usize].as_str() {
                        "" => None,
                        reason => matches!(step.act, Act::Closed(_)).then_some(reason),
                    },
                    code: match step.act {
                        Act::Closed(code) => code.map(|code| code.0),
                        _ => None,
                    },
                    status: match step.act {
                        Act::Responded(status) => Some(status),
                        _ => None,
                    },
                    time: seconds(step.at),
                })
                .collect(),
            http2: opening.http2.as_deref().map(Http2Line::new),
            reported: closing.reported.iter().map(ReportedLine::new).collect(),
            gap: *gap,
            until: seconds(closing.until),
            silence: closing.silence.map(seconds),
        }
    }
}

/// How the endpoints ended a stream of HTTP/2.
#[derive(Serialize)]
pub(super) struct Http2Line<'a> {
    stream: u32,
    /// The endpoints that sent END_STREAM.
    end_stream: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rst_stream: Vec<ResetLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goaway: Vec<GoAwayLine<'a>>,
}

#[derive(Serialize)]
pub(super) struct ResetLine {
    from: &'static str,
    code: u32,
    name: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct GoAwayLine<'a> {
    #[serde(flatten)]
    reset: ResetLine,
    debug: &'a str,
    /// Whether the endpoint processed this stream.
    processed: bool,
}

impl<'a> Http2Line<'a> {
    fn new(http2: &'a OverHttp2) -> Self {
        let both = [Role::Client, Role::Server];
        let reset = |from: Role, code: ErrorCode| ResetLine {
            from: from.name(),
            code: code.0,
            name: code.name(),
        };
        let of_goaway = |from: Role| {
            let GoAway { code, debug, processed } = http2.goaways[from as usize].as_ref()?;
            Some(GoAwayLine { reset: reset(from, *code), debug, processed: *processed })
        };
        let ends = both.into_iter().filter(|from| http2.ends[*from as usize]);
        let resets = both.into_iter();
        Self {
            stream: http2.stream,
            end_stream: ends.map(Role::name).collect(),
            rst_stream: resets
                .filter_map(|from| Some(reset(from, http2.resets[from as usize]?)))
                .collect(),
            goaway: both.into_iter().filter_map(of_goaway).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct SideLine<'a> {
    pub(super) address: Option<&'a str>,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compressed: Option<CompressedLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<LastLine>,
}

impl<'a> SideLine<'a> {
    pub(super) fn new(address: Option<&'a str>, side: &Side) -> Self {
        let inflated = &side.inflated;
        let compressed = (inflated.messages > 0).then(|| CompressedLine {
            messages: inflated.messages,
            bytes: inflated.compressed,
            inflated: inflated.ratio().map(|_| inflated.inflated),
            ratio: inflated.ratio(),
        });
        let last = side.last.map(|sent| LastLine {
            offset: sent.offset,
            opcode: u8::from(sent.header.opcode()),
            seconds_before_the_end: side.before.map(seconds),
        });
        Self { address, frames: side.frames, bytes: side.bytes, compressed, last }
    }
}

#[derive(Serialize)]
pub(super) struct CompressedLine {
    pub(super) messages: u64,
    /// The length on the wire in bytes.
    pub(super) bytes: u64,
    pub(super) inflated: Option<u64>,
    pub(super) ratio: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct LastLine {
    pub(super) offset: u64,
    pub(super) opcode: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds_before_the_end: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct PingsLine {
    pub(super) answered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fastest: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slowest: Option<f64>,
    /// The number of the client's last Pings that were never answered.
    pub(super) unanswered_client: u64,
    pub(super) unanswered_server: u64,
}

impl PingsLine {
    pub(super) fn new(closing: &Closing) -> Option<Self> {
        let Closing { pings, waiting, .. } = closing;
        let [client, server] = waiting.map(|waiting| waiting.map_or(0, |waiting| waiting.count));
        (pings.answered + client + server > 0).then(|| Self {
            answered: pings.answered,
            fastest: pings.fastest.map(seconds),
            slowest: pings.fastest.map(|_| seconds(pings.slowest)),
            unanswered_client: client,
            unanswered_server: server,
        })
    }
}

/// A duty that an endpoint neglected.
#[derive(Serialize)]
pub(super) struct FindingLine {
    pub(super) rule: &'static str,
    pub(super) by: &'static str,
    pub(super) rfc: u16,
    pub(super) section: &'static str,
    pub(super) text: &'static str,
    pub(super) count: u64,
    pub(super) other_pongs: u64,
    /// The time at which the duty began.
    pub(super) since: f64,
    /// The seconds from then to its end.
    pub(super) waited: f64,
}

impl FindingLine {
    pub(super) fn new(finding: &Finding) -> Self {
        let Finding { lapse, by, at, waited, count, other_pongs, .. } = *finding;
        Self {
            rule: lapse.id(),
            by: by.name(),
            rfc: lapse.rfc(),
            section: lapse.section(),
            text: lapse.text(),
            count,
            other_pongs,
            since: seconds(at),
            waited: seconds(waited),
        }
    }
}

#[derive(Serialize)]
pub(super) struct StepLine<'a> {
    pub(super) from: &'static str,
    pub(super) act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    /// The HTTP status of a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    pub(super) time: f64,
}

/// A notice about an input: what of it was not judged, or why it cannot be judged.
#[derive(Serialize)]
pub(super) struct NoticeLine<'a> {
    event: &'static str,
    text: &'a str,
    input: &'a str,
}

impl<'a> NoticeLine<'a> {
    pub(super) fn new(text: &'a str, input: &'a str) -> Self {
        Self { event: "notice", text, input }
    }
}

/// A connection that is not judged, or not to its end.
#[derive(Serialize)]
pub(super) struct StrayLine<'a> {
    event: &'static str,
    why: &'static str,
    text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Whether it is, or may be, a WebSocket connection.
    perhaps_websocket: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    /// The addresses, if it is not known which endpoint is the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<[Option<&'a str>; 2]>,
    packets: u64,
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_stream: Option<usize>,
    time: f64,
}

impl<'a> StrayLine<'a> {
    pub(super) fn new(stray: &'a Stray, input: &'a str) -> Self {
        let ends = stray.ends.each_ref().map(Option::as_deref);
        let [client, server] = if stray.has_roles { ends } else { [None; 2] };
        Self {
            event: "unjudged",
            why: stray.why.id(),
            text: stray.why.text(),
            detail: stray.detail.as_deref(),
            perhaps_websocket: stray.why.is_perhaps_websocket(),
            connection: stray.connection,
            client,
            server,
            ends: (!stray.has_roles).then_some(ends),
            packets: stray.packets,
            input,
            tcp_stream: stray.stream,
            time: seconds(stray.time),
        }
    }
}

/// Converts a time to seconds. They count from 1970 if the clock of the input does.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
