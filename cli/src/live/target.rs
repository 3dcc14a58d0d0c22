//! The URL of a server.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

/// Where a server is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// The name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The value of the header field Host.
    pub authority: String,
    /// The path and the query.
    pub path: String,
}

impl Target {
    /// Parses a URL: `ws://` or `wss://` (RFC 6455 §3).
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.contains('#') {
            return Err("a WebSocket URL has no fragment: write %23 if the # is data".to_owned());
        }
        let url = if url.contains("://") { url.to_owned() } else { format!("ws://{url}") };
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            other => return Err(format!("{} is not ws or wss", other.unwrap_or("this"))),
        };
        let authority = uri.authority().ok_or("the host is missing")?;
        if authority.as_str().contains('@') {
            return Err(
                "credentials in a URL are not sent: use --header 'Authorization: ...'".into()
            );
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("the host is missing".to_owned());
        }
        let default = if tls { 443 } else { 80 };
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            None | Some("") => default,
            Some(port) => {
                port.parse().map_err(|_| format!("{port} is not a port: write 1 to 65535"))?
            }
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A query without a path (RFC 3986 §6.2.3).
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path,
        })
    }

    /// Finds the addresses of the host.
    ///
    /// # Errors
    ///
    /// The error of the resolver.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok((&*self.host, self.port).to_socket_addrs()?.collect())
    }
}

/// Connects to the first address that answers.
///
/// # Errors
///
/// The error of the last address.
pub fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, limit) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parts = |url: &str| {
            let target = Target::parse(url).unwrap();
            (target.tls, target.host, target.port, target.authority, target.path)
        };
        let own = |tls, host: &str, port, authority: &str, path: &str| {
            (tls, host.to_owned(), port, authority.to_owned(), path.to_owned())
        };
        assert_eq!(parts("ws://a.example"), own(false, "a.example", 80, "a.example", "/"));
        assert_eq!(
            parts("wss://a.example:9/x?y=1"),
            own(true, "a.example", 9, "a.example:9", "/x?y=1")
        );
        assert_eq!(parts("ws://[::1]:9001/"), own(false, "::1", 9001, "[::1]:9001", "/"));
        assert_eq!(parts("localhost:9001"), own(false, "localhost", 9001, "localhost:9001", "/"));
        for wrong in [
            "ftp://a/",
            "ws://",
            "ws://a/#b",
            "ws://me@a/",
            "ws://a b/",
            "ws:///x",
            "",
            "ws://a:99999/",
            "ws://a:b/",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
