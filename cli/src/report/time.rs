//! The phrases about time: how long something took, and what did not happen in time.

use std::fmt::Write as _;
use std::time::Duration;

use wsvet::{Finding, Lapse, Role, Verdict};

use crate::report::idle::usual;
use crate::report::words::count;
use crate::session::report::Closing;

/// Returns a duration in a suitable unit.
pub(super) fn span(time: Duration) -> String {
    let (number, unit) = parts(time);
    format!("{number}{unit}")
}

/// Returns the number and the unit of a duration, rounded, so that 59.999 s is a minute.
fn parts(time: Duration) -> (String, &'static str) {
    let seconds = time.as_secs_f64();
    if seconds < 0.999_95 {
        return (format!("{:.1}", seconds * 1e3), " ms");
    }
    if seconds < 59.995 {
        return (format!("{seconds:.2}"), " s");
    }
    let seconds = seconds.round() as u64;
    match seconds {
        ..3600 => (format!("{} min {}", seconds / 60, seconds % 60), " s"),
        _ => (format!("{} h {}", seconds / 3600, seconds % 3600 / 60), " min"),
    }
}

/// Returns the range of two durations: one if they look the same, and one unit if it is the same.
fn range(from: Duration, to: Duration) -> String {
    let ((from, unit), (to, last)) = (parts(from), parts(to));
    let compound = |number: &str| number.contains(' ');
    match unit == last {
        true if from == to => format!("{to}{last}"),
        true if !compound(&from) && !compound(&to) => format!("{from} to {to}{last}"),
        _ => format!("{from}{unit} to {to}{last}"),
    }
}

/// Returns how fast Pings were answered, and how many were not, unless a finding says so.
pub(super) fn pings(closing: &Closing) -> Vec<String> {
    let Closing { pings, waiting, ended, sides, heard, .. } = closing;
    let mut told = Vec::new();
    if let Some(fastest) = pings.fastest {
        let were = if pings.answered == 1 { "was" } else { "were" };
        let took = range(fastest, pings.slowest);
        told.push(format!("{} {were} answered in {took}", count(pings.answered, "ping")));
    }
    for from in [Role::Client, Role::Server] {
        let peer = from.peer();
        let Some(waiting) = waiting[from as usize] else { continue };
        if closing.unanswered(peer).is_some() {
            continue;
        }
        let one = waiting.count == 1;
        let was = if one { "was" } else { "were" };
        let pings = count(waiting.count, "ping");
        let mut text = format!("{pings} from the {from} {was} never answered");
        let before = ended.and_then(|end| end.checked_sub(waiting.since));
        if let Some(before) = before.filter(|before| !before.is_zero()) {
            let sent = if one { "sent" } else { "the first was sent" };
            let _ = write!(text, " ({sent} {} before the end)", span(before));
        }
        if sides[peer as usize].frames == 0 {
            let _ =
                write!(text, "; no frame from the {peer} was seen, so its pongs may be missing");
        } else if heard[peer as usize].is_some_and(|heard| heard < waiting.since) {
            let _ = write!(
                text,
                "; nothing came from the {peer} after that, not even an acknowledgement of TCP: its \
                 host or the network was gone"
            );
        }
        text.push_str(&other_pongs(peer, waiting.other_pongs));
        told.push(text);
    }
    told
}

fn other_pongs(by: Role, pongs: u64) -> String {
    if pongs == 0 {
        return String::new();
    }
    let answer = if pongs == 1 { "answers" } else { "answer" };
    let pongs = count(pongs, "pong");
    format!("; the {by} sent {pongs} with other data, which {answer} nothing")
}

/// Returns how long the connection was silent before its end, and what the user can do, if it was
/// long.
pub(super) fn silence(closing: &Closing) -> String {
    let Some(silence) = closing.silence.filter(|_| closing.verdict != Verdict::Open) else {
        return String::new();
    };
    let mut text = format!(", after {} of silence", span(silence));
    if let Some(names) = usual(silence) {
        let _ = write!(
            text,
            "; that is a usual idle limit of proxies ({names}): send pings more often than that, \
             or raise the limit"
        );
    }
    text
}

/// Describes what an endpoint neglected.
pub(super) fn finding(finding: &Finding) -> String {
    let Finding { by, waited, other_pongs: pongs, .. } = *finding;
    let waited = span(waited);
    match finding.lapse {
        Lapse::UnansweredPing => {
            let (peer, pongs) = (by.peer(), other_pongs(by, pongs));
            let (pings, waited) = match finding.count {
                1 => ("a ping".to_owned(), format!("which waited {waited}")),
                n => (count(n, "ping"), format!("the first of which waited {waited}")),
            };
            format!("the {by} did not answer {pings} from the {peer}, {waited}{pongs}")
        }
        Lapse::ServerLeftOpen => format!(
            "the {by} left the TCP connection open for {waited} after both Close frames, \
             although it has to close it at once"
        ),
        _ => finding.to_string(),
    }
}

/// Returns the sentence that names the endpoint at fault for a finding, and the section of the rule.
pub(super) fn fault(finding: &Finding) -> String {
    let Finding { lapse, by, .. } = finding;
    format!("the {by} is at fault (RFC {} §{})", lapse.rfc(), lapse.section())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (nanos, expected) in [
            (0, "0.0 ms"),
            (40_000_000, "40.0 ms"),
            (999_940_000, "999.9 ms"),
            (999_960_000, "1.00 s"),
            (59_994_000_000, "59.99 s"),
            (59_996_000_000, "1 min 0 s"),
            (600_000_000_000, "10 min 0 s"),
            (3_599_600_000_000, "1 h 0 min"),
            (5_400_000_000_000, "1 h 30 min"),
        ] {
            assert_eq!(span(Duration::from_nanos(nanos)), expected);
        }
    }

    #[test]
    fn ranges_name_a_value_and_a_unit_once() {
        let range = |from, to| range(Duration::from_micros(from), Duration::from_micros(to));
        assert_eq!(range(40_000, 40_000), "40.0 ms");
        assert_eq!(range(40_010, 40_020), "40.0 ms");
        assert_eq!(range(38_000, 40_000), "38.0 to 40.0 ms");
        assert_eq!(range(38_000, 1_200_000), "38.0 ms to 1.20 s");
        assert_eq!(range(1_000_000, 60_000_000), "1.00 s to 1 min 0 s");
        assert_eq!(range(60_000_000, 120_000_000), "1 min 0 s to 2 min 0 s");
    }
}
