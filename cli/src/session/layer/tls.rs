//! TLS as a layer: its data is an inner connection.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use wsvet::End;

use crate::session::layer::{Event, Inner, Layer, Stop, What};
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Moment;
use crate::transport::tls::decryptor::{self, Decryptor, Failure, Fault, Found};
use crate::transport::tls::keylog::KeyLog;

/// The most data that is missing at once, in bytes: less than what would belong to another connection.
const MOST_MISSING: u64 = 1 << 29;

/// A TLS connection.
pub(super) struct Tls {
    decryptor: Decryptor,
    keys: Rc<RefCell<KeyLog>>,
    /// Whether each endpoint sent bytes.
    has_sent: [bool; 2],
}

impl Tls {
    /// Creates a connection whose keys may be in this key log. `is_whole` says whether its first bytes
    /// come first.
    pub(super) fn new(keys: Rc<RefCell<KeyLog>>, is_whole: bool) -> Self {
        let mut decryptor = Decryptor::new(Rc::clone(&keys));
        if !is_whole {
            decryptor.begins_in_the_middle();
        }
        Self { decryptor, keys, has_sent: [false; 2] }
    }
}

impl Layer for Tls {
    fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        let is_first = !std::mem::replace(&mut self.has_sent[from], true);
        if is_first && self.has_sent[1 - from] && bytes.starts_with(b"HTTP/") {
            return Err(Stop::Unjudged(Unjudged::TlsToHttp));
        }
        self.decryptor.bytes(from, bytes, at, &mut |found| pass(&found, inner)).map_err(stop)
    }

    fn lost(
        &mut self,
        from: usize,
        missing: u64,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        self.decryptor.lost(from, missing, at, &mut |found| pass(&found, inner)).map_err(stop)
    }

    fn end(
        &mut self,
        from: usize,
        how: End,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop> {
        let is_reset = how != End::Fin;
        self.decryptor.end(from, is_reset, at, &mut |found| pass(&found, inner)).map_err(stop)
    }

    fn finish(&mut self, inner: &mut Inner<'_>) -> Result<(), Stop> {
        self.decryptor.finish(&mut |found| pass(&found, inner)).map_err(stop)
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.decryptor.memory()
    }

    fn client(&self) -> Option<usize> {
        self.decryptor.client()
    }

    fn detail(&self) -> Option<String> {
        Some(self.decryptor.describe()).filter(|what| what != "TLS")
    }

    fn given_up(&self) -> Unjudged {
        match (self.decryptor.is_open(), self.keys.borrow().has_sources()) {
            (true, _) => Unjudged::Memory,
            (false, true) => Unjudged::TlsNoKey,
            (false, false) => Unjudged::Tls,
        }
    }
}

/// Passes what was found to the inner connection.
fn pass(found: &Found<'_>, inner: &mut Inner<'_>) -> io::Result<()> {
    let Found { from, at, ref what } = *found;
    let what = match *what {
        decryptor::What::Open { is_whole } => What::Open { client: from, is_whole },
        decryptor::What::Bytes(bytes) => What::Bytes { from, bytes },
        decryptor::What::Lost(missing) => What::Lost { from, missing: missing.min(MOST_MISSING) },
        decryptor::What::End { is_reset } => {
            What::End { from, how: if is_reset { End::Reset } else { End::Fin } }
        }
    };
    inner(Event { id: 0, at, what })
}

fn stop(failure: Failure) -> Stop {
    match failure {
        Failure::Sink(error) => Stop::Report(error),
        Failure::Fault(fault) => Stop::Unjudged(match fault {
            Fault::NoKeyLog => Unjudged::Tls,
            Fault::NoKeys => Unjudged::TlsNoKey,
            Fault::WrongKeys => Unjudged::TlsWrongKey,
            Fault::Suite => Unjudged::TlsSuite,
            Fault::Broken => Unjudged::TlsBroken,
            Fault::Begun => Unjudged::TlsBegun,
            Fault::Failed => Unjudged::TlsFailed,
        }),
    }
}
