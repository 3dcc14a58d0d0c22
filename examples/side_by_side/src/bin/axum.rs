//! `axum::extract::ws`: echoes messages of at most 1 MiB; at `/text` it accepts text alone.

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let app = Router::new()
        .route("/", any(|upgrade| serve(upgrade, false)))
        .route("/text", any(|upgrade| serve(upgrade, true)));
    axum::serve(listener, app).await
}

async fn serve(upgrade: WebSocketUpgrade, text_only: bool) -> Response {
    upgrade.max_message_size(1 << 20).on_upgrade(move |socket| async move {
        if let Err(error) = echo(socket, text_only).await {
            eprintln!("{error}");
        }
    })
}

async fn echo(mut socket: WebSocket, text_only: bool) -> Result<(), axum::Error> {
    while let Some(message) = socket.recv().await {
        match message? {
            Message::Binary(_) if text_only => {
                let close =
                    CloseFrame { code: close_code::UNSUPPORTED, reason: "text only".into() };
                socket.send(Message::Close(Some(close))).await?;
            }
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}
