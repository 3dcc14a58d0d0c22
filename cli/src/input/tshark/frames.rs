//! The frames of connections that tshark decrypted, as its fields describe them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use serde_json::json;
use wsvet::{Header, Role};

use super::pairs::{Pairs, bytes, text};
use crate::input::har::{Entry, Line, Request, Response, Row, Told, header_alone, recorded};
use crate::session::agreement::Uncertain;
use crate::session::judging::Judging;
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Moment;

/// The connections by the numbers of their TCP streams.
#[derive(Default)]
pub(super) struct Dissected {
    streams: BTreeMap<u64, Stream>,
}

/// A connection.
#[derive(Default)]
struct Stream {
    /// The client, if the opening handshake tells it.
    client: Option<SocketAddr>,
    request: Option<Request>,
    response: Option<Response>,
    started: Option<f64>,
    frames: Vec<(SocketAddr, SocketAddr, Moment, Field)>,
}

/// What the fields say of a frame.
struct Field {
    header: Header,
    /// The payload, without its mask.
    payload: Option<Vec<u8>>,
}

impl Dissected {
    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Takes the layers of a packet.
    pub(super) fn packet(
        &mut self,
        stream: u64,
        at: Moment,
        [from, to]: [SocketAddr; 2],
        layers: &Pairs<'_>,
    ) {
        let stream = self.streams.entry(stream).or_default();
        stream.started.get_or_insert(at.time.as_secs_f64());
        if let Some(http) = layers.object("http") {
            stream.http([from, to], &http);
        }
        let mut data = layers.all("data").map(|data| Pairs::parse(data).text("data.data"));
        let raws: Vec<_> = layers.all("websocket_raw").filter_map(text).collect();
        for (index, websocket) in layers.all("websocket").enumerate() {
            let fields = Pairs::parse(websocket);
            let whole = raws.get(index).and_then(|digits| bytes(digits));
            if let Some(field) = field(&fields, whole.as_deref(), &mut data) {
                stream.frames.push((from, to, at, field));
            }
        }
    }

    /// Judges the connections. Returns the number of payloads that are not known.
    pub(super) fn judge(self, judging: &mut Judging<'_>) -> io::Result<u64> {
        let mut unknown = 0;
        for stream in self.streams.into_values() {
            let Some(client) = stream.client() else { continue };
            let server = stream.frames.iter().find_map(|(from, to, ..)| {
                if *from == client { Some(*to) } else { (*to == client).then_some(*from) }
            });
            let uncertain = stream.lacks().map(|why| Uncertain { why, skipped: [Some(0); 2] });
            let entry = Entry {
                uncertain,
                started_date_time: stream.started.map(|started| json!(started)),
                request: stream.request,
                response: stream.response,
                server: server.map(|server| server.to_string()),
                messages: Some(Vec::new()),
                ..Entry::default()
            };
            let rows: Vec<Row<'_>> = stream
                .frames
                .into_iter()
                .map(|(from, _, at, Field { header, payload })| {
                    let from = if from == client { Role::Client } else { Role::Server };
                    let told = match payload {
                        Some(payload) => Told::Frame(from, header, Cow::Owned(payload)),
                        None => {
                            unknown += 1;
                            header_alone(from, header)
                        }
                    };
                    (Some(at.time), Ok(told))
                })
                .collect();
            recorded(&entry, rows, &mut |_| {}, judging)?;
        }
        Ok(unknown)
    }
}

impl Stream {
    /// Returns the client: the endpoint that asked for the upgrade or masked the first frame.
    fn client(&self) -> Option<SocketAddr> {
        let masked = self.frames.iter().find(|(.., field)| field.header.is_masked());
        let unmasked = self.frames.first();
        self.client
            .or_else(|| masked.map(|(from, ..)| *from))
            .or_else(|| unmasked.map(|(_, to, ..)| *to))
    }

    /// Returns which part of the opening handshake the file lacks, if RSV bits are set, which an extension
    /// defines. A display filter may have left it out.
    fn lacks(&self) -> Option<Unjudged> {
        if self.frames.iter().all(|(.., field)| field.header.rsv() == 0) {
            return None;
        }
        match (&self.request, &self.response) {
            (None, None) => Some(Unjudged::Begun),
            (Some(_), None) => Some(Unjudged::NoAnswer),
            (None, Some(_)) => Some(Unjudged::NoRequest),
            (Some(_), Some(_)) => None,
        }
    }

