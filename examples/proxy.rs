//! A proxy that judges what passes through it, in both directions: `proxy ADDRESS URL`.
//!
//! ```sh
//! cargo run --release --features codec --example proxy -- 127.0.0.1:9002 ws://127.0.0.1:9001/
//! ```
//!
//! Frames are passed on as they come, and not put together to messages. Whoever breaks a rule is
//! told so with a Close, the other end with 1001; and the verdict over the whole conversation is
//! printed when it is over.

mod handshake;

use std::error::Error;
use std::io;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;
use wsvet::codec::{self, Frames};
use wsvet::{
    CloseCode, CloseFrame, Conversation, End, Frame, FrameBuf, Header, OpCode, Policy, Role,
};

use handshake::sockets::{accept, connect, end, next};

/// What the server behind the proxy is sent, and what the client is: no frame is held back for
/// longer than it takes to come.
const SERVER: Policy = Policy::new(Role::Server).max_frame(64 << 20);
const CLIENT: Policy = Policy::new(Role::Client).max_frame(64 << 20);

type Side = Framed<TcpStream, Frames>;

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

/// Passes frames on in both directions until both ends have closed; gives the verdict.
async fn pass(socket: TcpStream, url: &str) -> Result<String, codec::Error> {
    let mut client = accept(socket, |_| (Frames::new(SERVER), String::new())).await?;
    let frames = |_: &str| Ok(Frames::new(CLIENT).with_keys(rand::random));
    let mut server = connect(url, rand::random(), "", frames).await?;
    let mut seen = Seen { conversation: Conversation::new(CLIENT, SERVER), start: Instant::now() };
    let (mut from_client, mut from_server) = (true, true);
    while from_client || from_server {
        let (from, frame) = tokio::select! {
            frame = client.next(), if from_client => (Role::Client, frame),
            frame = server.next(), if from_server => (Role::Server, frame),
        };
        let (here, there, open) = match from {
            Role::Client => (&mut client, &mut server, &mut from_client),
            Role::Server => (&mut server, &mut client, &mut from_server),
        };
        match frame {
            Some(Ok(frame)) => {
                *open = frame.header.opcode() != OpCode::Close;
                seen.frame(from, &frame);
                there.send(frame).await?;
            }
            // The end of a stream is a violation too, but nobody is left to be told.
            Some(Err(codec::Error::Violation(violation))) => {
                match violation.reply() {
                    Some(reply) => {
                        seen.conversation.broke(from, violation);
                        seen.frame(from.peer(), &close(&reply));
                        here.send(close(&reply)).await?;
                    }
                    None => seen.end(from),
                }
                there
                    .send(close(&CloseFrame::new(CloseCode::GOING_AWAY, "the peer is gone")))
                    .await?;
                break;
            }
            Some(Err(error)) => return Err(error),
            None => *open = false,
        }
    }
    finish(client, server).await?;
    Ok(seen.conversation.verdict().to_string())
}

/// What was seen of both ends.
struct Seen {
    conversation: Conversation,
    start: Instant,
}

impl Seen {
    fn frame(&mut self, from: Role, frame: &FrameBuf) {
        self.conversation.at(self.start.elapsed());
        // The frame was judged by the codec before.
        let header = match from {
            Role::Client => frame.header.masked([0; 4]),
            Role::Server => frame.header,
        };
        let _ = self.conversation.begin(from, &header);
        let _ = self.conversation.payload(from, &frame.payload);
        let _ = self.conversation.finish(from);
    }

    fn end(&mut self, from: Role) {
        self.conversation.at(self.start.elapsed());
        self.conversation.end(from, End::Fin, 0);
    }
}

fn close(close: &CloseFrame<'_>) -> FrameBuf {
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    let header = Header::new(OpCode::Close, len as u64);
    Frame { header, payload: bytes::Bytes::copy_from_slice(&body[..len]) }
}

async fn finish(client: Side, server: Side) -> io::Result<()> {
    tokio::try_join!(end(client.into_inner()), end(server.into_inner()))?;
    Ok(())
}
