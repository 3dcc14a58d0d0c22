//! The page that runs the cases in a browser.

use std::fmt::Write as _;

use maud::{DOCTYPE, PreEscaped, html};
use serde::Serialize;
use wsvet::generate::Setup;

const STYLE: &str = "\
:root { color-scheme: light dark } \
body { font: 15px/1.45 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem } \
progress { width: 100% }";

/// Opens connection after connection, and sends back what comes, until all is done.
const SCRIPT: &str = "\
const bar = document.querySelector('progress');
const text = document.querySelector('output');
const url = location.href.replace(/^http/, 'ws').replace(/#.*/, '');
async function next() {
  let status;
  try {
    status = await (await fetch('/status', { cache: 'no-store' })).json();
  } catch {
    text.value = 'wsvet listens no more.';
    return;
  }
  if (status.cases) {
    bar.max = status.cases;
    bar.value = status.ran;
    text.value = `${status.ran} of ${status.cases} cases`;
  }
  if (status.done) {
    text.value = 'All is done: wsvet prints the report.';
    return;
  }
  const socket = new WebSocket(url, subprotocols);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = (event) => socket.send(event.data);
  socket.onclose = () => setTimeout(next);
}
next();
";

/// Renders the page.
pub(super) fn page(setup: &Setup) -> String {
    // A subprotocol is a token, which has neither quotes nor `<`.
    let names: Vec<_> = setup.subprotocol.iter().collect();
    let script = format!("const subprotocols = {names:?};\n{SCRIPT}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "wsvet probe" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "wsvet probes this browser" }
                p { progress {} }
                p { output { "Connecting" } }
                noscript { p { "The page needs its script, which opens the connections." } }
                script { (PreEscaped(script)) }
            }
        }
    };
    page.into_string()
}

#[derive(Serialize)]
struct Status {
    done: bool,
    /// The number of cases that are judged.
    ran: usize,
    /// The number of all cases, as soon as it is known.
    cases: Option<usize>,
}

/// Returns the response that says how far the cases are.
pub(super) fn status(done: bool, ran: usize, cases: Option<usize>) -> Vec<u8> {
    let status = Status { done, ran, cases };
    let body = serde_json::to_string(&status).unwrap_or_default();
    response(200, "application/json", &body)
}

/// Returns a response, after which the connection ends.
pub(super) fn response(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} wsvet\r\n");
    for (name, value) in [
        ("Content-Type", content_type),
        ("Content-Length", &body.len().to_string()),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ] {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    (head + "\r\n" + body).into_bytes()
}
