//! The servers over HTTP/2 (RFC 8441), through the client of hyper.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role as TheirRole;
use wsvet::deflate::Parameters;
use wsvet::endpoint::{Endpoint, WebSocket};
use wsvet::handshake::{Outcome, Request as View, Response as ResponseView};
use wsvet::{Policy, Role};

use crate::common::{Client, Server, check};

type Stream = TokioIo<Upgraded>;

/// One TCP connection for all.
struct OverHttp2(http2::SendRequest<String>);

impl OverHttp2 {
    async fn start(address: &str) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        let mut connection = Box::pin(connection);
        // The server allows it in its SETTINGS (RFC 8441 §3).
        while !connection.is_extended_connect_protocol_enabled() {
            tokio::select! {
                _ = &mut connection => panic!("the connection is over"),
                () = tokio::task::yield_now() => {}
            }
        }
        tokio::spawn(connection);
        Self(sender)
    }

    async fn send(&self, request: Request<String>) -> Response<Incoming> {
        self.0.clone().send_request(request).await.unwrap()
    }
}

fn request(path: &str, fields: &[(&str, &str)]) -> Request<String> {
    let mut request = Request::connect(format!("http://localhost{path}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let protocol = Protocol::from_static("websocket");
    request.extension(protocol).body(String::new()).unwrap()
}

impl Client for OverHttp2 {
    type Stream = Stream;

    async fn theirs(
        &self,
        path: &str,
        offers: &[&str],
    ) -> (WebSocketStream<Stream>, Option<String>) {
        let offers = offers.join(", ");
        let mut fields = vec![("sec-websocket-version", "13")];
        if !offers.is_empty() {
            fields.push(("sec-websocket-protocol", &offers));
        }
        let response = self.send(request(path, &fields)).await;
        assert_eq!(response.status(), 200);
        let chosen = response.headers().get("sec-websocket-protocol");
        let chosen = chosen.map(|name| name.to_str().unwrap().to_owned());
        let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        (WebSocketStream::from_raw_socket(stream, TheirRole::Client, None).await, chosen)
    }

    async fn ours(&self, path: &str, offer: Option<Parameters>) -> WebSocket<Stream> {
        let offer = offer.map(|offer| offer.offer());
        let mut fields = vec![("sec-websocket-version", "13")];
        fields.extend(offer.as_deref().map(|offer| ("sec-websocket-extensions", offer)));
        let response = self.send(request(path, &fields)).await;
        let outcome = ResponseView::from(&response).validate(&View::connect(path, fields));
        let Ok(Outcome::Accepted(accepted)) = outcome else { panic!("{response:?}") };
        let agreement = accepted.agreement();
        assert_eq!(agreement.permessage_deflate.is_some(), offer.is_some());
        let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        let endpoint = Endpoint::agreed(Policy::new(Role::Client), &agreement);
        WebSocket::from_endpoint(stream, endpoint.with_keys(rand::random))
    }
}

async fn check_over_http2(program: &str) {
    let server = Server::start(program, &[]).unwrap();
    let client = OverHttp2::start(&server.address).await;
    check(&client).await;

    for (fields, status) in [
        (&[("sec-websocket-version", "13")][..], 200),
        (&[("sec-websocket-version", "8")], 400),
        (&[], 400),
    ] {
        let response = client.send(request("/", fields)).await;
        assert_eq!(response.status(), status, "{fields:?}");
        // These are malformed over HTTP/2 (RFC 9113 §8.2.2), or have no meaning (RFC 8441 §5).
        for name in ["connection", "upgrade", "sec-websocket-accept"] {
            assert!(!response.headers().contains_key(name), "{response:?}");
        }
        let version = response.headers().get("sec-websocket-version");
        assert_eq!(version.is_some(), status != 200);
    }
}

#[tokio::test]
async fn hyper() {
    check_over_http2(env!("CARGO_BIN_EXE_echo_http2")).await;
}

#[tokio::test]
async fn hyper_serves_no_other_protocol() {
    let server = Server::start(env!("CARGO_BIN_EXE_echo_http2"), &[]).unwrap();
    let client = OverHttp2::start(&server.address).await;
    let mut other = request("/", &[("sec-websocket-version", "13")]);
    other.extensions_mut().insert(Protocol::from_static("connect-udp"));
    assert_eq!(client.send(other).await.status(), 501);
}

#[tokio::test]
async fn axum() {
    check_over_http2(env!("CARGO_BIN_EXE_echo_axum")).await;
}
