//! Connects with tokio-tungstenite until nobody listens, and sends back what comes.

use std::io::ErrorKind;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    loop {
        match connect_async(&url).await {
            Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => return,
            Err(_) => {}
            Ok((mut socket, _)) => {
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() || message.is_binary() {
                        let _ = socket.send(message).await;
                    }
                }
            }
        }
    }
}
