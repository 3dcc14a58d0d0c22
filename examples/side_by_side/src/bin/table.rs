//! Prints the table of the servers side by side, in Markdown. It builds each from nothing first.
//!
//! ```sh
//! cargo run --release --features table --bin table [SERVER...]
//! ```

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{array, env, fs};

use wsvet::endpoint::sync::WebSocket;
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{CloseFrame, Header, OpCode, Policy, Role};

/// The servers: the names of their features and programs.
const SERVERS: [&str; 6] =
    ["wsvet", "wsvet-sync", "axum", "tokio-tungstenite", "tokio-websockets", "fastwebsockets"];

/// How long a server has to answer a breach.
const LIMIT: Duration = Duration::from_secs(2);

/// A breach: its name, the target of the request, the close code that is due, and the bytes.
type Breach = (&'static str, &'static str, u16, Vec<u8>);

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = folder.join("target/side_by_side");
    let mut rows: Vec<Vec<String>> = Vec::new();
    let wanted: Vec<String> = env::args().skip(1).collect();
    let is_wanted = |name: &&str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    for name in SERVERS.into_iter().filter(is_wanted) {
        eprintln!("{name} ...");
        let source = fs::read_to_string(folder.join(format!("src/bin/{name}.rs")))?;
        let lines = source.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        let _ = fs::remove_dir_all(&target);
        let start = Instant::now();
        run(cargo("build", name)
            .args(["--release", "--bin", name])
            .arg("--target-dir")
            .arg(&target))?;
        let built = start.elapsed().as_secs_f64();
        let binary = target.join("release").join(name);
        let len = fs::metadata(&binary)?.len() as f64 / 1e6;
        let mut row = vec![
            format!("`{name}`"),
            lines.to_string(),
            crates(name)?.to_string(),
            format!("{built:.0} s"),
            format!("{len:.1} MB"),
        ];
        let server = Server::start(&binary)?;
        for (_, path, due, bytes) in breaches() {
            let seen = server.answer(path, &bytes);
            row.push(if seen == due.to_string() { seen } else { format!("**{seen}**") });
        }
        rows.push(row);
    }
    let mut heads: Vec<String> =
        ["", "lines", "crates", "cold build", "binary"].map(str::to_owned).into();
    heads.extend(breaches().into_iter().map(|(name, _, due, _)| format!("{name} ({due})")));
    for (at, head) in heads.iter().enumerate() {
        let cells: Vec<_> = rows.iter().map(|row| row[at].as_str()).collect();
        println!("| {head} | {} |", cells.join(" | "));
        if at == 0 {
            println!("|---|{}", "---|".repeat(rows.len()));
        }
    }
    Ok(())
}

/// Returns a command of cargo for the server alone.
fn cargo(command: &str, server: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args([command, "--locked", "--no-default-features", "--features", server]);
    cargo
}

fn run(command: &mut Command) -> io::Result<()> {
    if command.stderr(Stdio::null()).status()?.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} failed")))
}

/// Returns the number of crates that the server is built from, itself not counted.
fn crates(server: &str) -> io::Result<usize> {
    let output = cargo("tree", server).args(["-e", "normal,build", "--prefix", "none"]).output()?;
    let names: BTreeSet<_> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').next())
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    Ok(names.len() - 1)
}

/// Twelve kinds of breach.
fn breaches() -> [Breach; 12] {
    let frame = |header: Header, payload: &[u8]| {
        let header = header.masked([1, 2, 3, 4]);
        let mut bytes = [0; Header::MAX_LEN];
        let len = header.encode(&mut bytes);
        let masked = payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, key)| byte ^ key);
        bytes[..len].iter().copied().chain(masked).collect::<Vec<u8>>()
    };
    let text = |payload: &[u8]| frame(Header::new(OpCode::Text, payload.len() as u64), payload);
    let with_first = |first: u8, mut bytes: Vec<u8>| {
        bytes[0] = first;
        bytes
    };
    [
        ("binary where only text is accepted", "/text", 1003, with_first(0x82, text(b"hi"))),
        ("unmasked frame", "/", 1002, b"\x81\x02hi".to_vec()),
        ("RSV1 without an extension", "/", 1002, with_first(0xC1, text(b"hi"))),
        ("reserved opcode", "/", 1002, with_first(0x83, text(b"hi"))),
        ("fragmented Ping", "/", 1002, with_first(0x09, text(b"hi"))),
        ("Ping of 126 bytes", "/", 1002, with_first(0x89, text(&[b'a'; 126]))),
        ("continuation of no message", "/", 1002, with_first(0x80, text(b"hi"))),
        ("message inside a message", "/", 1002, [with_first(1, text(b"h")), text(b"i")].concat()),
        ("length not minimal", "/", 1002, b"\x81\xFE\0\x02\0\0\0\0hi".to_vec()),
        ("invalid UTF-8", "/", 1007, text(b"\xC0\xAF")),
        ("close code 1005", "/", 1002, with_first(0x88, text(&1005_u16.to_be_bytes()))),
        ("message over the limit", "/", 1009, text(&vec![b'a'; (1 << 20) + 1])),
    ]
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(binary: &Path) -> io::Result<Self> {
        let mut process =
            Command::new(binary).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().map(BufReader::new);
        output.map(|mut output| output.read_line(&mut address)).transpose()?;
        Ok(Self { process, address: address.trim().to_owned() })
    }

    /// Returns what a client sees of a breach: the code of the Close frame, 1006 for an end without
    /// one, or that nothing is refused.
    fn answer(&self, path: &str, bytes: &[u8]) -> String {
        match self.close(path, bytes) {
            Ok(Some(close)) => close,
            Ok(None) => "1006".to_owned(),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock) => {
                "accepted".to_owned()
            }
            Err(_) => "1006".to_owned(),
        }
    }

    fn close(&self, path: &str, bytes: &[u8]) -> io::Result<Option<String>> {
        let stream = TcpStream::connect(&self.address)?;
        let request = RequestBuilder::new(&self.address, path, Key::new([7; 16]));
        let socket = WebSocket::connect(stream, Policy::new(Role::Client), &request, || [7; 4]);
        let (mut stream, _) = socket.map_err(io::Error::other)?.into_parts();
        // The opening handshake leaves the socket without a limit.
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        // A server may refuse the message before it has received all of it.
        let _ = stream.write_all(bytes);
        let mut header = [0; 2];
        loop {
            if let Err(error) = stream.read_exact(&mut header) {
                return if error.kind() == io::ErrorKind::UnexpectedEof {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
            let mut payload = match header[1] {
                len @ ..126 => vec![0; usize::from(len)],
                126 => vec![0; usize::from(u16::from_be_bytes(array(&mut stream)?))],
                _ => vec![0; u64::from_be_bytes(array(&mut stream)?) as usize],
            };
            stream.read_exact(&mut payload)?;
            if header[0] == 0x88 {
                let code = CloseFrame::decode(&payload).ok().flatten().map(|close| close.code);
                return Ok(Some(
                    code.map_or("no code".to_owned(), |code| u16::from(code).to_string()),
                ));
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn array<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = array::from_fn(|_| 0);
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
