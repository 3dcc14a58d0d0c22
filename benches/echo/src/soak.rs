//! Clients that connect, talk, stall, break each rule, vanish and connect again, at random, for as
//! long as is wanted: the server must serve the honest ones, send each close code that is due, and
//! need no more memory at the end than at the start.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use wsvet::endpoint::WebSocket;
use wsvet::generate::Stream;
use wsvet::handshake::{Key, RequestBuilder};
use wsvet::{CloseCode, Event, Message, Policy, Role, Rule, StreamDecoder};

use crate::process::Server;
use crate::servers::{SOAK, TEXT};

/// The number of clients at a time.
const CLIENTS: u64 = 1000;

/// The time in which a server must answer, on a machine that is busy with so many clients.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the memory of the server is printed.
const EVERY: Duration = Duration::from_secs(60);

/// What a client does with a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Deed {
    /// Sends messages, and receives each echo; then closes, and receives the Close frame.
    Talk,
    /// Sends messages without reading, waits, and then reads all.
    Stall,
    /// Breaks a rule, and receives the code that is due.
    Break,
    /// Drops the connection, with a FIN or a reset.
    Vanish,
    /// Closes its sending side, and reads until the server has closed, too.
    HalfClose,
}

/// Runs for some minutes, and returns whether nothing was wrong.
pub(crate) fn run(minutes: u64) -> bool {
    let server = Server::start(SOAK);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(clients(&server, Duration::from_secs(60 * minutes)))
}

async fn clients(server: &Server, time: Duration) -> bool {
    let start = Instant::now();
    let end = start + time;
    let address = server.address();
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|seed| tokio::spawn(client(address, SmallRng::seed_from_u64(seed), end)))
        .collect();
    while Instant::now() < end {
        sleep(EVERY.min(end.saturating_duration_since(Instant::now()))).await;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        println!("minute {minutes:.0}: the server has {} KiB", server.memory() / 1024);
    }
    let (mut done, mut faults) = (BTreeMap::<Deed, u64>::new(), 0);
    for task in tasks {
        let (deeds, failed) = task.await.expect("no client panics");
        for deed in deeds {
            *done.entry(deed).or_default() += 1;
        }
        faults += failed;
    }
    println!("{done:?}, {faults} faults");
    faults == 0
}

/// One client after another, until the end. Returns what they did, and how often a server's answer was
/// wrong.
async fn client(address: SocketAddr, mut random: SmallRng, end: Instant) -> (Vec<Deed>, u64) {
    let (mut done, mut faults) = (Vec::new(), 0);
    while Instant::now() < end {
        let deed = match random.random_range(0..10) {
            0..4 => Deed::Talk,
            4..5 => Deed::Stall,
            5..8 => Deed::Break,
            8..9 => Deed::Vanish,
            _ => Deed::HalfClose,
        };
        let acted = match timeout(4 * PATIENCE, act(deed, address, &mut random)).await {
            Ok(acted) => acted,
            Err(_) => Err(ErrorKind::TimedOut.into()),
        };
        if let Err(error) = acted {
            println!("{deed:?}: {error}");
            faults += 1;
        }
        done.push(deed);
        sleep(Duration::from_millis(random.random_range(0..2000))).await;
    }
    (done, faults)
}

