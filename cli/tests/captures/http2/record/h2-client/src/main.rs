//! A WebSocket client over HTTP/2 in the clear, with the crate h2.
//!
//!     h2-client PORT
//!
//! It sends a text in two frames of HTTP/2 and a Close, each masked with the key 1 2 3 4, and writes the
//! bytes that it gets as a JSON line.

use bytes::Bytes;
use h2::client;
use h2::ext::Protocol;
use http::{Method, Request, Version};
use tokio::net::TcpStream;

type Error = Box<dyn std::error::Error>;

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut frame = vec![first, 0x80 | payload.len() as u8];
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let port = std::env::args().nth(1).ok_or("a port")?;
    let tcp = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
    let (mut sender, connection) = client::handshake(tcp).await?;
    let driver = tokio::spawn(connection);
    // The settings of the server come first.
    while !sender.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .version(Version::HTTP_2)
        .uri(format!("http://127.0.0.1:{port}/echo"))
        .header("sec-websocket-version", "13")
        .header("x-long", "y".repeat(20_000))
        .body(())?;
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    let (response, mut stream) = sender.send_request(request, false)?;
    let mut body = response.await?.into_body();
    let text = masked(0x81, "from Rust".as_bytes());
    stream.send_data(Bytes::copy_from_slice(&text[..7]), false)?;
    stream.send_data(Bytes::copy_from_slice(&text[7..]), false)?;
    let mut got = Vec::new();
    let mut closed = false;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        got.extend_from_slice(&data);
        if !std::mem::replace(&mut closed, true) {
            stream.send_data(Bytes::from(masked(0x88, b"\x03\xE8bye")), true)?;
        }
    }
    let hex: String = got.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{{\"endpoint\":\"client\",\"stream\":1,\"bytes\":\"{hex}\"}}");
    drop((stream, body, sender));
    driver.await??;
    Ok(())
}
