//! A proxy that judges what passes through it, in both directions: `proxy ADDRESS URL`.
//!
//! ```sh
//! cargo run --release --features codec --example proxy -- 127.0.0.1:9002 ws://127.0.0.1:9001/
//! ```
//!
//! Each frame is passed on, byte for byte, as soon as all of it has come and nothing in it breaks a
//! rule. An end that breaks a rule is told so with a Close, and the other end with 1001. When the
//! connection is over, its verdict is printed.

mod handshake;

use std::error::Error;
use std::io;
use std::time::Instant;

use bytes::BytesMut;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{BytesCodec, Framed};
use wsvet::{CloseCode, CloseFrame, Conversation, End, Observed, Policy, Role, Violation, encode};

use handshake::sockets::{accept, connect, end, next};

/// What the client accepts, and the server. A frame is held until all of it has come, so its length
/// is limited.
const CLIENT: Policy = Policy::new(Role::Client).max_frame(64 << 20);
const SERVER: Policy = Policy::new(Role::Server).max_frame(64 << 20);

/// A socket, and the bytes of the frame that its peer is sending.
struct Side {
    socket: Framed<TcpStream, BytesCodec>,
    held: BytesMut,
    /// It has sent no Close.
    open: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: proxy ADDRESS URL".into());
    };
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (socket, peer) = next(&listener).await;
        let url = url.clone();
        tokio::spawn(async move {
            match pass(socket, &url).await {
                Ok(verdict) => println!("{peer}: {verdict}"),
                Err(error) => eprintln!("{peer}: {error}"),
            }
        });
    }
}

/// Passes frames on in both directions until both ends have closed, and returns the verdict.
async fn pass(socket: TcpStream, url: &str) -> io::Result<String> {
    let codec = BytesCodec::new();
    let client = accept::<_, BytesMut>(socket, |_| (codec, String::new())).await?;
    let server = connect::<_, BytesMut>(url, rand::random(), "", |_| Ok(codec)).await?;
    let [mut client, mut server] =
        [client, server].map(|socket| Side { socket, held: BytesMut::new(), open: true });
    let mut conversation = Conversation::new(CLIENT, SERVER);
    let start = Instant::now();
    while client.open || server.open {
        let (from, bytes) = tokio::select! {
            bytes = client.socket.next(), if client.open => (Role::Client, bytes),
            bytes = server.socket.next(), if server.open => (Role::Server, bytes),
        };
        let (here, there) = match from {
            Role::Client => (&mut client, &mut server),
            Role::Server => (&mut server, &mut client),
        };
        conversation.at(start.elapsed());
        let violation = match bytes.transpose()? {
            Some(bytes) => {
                let (whole, violation) = judge(&mut conversation, from, &bytes, &mut here.held);
                there.socket.get_mut().write_all(&whole).await?;
                violation
            }
            None => conversation.end(from, End::Fin, 0),
        };
        here.open = conversation.direction(from).close().is_none();
        if let Some(violation) = violation {
            // The end of a connection breaks a rule too, but nobody is left to be told.
            if let Some(reply) = violation.reply() {
                let reply = close(&reply, from);
                conversation.bytes(from.peer(), &reply);
                here.socket.get_mut().write_all(&reply).await?;
            }
            let gone = CloseFrame::new(CloseCode::GOING_AWAY, "the peer is gone");
            there.socket.get_mut().write_all(&close(&gone, from.peer())).await?;
            break;
        }
    }
    tokio::try_join!(end(client.socket.into_inner()), end(server.socket.into_inner()))?;
    Ok(conversation.verdict().to_string())
}

/// Judges the next bytes of one end. Returns the frames that are whole and break no rule, and the
/// first violation. The other bytes are held.
fn judge(
    conversation: &mut Conversation,
    from: Role,
    bytes: &[u8],
    held: &mut BytesMut,
) -> (BytesMut, Option<Violation>) {
    let start = conversation.direction(from).offset() - held.len() as u64;
    held.extend_from_slice(bytes);
    let (mut whole, mut found) = (0, None);
    conversation.observe(from, bytes, |seen| match seen {
        Observed::Violation { violation, .. } => found = found.or(Some(violation)),
        Observed::End { offset } if found.is_none() => whole = (offset - start) as usize,
        _ => {}
    });
    (held.split_to(whole), found)
}

/// A Close frame for this end.
fn close(close: &CloseFrame<'_>, to: Role) -> Vec<u8> {
    let mut out = [0; encode::MAX_CONTROL_LEN];
    let key = (to == Role::Server).then(rand::random);
    let len = encode::close(close, key, &mut out).expect("the code may be sent");
    out[..len].to_vec()
}
