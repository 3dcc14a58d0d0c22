//! Renders the page: a table of all connections, then the facts and the diagram of each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, SystemTime};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use wsvet::{Role, Verdict};

use super::diagram;
use super::kept::{Input, Kept, What};
use super::sections::{self, Section};
use crate::report::handshake::handshake;
use crate::report::style::{plain, shorten};
use crate::report::time::{finding, pings, span};
use crate::report::words::{
    UNKNOWN, agreed, count, ending, found, reported, sent, step, target, verdict,
};
use crate::session::report::{Closing, Side, Tally};

const STYLE: &str = include_str!("style.css");

/// The policy of the page: nothing may be loaded, and nothing may run.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The most columns of a target.
const TARGET: usize = 120;

/// The entries of the legend for the colours of the arrows.
const LEGEND: [&str; 6] = ["text", "binary", "continuation", "ping", "close", "tcp"];

/// Renders the whole page.
pub(super) fn page(inputs: &[Input], connections: &BTreeMap<usize, Kept>, tally: &Tally) -> Markup {
    let name = match inputs {
        [input] => plain(&input.name),
        inputs => count(inputs.len() as u64, "input"),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (name) " – wsvet" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (name) }
                    @let [good, bad] = found(tally);
                    p {
                        @if let Some(good) = good { span.good { "✓ " (good) } " " }
                        @if let Some(bad) = bad { span.bad { "✗ " (bad) } " " }
                        "(" (count(tally.frames, "complete frame")) " in "
                        (count(tally.connections as u64, "connection")) ")"
                    }
                    @for input in inputs {
                        @if let Some(read_as) = &input.read_as {
                            p.note { (plain(&input.name)) ": " (plain(read_as)) }
                        }
                        @for notice in &input.notices {
                            p.note { (plain(&input.name)) ": " (plain(notice)) }
                        }
                    }
                    ul.legend {
                        @for kind in LEGEND { li class=(kind) { (meaning(kind)) } }
                    }
                }
                @if connections.len() > 1 { (table(connections)) }
                @for (number, kept) in connections {
                    (connection(*number, kept, inputs))
                }
                (sections::texts(&linked(connections)))
                footer {
                    p.note { "Written by wsvet " (env!("CARGO_PKG_VERSION")) "." }
                }
            }
        }
    }
}

fn meaning(kind: &str) -> &str {
    match kind {
        "ping" => "ping, pong",
        "tcp" => "end of the TCP connection",
        kind => kind,
    }
}

/// Renders the table of all connections.
fn table(connections: &BTreeMap<usize, Kept>) -> Markup {
    html! {
        div.scroll {
            table.all {
                thead {
                    tr {
                        th.number { "conn" }
                        th { "ended" }
                        th.wide { "client" } th.wide { "server" } th { "target" }
                        th.number { "frames" } th.number.wide { "bytes" }
                    }
                }
                tbody {
                    @for (number, kept) in connections {
                        @if let Some(closing) = &kept.closing {
                            tr {
                                td.number { a href={ "#connection-" (number) } { (number) } }
                                td.(class(closing)) { (ending(closing)) }
                                td.wide { (known(&closing.opening.client)) }
                                td.wide { (known(&closing.opening.server)) }
                                td { (shorten(&plain(target(&closing.opening.agreement)), TARGET)) }
                                td.number { (sum(closing, |side| side.frames)) }
                                td.number.wide { (sum(closing, |side| side.bytes)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the sum over both endpoints.
fn sum(closing: &Closing, of: impl Fn(&Side) -> u64) -> u64 {
    closing.sides.iter().map(of).sum()
}

/// Renders a connection: its verdict, its facts and its diagram.
fn connection(number: usize, kept: &Kept, inputs: &[Input]) -> Markup {
    html! {
        section id={ "connection-" (number) } {
            h2 {
                "Connection " (number)
                @if inputs.len() > 1 { " of " (plain(&inputs[kept.input].name)) }
            }
            @if let Some(closing) = &kept.closing {
                p.verdict.(class(closing)) { (verdict(closing)) }
                (facts(closing))
            }
            @if kept.without_diagram {
                p.note { "The frames of this connection are not shown: the page has too many connections." }
            } @else {
                (diagram::diagram(kept))
            }
        }
    }
}

fn facts(closing: &Closing) -> Markup {
    let Closing { opening, sides, timeline, .. } = closing;
    let agreed = agreed(&opening.agreement);
    html! {
        dl {
            dt { "opened" } dd { "GET " (shorten(&plain(target(&opening.agreement)), TARGET)) (date(opening.time)) }
            @if !agreed.is_empty() {
                dt { "negotiated" } dd { (plain(&agreed.join(", "))) }
            }
            @for found in &opening.agreement.found {
                @let told = handshake(found, &opening.agreement);
                dt { "handshake" }
                dd {
                    @if let Some((rule, from)) = told.broken {
                        span.bad { "✗ " (rule.id()) } " from the " (from) ": "
                    }
                    (plain(&told.text))
                    @if let Some((rule, _)) = told.broken { " (RFC " (rule.rfc()) " §" (rule.section()) ")" }
                    @if let Some(due) = told.due { div { (due) } }
                }
            }
            @for side in sides {
                @let address = match side.from {
                    Role::Client => &opening.client,
                    Role::Server => &opening.server,
                };
                dt { (side.from) }
                dd { @if let Some(address) = address { (plain(address)) " " } (sent(side)) }
            }
            @for text in pings(closing) { dt { "pings" } dd { (text) } }
            @for said in &closing.reported {
                dt { "reported" }
                dd { @if said.failed { span.bad { "✗ " } } (plain(&reported(said))) }
            }
            @for found in &closing.findings {
                dt { "neglected" }
                dd {
                    span.bad { "✗ " (found.lapse) } ": " (finding(found)) " ("
                    (sections::link(sections::of_lapse(found.lapse))) ")"
                    div { (found.lapse.resolve()) }
                }
            }
            @if let Some(first) = timeline.first() {
                dt { "closing" }
                dd {
                    @for happened in timeline {
                        div { "+" (span(happened.at.saturating_sub(first.at))) " " (step(closing, happened)) }
                    }
                }
            }
        }
    }
}

fn known(text: &Option<String>) -> String {
    plain(text.as_deref().unwrap_or(UNKNOWN))
}

/// Formats a time as a date, if the clock of the input is a calendar.
fn date(time: Duration) -> String {
    // Earlier times are not dates, and humantime formats dates up to the year 9999.
    const DATES: Range<Duration> =
        Duration::from_secs(86_400)..Duration::from_secs(253_402_300_800);
    if !DATES.contains(&time) {
        return String::new();
    }
    format!(", {}", humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + time))
}

fn class(closing: &Closing) -> &'static str {
    match closing.verdict {
        Verdict::Open if !closing.has_failed() => "open",
        _ if closing.is_in_order() => "good",
        _ => "bad",
    }
}

/// Returns the sections that the page links to.
fn linked(connections: &BTreeMap<usize, Kept>) -> BTreeSet<Section> {
    let rows = connections.values().flat_map(|kept| kept.first.iter().chain(&kept.last));
    let broken = rows.filter_map(|row| match &row.what {
        What::Broken(finding) => Some(sections::of(finding.rule())),
        _ => None,
    });
    let closings = connections.values().filter_map(|kept| kept.closing.as_ref());
    let findings = closings.flat_map(|closing| &closing.findings);
    broken.chain(findings.map(|found| sections::of_lapse(found.lapse))).collect()
}
