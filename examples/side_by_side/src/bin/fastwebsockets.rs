//! `fastwebsockets` on hyper: echoes messages of at most 1 MiB; at `/text` it accepts text alone.

use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{CloseCode, FragmentCollector, Frame, OpCode, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(serve))
                .with_upgrades();
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let text_only = request.uri().path() == "/text";
    let (response, upgraded) = upgrade(&mut request)?;
    tokio::spawn(async move {
        if let Err(error) = echo(upgraded, text_only).await {
            eprintln!("{error}");
        }
    });
    Ok(response)
}

async fn echo(upgraded: UpgradeFut, text_only: bool) -> Result<(), WebSocketError> {
    let mut socket = upgraded.await?;
    socket.set_max_message_size(1 << 20);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Binary if text_only => {
                let code = CloseCode::Unsupported.into();
                socket.write_frame(Frame::close(code, b"text only")).await?;
            }
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}
