//! What proxies put before a connection as a layer: the rest is an inner connection.

use std::io;

use wsvet::End;

use crate::session::layer::{Event, Inner, Layer, Stop, What};
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Moment;
use crate::transport::prefix::{NoPrefix, Prefix, proxy, socks};

/// The most bytes of a prefix.
const MOST: usize = 64 << 10;

/// A connection with a prefix.
pub(super) struct Prefixed {
    kind: Kind,
    client: usize,
    /// The bytes of each endpoint before the end of the prefix.
    held: [Vec<u8>; 2],
    is_open: bool,
    /// What was skipped, until it is told.
    note: Option<String>,
}

/// What the prefix is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A tunnel through a proxy (RFC 9110 §9.3.6). Its head was read.
    Tunnel,
    /// Headers of the PROXY protocol.
    Proxy,
    /// The handshake of SOCKS.
    Socks,
}

impl Prefixed {
    /// Creates a connection of this client. `target` is where its tunnel leads.
    pub(super) fn new(kind: Kind, client: usize, target: Option<String>) -> Self {
        let note = target.map(|target| format!("CONNECT to {target} and its answer"));
        Self { kind, client, held: Default::default(), is_open: false, note }
    }

    fn why(&self) -> Unjudged {
        match self.kind {
            Kind::Tunnel => Unjudged::Tunnel,
            Kind::Proxy => Unjudged::Proxy,
            Kind::Socks => Unjudged::Socks,
        }
    }

    /// Opens the inner connection if the prefix is complete, and passes on what follows it.
    fn read(&mut self, at: Moment, inner: &mut Inner<'_>) -> Result<(), Stop> {
        let (client, server) = (&self.held[self.client], &self.held[1 - self.client]);
        let parsed = match self.kind {
            Kind::Tunnel => Ok(Some(Prefix { len: [0; 2], text: String::new() })),
            Kind::Proxy => proxy(client),
            Kind::Socks => socks(client, server),
        };
        let prefix = match parsed {
            Ok(Some(prefix)) => prefix,
            Ok(None) if self.memory() < MOST => return Ok(()),
            Ok(None) | Err(NoPrefix) => return Err(Stop::Unjudged(self.why())),
        };
        self.note.get_or_insert(prefix.text);
        self.open(at, inner)?;
        for (from, len) in [(self.client, prefix.len[0]), (1 - self.client, prefix.len[1])] {
            let held = std::mem::take(&mut self.held[from]);
            let bytes = &held[len..];
            if !bytes.is_empty() {
                inner(Event { id: 0, at, what: What::Bytes { from, bytes } })?;
            }
        }
        Ok(())
    }

    fn open(&mut self, at: Moment, inner: &mut Inner<'_>) -> io::Result<()> {
        self.is_open = true;
        inner(Event { id: 0, at, what: What::Open { client: self.client, is_whole: true } })
    }
}

impl Layer for Prefixed {
    fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        if self.is_open {
            return Ok(inner(Event { id: 0, at, what: What::Bytes { from, bytes } })?);
        }
        self.held[from].extend_from_slice(bytes);
        self.read(at, inner)
    }

    fn lost(
        &mut self,
        from: usize,
        missing: u64,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        if !self.is_open {
            return Err(Stop::Unjudged(self.why()));
        }
        Ok(inner(Event { id: 0, at, what: What::Lost { from, missing } })?)
    }

    fn end(
        &mut self,
        from: usize,
        how: End,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        if !self.is_open {
            return Err(Stop::Unjudged(self.why()));
        }
        Ok(inner(Event { id: 0, at, what: What::End { from, how } })?)
    }

    fn finish(&mut self, _: &mut Inner<'_>) -> Result<(), Stop> {
        if self.is_open { Ok(()) } else { Err(Stop::Unjudged(self.why())) }
    }

    fn memory(&self) -> usize {
        self.held.iter().map(Vec::len).sum()
    }

    fn client(&self) -> Option<usize> {
        Some(self.client)
    }

    fn detail(&self) -> Option<String> {
        None
    }

    fn note(&mut self) -> Option<String> {
        self.note.take_if(|_| self.is_open)
    }
}
