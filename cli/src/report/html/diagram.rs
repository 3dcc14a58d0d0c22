//! Renders the sequence diagram of a connection, with one row for each action of an endpoint.

use std::time::Duration;

use maud::{Markup, html};
use wsvet::{Act, OpCode, Role};

use super::bits;
use super::kept::{Finding, Kept, Row, What};
use super::sections;
use crate::report::stream;
use crate::report::style::plain;
use crate::report::time::span;
use crate::report::words::{bytes, kind, within};

/// The shortest pause whose length is shown.
const PAUSE: Duration = Duration::from_secs(1);

/// Renders the diagram, with times from the start of the connection.
pub(super) fn diagram(kept: &Kept) -> Markup {
    let rows = rows(kept);
    let start = kept.start.or_else(|| rows.iter().find_map(|row| row.time()));
    if rows.is_empty() {
        return Markup::default();
    }
    let pauses = pauses(&rows, start);
    html! {
        ol.diagram {
            li.ends {
                span.time { "time" }
                div.lane { span { "client" } span { "server" } }
            }
            @for (row, pause) in rows.iter().zip(pauses) {
                @if pause >= PAUSE {
                    li.quiet { span.time {} div.lane { "no frame for " (span(pause)) } }
                }
                @match row {
                    Shown::Row(row) => (shown(row, start, gap(pause))),
                    Shown::Dropped(count) => li.quiet {
                        span.time {}
                        div.lane { (count) " more rows are not shown" }
                    },
                    Shown::End(from, end, time) => li class={ (from) " tcp" } style=[gap(pause)] {
                        (time_cell(Some(*time), start))
                        div.lane { div.arrow { b { (end) } } }
                    },
                }
            }
        }
    }
}

/// An entry of the diagram.
enum Shown<'a> {
    Row(&'a Row),
    Dropped(u64),
    /// The end of a stream: the sender, how it is called, and the time.
    End(Role, &'static str, Duration),
}

impl Shown<'_> {
    fn time(&self) -> Option<Duration> {
        match self {
            Self::Row(row) => row.time,
            Self::Dropped(_) => None,
            Self::End(.., time) => Some(*time),
        }
    }
}

/// Returns all entries in order, including the ends of the streams.
fn rows(kept: &Kept) -> Vec<Shown<'_>> {
    let first = kept.first.iter().map(Shown::Row);
    let dropped = (kept.dropped > 0).then_some(Shown::Dropped(kept.dropped));
    let mut rows: Vec<_> = first.chain(dropped).chain(kept.last.iter().map(Shown::Row)).collect();
    let Some(closing) = &kept.closing else { return rows };
    for step in &closing.timeline {
        if let Act::Ended(how) = step.act {
            let at = rows.iter().rposition(|row| row.time().is_some_and(|time| time <= step.at));
            let end = stream::end(closing.opening.http2.as_deref(), step.from, how);
            rows.insert(at.map_or(0, |at| at + 1), Shown::End(step.from, end, step.at));
        }
    }
    rows
}

/// Returns the pause before each row.
fn pauses(rows: &[Shown<'_>], start: Option<Duration>) -> Vec<Duration> {
    let mut before = start.unwrap_or_default();
    let pause = |row: &Shown<'_>| {
        let now = row.time().unwrap_or(before);
        now.saturating_sub(std::mem::replace(&mut before, now))
    };
    rows.iter().map(pause).collect()
}

/// Returns the space above a row, which grows with the logarithm of the pause.
fn gap(pause: Duration) -> Option<String> {
    let milliseconds = pause.as_secs_f64() * 1e3;
    let pixels = (8.0 * (1.0 + milliseconds).log2()).min(90.0).round();
    (pixels >= 1.0).then(|| format!("--gap:{pixels}px"))
}

fn time_cell(time: Option<Duration>, start: Option<Duration>) -> Markup {
    let since = time.zip(start).map(|(time, start)| time.saturating_sub(start));
    html! { span.time { @if let Some(since) = since { "+" (span(since)) } } }
}

fn shown(row: &Row, start: Option<Duration>, gap: Option<String>) -> Markup {
    let from = row.from.name();
    let style = gap.as_deref();
    match &row.what {
        What::Frame { offset, header, inflated, payload } => {
            let class = format!("{from} {}", class(header.opcode()));
            html! {
                li class=(class) style=[style] {
                    (time_cell(row.time, start))
                    div.lane title=(title(row, *offset)) {
                        div.arrow {
                            b { (kind(header)) } ", " (bytes(header.payload_len()))
                            @if let Some(len) = inflated { " → " (bytes(*len)) }
                            @if !payload.is_empty() { " " bdi.payload.mono { (payload) } }
                        }
                    }
                }
            }
        }
        What::Broken(finding) => {
            let class = finding.header.map_or("tcp", |(_, header)| class(header.opcode()));
            html! {
                li class={ (from) " broken " (class) } style=[style] {
                    (time_cell(row.time, start))
                    div.lane {
                        @if let Some((_, header)) = &finding.header {
                            div.arrow { b { (kind(header)) } ", " (bytes(header.payload_len())) }
                        }
                        (shown_finding(row, finding))
                    }
                }
            }
        }
        What::Note(text) => html! {
            li.quiet {
                (time_cell(row.time, start))
                div.lane { (text) }
            }
        },
    }
}

/// Returns the CSS class of a frame.
fn class(opcode: OpCode) -> &'static str {
    match opcode {
        OpCode::Continuation => "continuation",
        OpCode::Text => "text",
        OpCode::Binary => "binary",
        OpCode::Close => "close",
        OpCode::Ping => "ping",
        OpCode::Pong => "pong",
        _ => "reserved",
    }
}

fn title(row: &Row, offset: u64) -> String {
    let from = row.from.name();
    let number = row.number.map_or(String::new(), |(unit, n)| format!(", {unit} {n}"));
    format!("byte {offset} from the {from}{number}")
}

/// Renders a violation: the rule, the bytes, and the required answer.
fn shown_finding(row: &Row, finding: &Finding) -> Markup {
    let rule = finding.rule();
    let code = rule.close_code();
    let receiver = row.from.peer();
    html! {
        div.finding {
            h3 { "✗ " (rule) }
            p {
                "At " (title(row, finding.violation.offset)) ": " (rule.text()) " ("
                (sections::link(sections::of(rule))) ")."
            }
            @if let Some(shown) = &finding.shown {
                p {
                    code { (shown.before) " " mark { (shown.bad) } " " (shown.after) }
                    " " (shown.note)
                }
            }
            @for (index, cause) in finding.causes.iter().enumerate() {
                p { (if index == 0 { "Looks like: " } else { "Or like: " }) (plain(cause)) "." }
            }
            @if let Some(inflated) = finding.inflated {
                p { (within(inflated)) }
            } @else if let Some((start, header)) = &finding.header {
                (bits::diagram(header, *start, rule))
            }
            @if finding.violation.reply().is_some() {
                p { "The " (receiver) " must close with " b { (code) } "." }
            } @else {
                p { "The " (receiver) " reports " b { (code) } " to its application." }
            }
            details {
                summary { "Why, and how to resolve it" }
                p { (rule.explain()) }
                p { (rule.resolve()) }
            }
        }
    }
}
