//! Prints the facts about each connection, and how it was closed.

use std::io::{self, Write};

use wsvet::{Role, Verdict};

use crate::report::handshake::uncertainty;
use crate::report::stream::{finding, resolve};
use crate::report::style::{BAD, CLIENT, DIM, GOOD, HEADING, SERVER, paragraph, plain, shorten};
use crate::report::time::{fault, pings, span};
use crate::report::words::{
    UNKNOWN, agreed, ending, http2, reported, request, sent, step, target, verdict,
};
use crate::session::report::{Closing, Opening};

/// The columns of the table of all connections.
pub(super) const COLUMNS: [&str; 7] =
    ["conn", "client", "server", "target", "frames", "bytes", "ended"];

/// The width of the method before the target, in columns.
const METHOD: usize = "GET ".len();

/// The indentation of lines below a connection.
const INDENT: &str = "  ";

/// Returns the line for a connection at its start.
pub(super) fn opening(opening: &Opening, width: usize) -> String {
    let number = opening.connection;
    let [client, server] = addresses(opening);
    let mut text = format!(
        "connection {number}: {CLIENT}client{CLIENT:#}{client}, {SERVER}server{SERVER:#}{server}"
    );
    for what in asked(opening, width) {
        text.push_str(", ");
        text.push_str(&what);
    }
    text
}

/// Returns the known addresses of both endpoints, with a space before each.
fn addresses(opening: &Opening) -> [String; 2] {
    [&opening.client, &opening.server]
        .map(|address| address.as_deref().map_or(String::new(), |text| format!(" {}", plain(text))))
}

/// Returns the request, and the negotiated subprotocol and extensions.
fn asked(opening: &Opening, width: usize) -> Vec<String> {
    let agreement = &opening.agreement;
    // The number of a stream of HTTP/2 stands behind the target, and is never left out.
    let room = (width / 2).saturating_sub(METHOD);
    let target = agreement.target.as_deref().map(|target| shorten(&plain(target), room));
    let target = target.map(|target| request(opening, &target));
    let agreed = agreed(agreement).into_iter().map(|what| shorten(&plain(&what), width / 2));
    target.into_iter().chain(agreed).collect()
}

/// Returns the cells of a connection in the table of all connections.
pub(super) fn cells(closing: &Closing, width: usize) -> [String; COLUMNS.len()] {
    let Closing { opening, sides, .. } = closing;
    let known = |text: &Option<String>| plain(text.as_deref().unwrap_or(UNKNOWN));
    [
        opening.connection.to_string(),
        known(&opening.client),
        known(&opening.server),
        shorten(&plain(target(&opening.agreement)), width / 4),
        sides.iter().map(|side| side.frames).sum::<u64>().to_string(),
        sides.iter().map(|side| side.bytes).sum::<u64>().to_string(),
        ending(closing),
    ]
}

/// Prints the facts about a connection, the steps of its closing, and the verdict.
pub(super) fn closing(out: &mut impl Write, closing: &Closing, width: usize) -> io::Result<()> {
    let Closing { opening, timeline, sides, .. } = closing;
    let number = opening.connection;
    let asked = asked(opening, width).join(", ");
    let colon = if asked.is_empty() { "" } else { ": " };
    paragraph(out, "", &format!("connection {number}{colon}{asked}"))?;
    for (side, address) in sides.iter().zip(addresses(opening)) {
        let style = if side.from == Role::Client { CLIENT } else { SERVER };
        let text = format!("{style}{}{style:#}{address} {}", side.from, sent(side));
        paragraph(out, INDENT, &text)?;
    }
    if let Some(uncertain) = &opening.agreement.uncertain {
        paragraph(out, INDENT, &uncertainty(uncertain))?;
    }
    for text in http2(opening) {
        paragraph(out, INDENT, &text)?;
    }
    for text in pings(closing) {
        paragraph(out, INDENT, &text)?;
    }
    for said in &closing.reported {
        let mark = if said.failed { format!("{BAD}✗{BAD:#} ") } else { String::new() };
        paragraph(out, INDENT, &format!("{mark}{}", plain(&reported(said))))?;
    }
    for found in &closing.findings {
        let lapse = found.lapse;
        paragraph(out, INDENT, &format!("{BAD}✗ {lapse}{BAD:#}: {}", finding(opening, found)))?;
        for text in [&fault(found), resolve(opening, lapse)] {
            paragraph(out, &format!("{INDENT}  "), text)?;
        }
    }
    if let Some(first) = timeline.first() {
        for happened in timeline {
            let after = span(happened.at.saturating_sub(first.at));
            let text = format!("{DIM}{after:>9}{DIM:#}  {}", step(closing, happened));
            paragraph(out, INDENT, &text)?;
        }
    }
    let style = match closing.verdict {
        Verdict::Open if !closing.has_failed() => HEADING,
        _ if closing.is_in_order() => GOOD,
        _ => BAD,
    };
    paragraph(out, "", &format!("{style}connection {number}{style:#}: {}", verdict(closing)))
}
