//! Measures the speed and the memory of `wsvet check` with a generated capture of a gigabyte, and of
//! tshark if it is installed.
//!
//! ```sh
//! cargo bench -p wsvet-cli --bench capture              # 1,000 MB of payload
//! cargo bench -p wsvet-cli --bench capture -- 50        # 50 MB of payload
//! ```
//!
//! Linux only: the memory is read from `/proc`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use etherparse::PacketBuilder;
use wsvet::FrameRef;
use wsvet_cli::command::mix;

/// The number of connections that are open at the same time.
const AT_ONCE: usize = 16;

/// The largest payload of a TCP segment on Ethernet, in bytes.
const SEGMENT: usize = 1_448;

const REQUEST: &[u8] =
    b"GET /mix HTTP/1.1\r\nHost: server\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

fn main() -> io::Result<()> {
    let megabytes = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000u64);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{megabytes}-MB.pcap"));
    let payload = write(&path, megabytes * 1_000_000)?;
    let name = path.display();
    println!("{name}: {} MB of payload", payload / 1_000_000);
    let ours = env!("CARGO_BIN_EXE_wsvet");
    let path = path.to_string_lossy();
    let fields: Vec<&str> =
        "-T fields -e frame.number -e websocket.opcode -e websocket.payload_length \
         -Y websocket -n -r"
            .split_whitespace()
            .chain([&*path])
            .collect();
    let runs: [(&str, &str, &[&str]); 4] = [
        ("wsvet check", ours, &["check", &path]),
        ("wsvet check --summary", ours, &["check", "--summary", &path]),
        ("wsvet check --json", ours, &["check", "--json", &path]),
        ("tshark -T fields", "tshark", &fields),
    ];
    for (name, program, args) in runs {
        match run(program, args) {
            Ok(run) => println!("{name:<24} {run} {:>6.0} MB/s", run.rate(payload)),
            Err(error) => println!("{name:<24} cannot run: {error}"),
        }
    }
    Ok(())
}

/// The duration of a run, and its memory at each quarter of this time in bytes.
struct Run {
    time: Duration,
    memory: [u64; 4],
}

impl Run {
    fn rate(&self, payload: u64) -> f64 {
        payload as f64 / 1e6 / self.time.as_secs_f64()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>7.2} s, MB of memory at each quarter", self.time.as_secs_f64())?;
        self.memory.iter().try_for_each(|memory| write!(f, " {:>5.1}", *memory as f64 / 1e6))
    }
}

/// Runs a program to its end, and discards its output.
fn run(program: &str, args: &[&str]) -> io::Result<Run> {
    let mut child =
        Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let start = Instant::now();
    let mut samples = Vec::new();
    while child.try_wait()?.is_none() {
        samples.extend(resident(child.id()));
        std::thread::sleep(Duration::from_millis(10));
    }
    let time = start.elapsed();
    let quarter = |n: usize| samples.get((samples.len() * n / 4).saturating_sub(1)).copied();
    Ok(Run { time, memory: [1, 2, 3, 4].map(|n| quarter(n).unwrap_or_default()) })
}

/// Returns the resident memory of a process in bytes.
fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Writes groups of [`AT_ONCE`] connections until they have enough payload. Returns how much.
fn write(path: &Path, payload: u64) -> io::Result<u64> {
    let mut out = Capture { out: BufWriter::new(File::create(path)?), packets: 0 };
    out.header()?;
    let mix = mix::wire();
    let mut rest = &mix[..];
    let mut of_mix = 0;
    while let Ok((frame, after)) = FrameRef::decode(rest) {
        of_mix += frame.payload.len() as u64;
        rest = after;
    }
    let mut written = 0;
    let mut port = 10_000u16;
    while written < payload {
        let mut open: Vec<_> = (0..AT_ONCE).map(|n| Sender::new(port + n as u16)).collect();
        port = if port > 60_000 { 10_000 } else { port + AT_ONCE as u16 };
        for sender in &mut open {
            sender.sends(&mut out, 0, "S", b"")?;
            sender.sends(&mut out, 1, "SA", b"")?;
            sender.sends(&mut out, 0, "A", REQUEST)?;
            sender.sends(&mut out, 1, "A", ANSWER)?;
        }
        for segment in mix.chunks(SEGMENT) {
            for sender in &mut open {
                sender.sends(&mut out, 0, "A", segment)?;
            }
        }
        for sender in &mut open {
            sender.sends(&mut out, 0, "A", b"\x88\x82\0\0\0\0\x03\xE8")?;
            sender.sends(&mut out, 1, "FA", b"\x88\x02\x03\xE8")?;
            sender.sends(&mut out, 0, "FA", b"")?;
        }
        written += AT_ONCE as u64 * of_mix;
    }
    out.out.flush()?;
    Ok(written)
}

/// The two endpoints of a TCP connection.
struct Sender {
    port: u16,
    next: [u32; 2],
}

impl Sender {
    fn new(port: u16) -> Self {
        Self { port, next: [1, 1] }
    }

    /// Writes a segment of one endpoint: 0 is the client, 1 is the server.
    fn sends(
        &mut self,
        out: &mut Capture,
        end: usize,
        flags: &str,
        payload: &[u8],
    ) -> io::Result<()> {
        let ip = |end: usize| [10, 0, 0, 1 + end as u8];
        let ports = [self.port, 80];
        let mut packet = PacketBuilder::ethernet2([2; 6], [2; 6])
            .ipv4(ip(end), ip(1 - end), 64)
            .tcp(ports[end], ports[1 - end], self.next[end], u16::MAX);
        for flag in flags.chars() {
            packet = match flag {
                'S' => packet.syn(),
                'F' => packet.fin(),
                _ => packet.ack(self.next[1 - end]),
            };
        }
        let takes = flags.contains(['S', 'F']);
        self.next[end] = self.next[end].wrapping_add(payload.len() as u32 + u32::from(takes));
        let mut bytes = Vec::with_capacity(packet.size(payload.len()));
        packet.write(&mut bytes, payload).map_err(io::Error::other)?;
        out.packet(&bytes)
    }
}

/// A writer of a capture with a packet every ten microseconds.
struct Capture {
    out: BufWriter<File>,
    packets: u32,
}

impl Capture {
    fn header(&mut self) -> io::Result<()> {
        self.words(&[0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, 1])
    }

    fn packet(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u32;
        let (seconds, microseconds) = (self.packets / 100_000, self.packets % 100_000 * 10);
        self.packets += 1;
        self.words(&[1_700_000_000 + seconds, microseconds, len, len])?;
        self.out.write_all(bytes)
    }

    fn words(&mut self, words: &[u32]) -> io::Result<()> {
        words.iter().try_for_each(|word| self.out.write_all(&word.to_le_bytes()))
    }
}
