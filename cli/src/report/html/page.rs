//! Renders the parts of the page: a table of all connections, then the facts and the diagram of
//! each.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use wsvet::{Role, Verdict};

use super::diagram;
use super::head::head;
use super::kept::{Input, Kept};
use super::sections::{self, Section};
use crate::report::handshake::{handshake, uncertainty};
use crate::report::stream::{finding, resolve};
use crate::report::style::{plain, shorten};
use crate::report::time::{pings, span};
use crate::report::words::{
    UNKNOWN, agreed, count, ending, found, http2, reported, request, sent, step, target, verdict,
};
use crate::session::report::{Closing, Side, Tally};

const STYLE: &str = include_str!("style.css");

/// The most columns of a target.
const TARGET: usize = 120;

/// The entries of the legend for the colours of the arrows.
const LEGEND: [&str; 6] = ["text", "binary", "continuation", "ping", "close", "tcp"];

/// The place in a part at which other parts follow. No text on the page has this character.
const HERE: &str = "\0";

/// Splits a part at the place at which other parts follow.
pub(super) fn around(part: &str) -> (&str, &str) {
    part.split_once(HERE).unwrap_or((part, ""))
}

/// Renders the page around its connections, with links to these sections.
pub(super) fn page(inputs: &[Input], linked: &BTreeSet<Section>, tally: &Tally) -> Markup {
    let name = match inputs {
        [input] => plain(&input.name),
        inputs => count(inputs.len() as u64, "input"),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{name} – wsvet"), STYLE))
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
                        @for (why, group) in input.strays.iter() {
                            p.note { (plain(&input.name)) ": " (group.sentence(why)) }
                        }
                    }
                    ul.legend {
                        @for kind in LEGEND { li class=(kind) { (meaning(kind)) } }
                    }
                }
                (PreEscaped(HERE))
                (sections::texts(linked))
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
        "tcp" => "end of the connection",
        kind => kind,
    }
}

/// Renders the table of all connections around its rows.
pub(super) fn table() -> Markup {
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
                tbody { (PreEscaped(HERE)) }
            }
        }
    }
}

/// Renders the row of a connection in the table.
pub(super) fn row(number: usize, closing: &Closing) -> Markup {
    html! {
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

/// Returns the sum over both endpoints.
fn sum(closing: &Closing, of: impl Fn(&Side) -> u64) -> u64 {
    closing.sides.iter().map(of).sum()
}

/// Renders the section of a connection around its content. `of` is its input, if there are several.
pub(super) fn section(number: usize, of: Option<&Input>) -> Markup {
    html! {
        section id={ "connection-" (number) } {
            h2 {
                "Connection " (number)
                @if let Some(input) = of { " of " (plain(&input.name)) }
            }
            (PreEscaped(HERE))
        }
    }
}

/// Renders what the section of a connection has: its verdict, its facts and its diagram.
pub(super) fn content(closing: &Closing, kept: &Kept) -> Markup {
    html! {
        p.verdict.(class(closing)) { (verdict(closing)) }
        (facts(closing))
        @if kept.without_diagram {
            p.note { "The frames of this connection are not shown: the page has too many connections." }
        } @else {
            (diagram::diagram(kept))
        }
    }
}

fn facts(closing: &Closing) -> Markup {
    let Closing { opening, sides, timeline, .. } = closing;
    let agreed = agreed(&opening.agreement);
    html! {
        dl {
            dt { "opened" } dd {
                (request(opening, &shorten(&plain(target(&opening.agreement)), TARGET)))
                (date(opening.time))
            }
            @if !agreed.is_empty() {
                dt { "negotiated" } dd { (plain(&agreed.join(", "))) }
            }
            @if let Some(uncertain) = &opening.agreement.uncertain {
                dt { "uncertain" } dd { (uncertainty(uncertain)) }
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
            @for text in http2(opening) { dt { "HTTP/2" } dd { (text) } }
            @for text in pings(closing) { dt { "pings" } dd { (text) } }
            @for said in &closing.reported {
                dt { "reported" }
                dd { @if said.failed { span.bad { "✗ " } } (plain(&reported(said))) }
            }
            @for found in &closing.findings {
                dt { "neglected" }
                dd {
                    span.bad { "✗ " (found.lapse) } ": " (finding(&closing.opening, found)) " ("
                    (sections::link(sections::of_lapse(found.lapse))) ")"
                    div { (resolve(&closing.opening, found.lapse)) }
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