    /// Takes the head of a request or a response.
    fn http(&mut self, [from, _]: [SocketAddr; 2], http: &Pairs<'_>) {
        let lines = |key: &str| {
            let line = |line: String| {
                let (name, value) = line.split_once(':')?;
                Some(Line { name: Some(name.to_owned()), value: Some(value.trim().to_owned()) })
            };
            http.all(key).filter_map(text).filter_map(line).collect::<Vec<_>>()
        };
        // `-T json` has the fields of the first line in an object with the name of that line.
        let mut names = http.iter().map(|(name, _)| name);
        let first = names.find(|name| name.contains(" HTTP/1.") || name.starts_with("HTTP/1."));
        let first = first.and_then(|name| http.object(name));
        let field =
            |key: &str| first.as_ref().and_then(|first| first.text(key)).or_else(|| http.text(key));
        let request = || Some((field("http.request.method")?, field("http.request.uri")?));
        if let Some(status) = field("http.response.code") {
            let headers = Some(lines("http.response.line"));
            self.response =
                Some(Response { status: status.parse().ok(), headers, ..Response::default() });
        } else if let Some((method, target)) = request() {
            let headers = lines("http.request.line");
            let host = headers.iter().find(|line| {
                line.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("host"))
            });
            let host = host.and_then(|line| line.value.as_deref()).unwrap_or_default();
            let url = format!("https://{host}{target}");
            self.client = Some(from);
            self.request =
                Some(Request { method: Some(method), url: Some(url), headers: Some(headers) });
        }
    }
}

/// Returns what the fields of a frame say. `whole` has its bytes, if they are there, and `data` the
/// payloads that the dissector did not understand.
fn field(
    fields: &Pairs<'_>,
    whole: Option<&[u8]>,
    data: &mut dyn Iterator<Item = Option<String>>,
) -> Option<Field> {
    if let Some((header, payload)) = whole.and_then(|whole| Header::decode(whole).ok()) {
        let len = usize::try_from(header.payload_len()).ok();
        if let Some(payload) = len.and_then(|len| payload.get(..len)) {
            let mut payload = payload.to_vec();
            if let Some(key) = header.masking_key() {
                wsvet::mask::apply(key, 0, &mut payload);
            }
            return Some(Field { header, payload: Some(payload) });
        }
    }
    let fin = fields.number("websocket.fin")? & 1;
    let rsv = fields.number("websocket.rsv").unwrap_or_default() & 7;
    let opcode = fields.number("websocket.opcode")? & 15;
    let masked = fields.number("websocket.mask").unwrap_or_default() & 1;
    let extended = ["websocket.payload_length_ext_64", "websocket.payload_length_ext_16"];
    let extended = extended.iter().find_map(|key| fields.number(key));
    let len = extended.or_else(|| fields.number("websocket.payload_length"))?;
    let first = (fin << 7 | rsv << 4 | opcode) as u8;
    let short = match len {
        0..126 => len as u8,
        126..0x1_0000 => 126,
        _ => 127,
    };
    let header = Header::from_wire(first, (masked << 7) as u8 | short, len, [0; 4]);
    let inside = fields.inside("websocket.payload");
    let known = || {
        let inside = inside.as_ref()?;
        let text = |key: &str| inside.text(&format!("websocket.payload.{key}"));
        if let Some(close) = inside.inside("websocket.payload.close") {
            let code = close.number("websocket.payload.close.status_code")? as u16;
            let reason = close.text("websocket.payload.close.reason").unwrap_or_default();
            return Some([&code.to_be_bytes(), reason.as_bytes()].concat());
        }
        let hex = ["binary", "ping", "pong", "continue"].iter().find_map(|key| text(key));
        text("text").map(String::into_bytes).or_else(|| bytes(&hex?))
    };
    // The replacement of what is not UTF-8 has another length.
    let fits = |payload: &Vec<u8>| payload.len() as u64 == len;
    let raw = || fields.all("websocket.payload_raw").filter_map(text).find_map(|hex| bytes(&hex));
    let payload = if len == 0 { Some(Vec::new()) } else { raw().filter(fits) };
    // Of a compressed frame, the fields have the inflated payload, which may have the same length.
    let fits = |payload: &Vec<u8>| fits(payload) && rsv & 4 == 0;
    let payload = payload.or_else(|| known().filter(fits));
    let payload =
        payload.or_else(|| data.next().flatten().and_then(|hex| bytes(&hex)).filter(fits));
    Some(Field { header, payload })
}
