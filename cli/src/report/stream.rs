//! The phrases about a connection on a stream of HTTP/2, which ends otherwise than one on TCP (RFC 8441 §5).

use wsvet::{Act, End, Finding, Lapse, Role, Step};

use crate::report::time;
use crate::session::report::{Closing, Opening, OverHttp2};

/// Returns the verdict on a connection in a sentence.
pub(super) fn outcome(closing: &Closing) -> String {
    let text = closing.verdict.to_string();
    let by = closing.verdict.by();
    match closing.opening.http2.as_deref() {
        Some(http2) if by.is_some_and(|by| ended(http2, by)) => {
            text.replace("the connection", &format!("HTTP/2 stream {}", http2.stream))
        }
        _ => text,
    }
}

/// Describes what an endpoint neglected.
pub(super) fn finding(opening: &Opening, finding: &Finding) -> String {
    match &opening.http2 {
        Some(http2) if finding.lapse == Lapse::ServerLeftOpen => {
            let (by, waited, stream) = (finding.by, time::span(finding.waited), http2.stream);
            format!(
                "the {by} left HTTP/2 stream {stream} open for {waited} after both Close frames, \
                 although it has to end it at once"
            )
        }
        _ => time::finding(finding),
    }
}

/// Returns what to do about what an endpoint neglected.
pub(super) fn resolve(opening: &Opening, lapse: Lapse) -> &'static str {
    match (&opening.http2, lapse) {
        (Some(_), Lapse::ServerLeftOpen) => {
            "Send END_STREAM as soon as a Close frame has been both sent and received, without waiting \
             for the client: it is what the end of the TCP connection is elsewhere (RFC 8441 §5)."
        }
        _ => lapse.resolve(),
    }
}

/// Returns what an endpoint sent to end a stream.
pub(super) fn end(http2: Option<&OverHttp2>, from: Role, how: End) -> &'static str {
    match (how, http2.is_some_and(|http2| ended(http2, from))) {
        (End::Fin, false) => "FIN",
        (End::Fin, true) => "END_STREAM",
        (_, false) => "RST",
        (_, true) => "RST_STREAM",
    }
}

/// Describes how an endpoint ended a stream, or the connection that carries it.
pub(super) fn step(http2: Option<&OverHttp2>, step: &Step) -> Option<String> {
    let (http2, Act::Ended(how)) = (http2?, step.act) else { return None };
    Some(match (how, http2.resets[step.from as usize]) {
        (End::Fin, _) if ended(http2, step.from) => {
            "sent END_STREAM: nothing more comes".to_owned()
        }
        (End::Fin, _) => "sent FIN on the TCP connection: nothing more comes".to_owned(),
        (_, Some(code)) => format!("sent RST_STREAM with {code}: the stream is gone"),
        (_, None) => "sent RST on the TCP connection: the stream is gone with it".to_owned(),
    })
}

/// Returns whether an endpoint ended the stream, and not only the connection that carries it.
fn ended(http2: &OverHttp2, by: Role) -> bool {
    http2.ends[by as usize] || http2.resets[by as usize].is_some()
}
