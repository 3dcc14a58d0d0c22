//! Connects with fastwebsockets until nobody listens, and sends back what comes.

use fastwebsockets::{FragmentCollector, Frame, OpCode, handshake};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, UPGRADE};
use tokio::net::TcpStream;

struct Executor;

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, future: F) {
        tokio::task::spawn(future);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let host = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).expect("ws://HOST:PORT/");
    while let Ok(stream) = TcpStream::connect(host).await {
        let request = Request::get("/")
            .header("Host", host)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header("Sec-WebSocket-Key", handshake::generate_key())
            .header("Sec-WebSocket-Version", "13")
            .body(Empty::<Bytes>::new())
            .expect("a request");
        let Ok((socket, _)) = handshake::client(&Executor, request, stream).await else { continue };
        let mut socket = FragmentCollector::new(socket);
        while let Ok(frame) = socket.read_frame().await {
            match frame.opcode {
                OpCode::Text | OpCode::Binary => {
                    if socket.write_frame(Frame::new(true, frame.opcode, None, frame.payload)).await.is_err() {
                        break;
                    }
                }
                OpCode::Close => break,
                _ => {}
            }
        }
    }
}
