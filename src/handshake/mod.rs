//! The opening handshake, without I/O: requests, responses, and their rules (RFC 6455 §4).
//!
//! - [`Request`] and [`Response`] are views of messages that an HTTP library has parsed. They return
//!   the [rules](Rule) that a message breaks, and what the endpoints agreed on. They need no
//!   allocator.
//! - [`accept_key`] computes the value of `Sec-WebSocket-Accept`, and a [`Key`] is made of 16 random
//!   bytes.
//! - [`choose_protocol`] chooses a subprotocol.
//! - `RequestBuilder` and `ResponseBuilder` write messages (feature `alloc`).
//!
//! The crate does not parse HTTP. [`Headers`] shows how to use `httparse`, `http::HeaderMap` and
//! plain pairs.
//!
//! # A server
//!
//! The server responds to each request, and serves a connection after status 101:
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use wsvet::handshake::{Headers, InvalidHead, Request, ResponseBuilder, choose_protocol};
//!
//! fn respond<'h>(request: &Request<'h, impl Headers<'h>>) -> Result<String, InvalidHead> {
//!     match request.validate() {
//!         Ok(accept) => ResponseBuilder::accept(accept)
//!             .subprotocol(choose_protocol(request.protocols(), &["chat"]))
//!             .build(),
//!         Err(rule) => ResponseBuilder::refuse(rule).build(),
//!     }
//! }
//!
//! let received = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt, chat\r\n\r\n";
//! let mut headers = [httparse::EMPTY_HEADER; 64];
//! let mut parsed = httparse::Request::new(&mut headers);
//! assert!(parsed.parse(received)?.is_complete()); // or else read more, up to a limit
//! let request = Request::new(
//!     parsed.method.unwrap_or(""),
//!     parsed.path.unwrap_or(""),
//!     (1, parsed.version.unwrap_or(0)),
//!     parsed.headers.iter().map(|header| (header.name, header.value)),
//! );
//! assert_eq!(
//!     respond(&request)?,
//!     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A client
//!
#![cfg_attr(feature = "alloc", doc = "```")]
#![cfg_attr(not(feature = "alloc"), doc = "```ignore")]
//! use wsvet::handshake::{Key, Outcome, RequestBuilder, Response};
//!
//! let key = Key::new(*b"the sample nonce"); // 16 random bytes
//! let request = RequestBuilder::new("example.com", "/chat", key).protocols(["mqtt", "chat"]);
//! let head = request.build()?;
//! // socket.write_all(head.as_bytes())?;
//!
//! # let received = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! #     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
//! let mut headers = [httparse::EMPTY_HEADER; 64];
//! let mut parsed = httparse::Response::new(&mut headers);
//! assert!(parsed.parse(received)?.is_complete()); // or else read more, up to a limit
//! let fields = parsed.headers.iter().map(|header| (header.name, header.value));
//! let response = Response::new(parsed.code.unwrap_or(0), fields);
//! match response.validate(&request.as_request()) {
//!     Ok(Outcome::Accepted(accepted)) => assert_eq!(accepted.subprotocol(), Some("chat")),
//!     Ok(Outcome::Refused(status)) => println!("refused with status {status}"),
//!     Err(rule) => println!("the server broke {rule}: {}", rule.text()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
#[cfg(feature = "alloc")]
mod agreement;
#[cfg(feature = "alloc")]
mod build;
mod fields;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "httparse")]
mod parse;
mod request;
mod response;
mod rule;

pub use accept::{AcceptKey, Key, accept_key};
#[cfg(feature = "alloc")]
pub use agreement::{Agreement, Server};
#[cfg(feature = "alloc")]
pub use build::{InvalidHead, RequestBuilder, ResponseBuilder};
pub use fields::Headers;
#[cfg(feature = "httparse")]
pub use parse::{Fields, InvalidHttp, parse_request, parse_response};
pub use request::{Request, choose_protocol};
pub use response::{Accepted, Outcome, Response};
pub use rule::{Broken, Due, Rule};