async fn act(deed: Deed, address: SocketAddr, random: &mut SmallRng) -> Result<()> {
    let stream = TcpStream::connect(address).await?;
    let request = RequestBuilder::new(&address.to_string(), "/", Key::new(random.random()));
    let policy = Policy::new(Role::Client);
    let mut socket = WebSocket::connect(stream, policy, &request, rand::random).await?;
    match deed {
        Deed::Talk => {
            for _ in 0..random.random_range(1..20) {
                let text = text(random);
                socket.send(text.clone()).await?;
                expect(timeout(PATIENCE, socket.next()).await??, Some(text))?;
                sleep(Duration::from_millis(random.random_range(0..500))).await;
            }
            // It returns an error if no Close frame is received.
            let close = socket.close(CloseCode::NORMAL_CLOSURE, "");
            Ok(timeout(PATIENCE, close).await??)
        }
        Deed::Stall => {
            let texts: Vec<_> = (0..random.random_range(1..8)).map(|_| text(random)).collect();
            let (mut receiver, mut sender) = socket.split();
            let sent = texts.clone();
            let sending = tokio::spawn(async move {
                for text in sent {
                    sender.send(text).await?;
                }
                sender.close(CloseCode::NORMAL_CLOSURE, "").await
            });
            sleep(Duration::from_millis(random.random_range(0..3000))).await;
            for text in texts {
                expect(timeout(PATIENCE, receiver.next()).await??, Some(text))?;
            }
            while timeout(PATIENCE, receiver.next()).await??.is_some() {}
            Ok(sending.await??)
        }
        Deed::Break => {
            let (stream, _) = socket.into_parts();
            broken(stream, random).await
        }
        Deed::Vanish => {
            let (mut stream, _) = socket.into_parts();
            let frames = frames(random);
            let cut = random.random_range(0..frames.len());
            let _ = stream.write_all(&frames[..cut]).await;
            if random.random() {
                // A reset instead of a FIN.
                stream.set_zero_linger()?;
            }
            Ok(())
        }
        Deed::HalfClose => {
            let (mut stream, _) = socket.into_parts();
            stream.write_all(&frames(random)).await?;
            stream.shutdown().await?;
            let mut rest = Vec::new();
            timeout(PATIENCE, stream.read_to_end(&mut rest)).await??;
            Ok(())
        }
    }
}

/// Breaks a rule, and reads until the server has closed the connection.
async fn broken(mut stream: TcpStream, random: &mut SmallRng) -> Result<()> {
    let rules: Vec<Rule> = Stream::breakable(&TEXT)
        .iter()
        // After a Close frame the server discards what it receives, and the end is tried above.
        .filter(|rule| {
            !matches!(rule, Rule::DataAfterClose | Rule::EofInFrame | Rule::EofWithoutClose)
        })
        .collect();
    let rule = rules[random.random_range(0..rules.len())];
    let bytes: Vec<u8> = (0..2000).map(|_| random.random()).collect();
    let broken = Stream::breaking(TEXT, rule, &mut Unstructured::new(&bytes));
    let broken = broken.map_err(Error::other)?;
    let due = broken.violation().and_then(|violation| violation.reply()).map(|close| close.code.0);
    let mut wire = broken.bytes().to_vec();
    wire.extend((0..random.random_range(0..100)).map(|_| random.random::<u8>()));
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let cut = random.random_range(0..=wire.len());
        // A server that has answered and closed may refuse the rest.
        let _ = writer.write_all(&wire[..cut]).await;
        sleep(Duration::from_millis(5)).await;
        let _ = writer.write_all(&wire[cut..]).await;
    };
    let mut received = Vec::new();
    let (_, read) = tokio::join!(write, timeout(PATIENCE, reader.read_to_end(&mut received)));
    read??;
    let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
    let (mut chunk, mut code) = (&mut received[..], None);
    while !chunk.is_empty() {
        let (used, event) = decoder.decode(chunk).map_err(Error::other)?;
        if let Some(Event::Close(close)) = event {
            code = close.map(|close| close.code.0);
        }
        chunk = &mut chunk[used..];
    }
    if code == due {
        return Ok(());
    }
    Err(Error::other(format!("{rule}: {due:?} is due, {code:?} was received")))
}

/// Returns frames that are legal.
fn frames(random: &mut SmallRng) -> Vec<u8> {
    let bytes: Vec<u8> = (0..500).map(|_| random.random()).collect();
    let stream = Stream::legal(TEXT, &mut Unstructured::new(&bytes)).ok();
    let frames = stream.map(|stream| stream.bytes().to_vec()).unwrap_or_default();
    if frames.is_empty() { vec![0x89, 0x80, 1, 2, 3, 4] } else { frames }
}

/// Returns a text, seldom a long one.
fn text(random: &mut SmallRng) -> Message {
    let most = if random.random_range(0..50) == 0 { 500_000 } else { 2_000 };
    let len = random.random_range(0..most);
    Message::text((0..len).map(|at| char::from(b'a' + (at % 26) as u8)).collect::<String>())
}

fn expect(received: Option<Message>, due: Option<Message>) -> Result<()> {
    if received == due {
        return Ok(());
    }
    Err(Error::other(format!("{received:?} was received instead of {due:?}")))
}
