//! `wsvet bench`: measures how fast this machine decodes and judges frames, stage by stage.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;
use wsvet::{FrameMut, Header, Policy, Role, StreamDecoder, Validator, mask};

use crate::command::args::Bench;
use crate::command::mix::{self, push};
use crate::command::status::Status;
use crate::input;
use crate::report::style::{list, paragraph};
use crate::session::agreement::HandshakeFinding;
use crate::session::cause::Causes;
use crate::session::judging::{Judging, Thoroughness};
use crate::session::limits::Limits;
use crate::session::record::Record;
use crate::session::report::{Closing, Gap, Opening, Place, ReadAs, Report, Tally};

/// The shortest duration of a measurement, so that the resolution of the clock does not matter.
const AT_LEAST: Duration = Duration::from_millis(4);

/// Measures the frames of the inputs, or the built-in mix.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Bench,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    let mut unusable = 0;
    let streams = if args.inputs.is_empty() {
        vec![Stream::new(Policy::new(Role::Server), mix::wire())]
    } else {
        let mut replay = Replay::default();
        // Whole payloads are kept, because whole frames are replayed.
        let thoroughness = Thoroughness { keep_going: false, payload: true };
        let mut judging = Judging::new(Limits::NONE, thoroughness, &mut replay);
        input::judge_all(&args.inputs, &args.reading, true, false, &mut judging, complain)?;
        unusable = judging.tally.unusable;
        replay.into_streams()
    };
    if unusable > 0 || streams.is_empty() {
        complain(
            "nothing was measured: an input could not be read, or no input has complete frames",
        );
        return Ok(Status::Unusable);
    }
    print(out, &streams, args.repetitions, args.json).map(|()| Status::Fine)
}

/// One direction of a connection in memory, for replay.
struct Stream {
    policy: Policy,
    /// The bytes as on the wire.
    wire: Vec<u8>,
    /// Each header, and the position of its payload.
    frames: Vec<(Header, usize)>,
    /// The same bytes, unmasked.
    plain: Vec<u8>,
}

impl Stream {
    /// Creates a stream of the complete frames in `wire`.
    fn new(policy: Policy, wire: Vec<u8>) -> Self {
        let mut plain = wire.clone();
        let mut frames = Vec::new();
        let mut rest = &mut plain[..];
        let mut at = 0;
        while let Ok((frame, after)) = FrameMut::decode(rest) {
            let frame = frame.unmask();
            frames.push((frame.header, at + frame.header.header_len()));
            at += frame.header.header_len() + frame.payload.len();
            rest = after;
        }
        Self { policy, wire, frames, plain }
    }
}

/// A report that stores the frames for replay.
#[derive(Default)]
struct Replay {
    directions: BTreeMap<(usize, Role), Vec<u8>>,
    deflate: Vec<usize>,
}

impl Replay {
    /// Returns each direction that has frames, with the policy of its receiver.
    fn into_streams(self) -> Vec<Stream> {
        let Self { directions, deflate } = self;
        directions
            .into_iter()
            .map(|((connection, from), wire)| {
                let negotiated = deflate.contains(&connection);
                Stream::new(Policy::new(from.peer()).permessage_deflate(negotiated), wire)
            })
            .collect()
    }
}

