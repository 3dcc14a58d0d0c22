//! The opening handshake, without I/O: requests, responses, and their rules (RFC 6455 §4).
//!
//! - [`Request`] and [`Response`] are views of messages that an HTTP library has parsed. They return
//!   the [rules](Rule) that a message breaks, and what the endpoints agreed on. They need no
//!   allocator.
//! - [`accept_key`] computes the value of `Sec-WebSocket-Accept`, and a [`Key`] is made of 16 random
//!   bytes.
//! - [`choose_protocol`] chooses a subprotocol.
//!
//! The crate does not parse HTTP. [`Headers`] shows how to use `httparse`, `http::HeaderMap` and
//! plain pairs.
//!
//! # A server
//!
//! ```
//! use wsvet::handshake::{Due, Request, choose_protocol};
//!
//! # let fields = [
//! #     ("Host", "example.com"),
//! #     ("Upgrade", "websocket"),
//! #     ("Connection", "Upgrade"),
//! #     ("Sec-WebSocket-Version", "13"),
//! #     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
//! #     ("Sec-WebSocket-Protocol", "mqtt, chat"),
//! # ];
//! let request = Request::new("GET", "/chat", (1, 1), fields);
//! match request.validate() {
//!     Ok(accept) => {
//!         assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//!         assert_eq!(choose_protocol(request.protocols(), &["chat"]), Some("chat"));
//!     }
//!     Err(rule) => {
//!         let Due::Status(status) = rule.due() else { unreachable!("the rule of a request") };
//!         println!("HTTP/1.1 {status}\r\n\r\n{}", rule.text());
//!     }
//! }
//! ```
//!
//! # A client
//!
//! ```
//! use wsvet::handshake::{Key, Outcome, Request, Response};
//!
//! let key = Key::new(*b"the sample nonce"); // 16 random bytes
//! let request = Request::new("GET", "/chat", (1, 1), [
//!     ("Host", "example.com"),
//!     ("Upgrade", "websocket"),
//!     ("Connection", "Upgrade"),
//!     ("Sec-WebSocket-Version", "13"),
//!     ("Sec-WebSocket-Key", key.as_str()),
//! ]);
//! # let fields = [
//! #     ("Upgrade", "websocket"),
//! #     ("Connection", "Upgrade"),
//! #     ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
//! # ];
//! let response = Response::new(101, fields);
//! match response.validate(&request) {
//!     Ok(Outcome::Accepted(_)) => println!("frames follow"),
//!     Ok(outcome) => println!("{outcome:?}"),
//!     Err(rule) => println!("the server broke {rule}: {}", rule.text()),
//! }
//! ```

mod accept;
mod fields;
mod request;
mod response;
mod rule;

pub use accept::{AcceptKey, Key, accept_key};
pub use fields::Headers;
pub use request::{Request, choose_protocol};
pub use response::{Accepted, Outcome, Response};
pub use rule::{Broken, Due, Rule};
