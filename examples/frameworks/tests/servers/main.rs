//! Each server with clients of tungstenite and of wsvet, over loopback.

mod common;
mod http1;
mod http2;