impl Report for Replay {
    fn input(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn read_as(&mut self, _: &ReadAs) -> io::Result<()> {
        Ok(())
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        if opening.agreement.permessage_deflate().is_some() {
            self.deflate.push(opening.connection);
        }
        Ok(())
    }

    fn handshake(&mut self, _: &Opening, _: &HandshakeFinding) -> io::Result<()> {
        Ok(())
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        if let Record::Frame(frame) = record {
            let wire = self.directions.entry((place.connection, place.from)).or_default();
            push(wire, &frame.header, frame.payload);
        }
        Ok(())
    }

    fn causes(&mut self, _: &Causes) -> io::Result<()> {
        Ok(())
    }

    fn gap(&mut self, _: &Place, _: &Gap) -> io::Result<()> {
        Ok(())
    }

    fn verdict(&mut self, _: &Rc<Closing>) -> io::Result<()> {
        Ok(())
    }

    fn end_of_input(&mut self, _: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        Ok(())
    }
}

/// The measured stages: each one alone, then all together as in a receiver.
const STAGES: [(&str, &str, Stage); 4] = [
    ("header", "decode every header", headers),
    ("unmask", "unmask every payload in place", unmask),
    ("validate", "judge every header and unmasked payload", validate),
    ("all", "decode, unmask and judge the stream", all),
];

/// A function that processes the stream once. `work` has the bytes, and may be changed.
type Stage = fn(&Stream, &mut [u8]);

fn headers(stream: &Stream, work: &mut [u8]) {
    let mut rest = &*work;
    while let Ok((header, after)) = Header::decode(rest) {
        rest = &after[black_box(header).payload_len() as usize..];
    }
    debug_assert!(rest.is_empty(), "{} bytes of {}", rest.len(), stream.wire.len());
}

fn unmask(stream: &Stream, work: &mut [u8]) {
    for (header, start) in &stream.frames {
        if let Some(key) = header.masking_key() {
            let payload = &mut work[*start..*start + header.payload_len() as usize];
            mask::apply(key, 0, black_box(payload));
        }
    }
}

fn validate(stream: &Stream, _: &mut [u8]) {
    let mut validator = Validator::new(stream.policy);
    for (header, start) in &stream.frames {
        let payload = &stream.plain[*start..*start + header.payload_len() as usize];
        let judged = validator.frame(black_box(header), black_box(payload));
        debug_assert!(judged.is_ok(), "{judged:?}");
    }
}

fn all(stream: &Stream, work: &mut [u8]) {
    let mut decoder = StreamDecoder::new(stream.policy);
    let mut chunk = work;
    while !chunk.is_empty() {
        let Ok((used, event)) = decoder.decode(chunk) else { break };
        black_box(event);
        chunk = &mut chunk[used..];
    }
    debug_assert!(chunk.is_empty(), "{:?}", decoder.validator().violation());
}

/// Measures every stage, and prints a table, or one JSON object per line.
fn print(out: &mut impl Write, streams: &[Stream], repetitions: u32, json: bool) -> io::Result<()> {
    let frames: usize = streams.iter().map(|stream| stream.frames.len()).sum();
    let bytes: usize = streams.iter().map(|stream| stream.wire.len()).sum();
    if !json {
        let what = format!(
            "{frames} frames, {bytes} bytes including headers. Measurements of each stage: \
             {repetitions}, in memory and on one core."
        );
        paragraph(out, "", &what)?;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["stage", "ns/frame", "min", "max", "frames/s", "MB/s", ""]);
    for (name, what, stage) in STAGES {
        let mut times: Vec<f64> = (0..repetitions).map(|_| measure(streams, stage)).collect();
        times.sort_by(f64::total_cmp);
        // Seconds for all frames of all streams.
        let (min, median, max) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        let per_frame = |seconds: f64| seconds * 1e9 / frames as f64;
        let (frames_per_second, bytes_per_second) = (frames as f64 / median, bytes as f64 / median);
        if json {
            let line = json!({
                "event": "bench",
                "stage": name,
                "frames": frames,
                "bytes": bytes,
                "repetitions": repetitions,
                "ns_per_frame": per_frame(median),
                "ns_per_frame_min": per_frame(min),
                "ns_per_frame_max": per_frame(max),
                "frames_per_second": frames_per_second,
                "bytes_per_second": bytes_per_second,
            });
            writeln!(out, "{line}")?;
        } else {
            table.add_row([
                name.to_owned(),
                format!("{:.2}", per_frame(median)),
                format!("{:.2}", per_frame(min)),
                format!("{:.2}", per_frame(max)),
                format!("{frames_per_second:.0}"),
                format!("{:.0}", bytes_per_second / 1e6),
                what.to_owned(),
            ]);
        }
    }
    if json {
        return Ok(());
    }
    for column in table.column_iter_mut().skip(1).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out)?;
    list(out, &table)?;
    writeln!(out)?;
    let note = "ns/frame is the median. MB are millions of bytes of the stream. Compare only \
        figures of the same run: the speed of a machine changes.";
    paragraph(out, "", note)
}

/// Returns the seconds that a stage takes for all streams.
fn measure(streams: &[Stream], stage: Stage) -> f64 {
    let mut work: Vec<Vec<u8>> = streams.iter().map(|stream| stream.wire.clone()).collect();
    let (mut spent, mut rounds) = (Duration::ZERO, 0u32);
    while spent < AT_LEAST {
        for (stream, work) in streams.iter().zip(&mut work) {
            work.copy_from_slice(&stream.wire);
            let start = Instant::now();
            stage(stream, black_box(work));
            spent += start.elapsed();
        }
        rounds += 1;
    }
    spent.as_secs_f64() / f64::from(rounds)
}
