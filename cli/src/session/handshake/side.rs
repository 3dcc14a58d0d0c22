//! The bytes of one endpoint before the upgrade.

use httparse::Status;

/// The most bytes of the headers of an HTTP message.
const MAX_HEAD: usize = 64 << 10;

/// The length up to which the headers are parsed again for every new piece, in bytes. This detects
/// early what is not HTTP. Longer headers are parsed again only after a line end, because the cost
/// must not grow with the number of pieces.
const EAGER: usize = 64;

/// The bytes of one endpoint.
#[derive(Default)]
pub(super) struct Side {
    pub(super) bytes: Vec<u8>,
    /// The number of bytes that are processed.
    pub(super) done: usize,
    pub(super) body: Body,
    /// Whether the rest was parsed, and no line has ended since.
    looked: bool,
}

/// The rest of the body of the last HTTP message.
#[derive(Clone, Copy, Default)]
pub(super) enum Body {
    #[default]
    None,
    Length(u64),
    /// The line with the size of a chunk comes next.
    ChunkSize,
    Chunk(u64),
    /// The lines after the last chunk.
    Trailers,
    UntilEof,
}

impl Side {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.looked &= self.bytes.len() > EAGER && !bytes.contains(&b'\n');
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the bytes that are not processed yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    /// Returns whether the first bytes of the next HTTP message have come.
    pub(super) fn has_begun_message(&self) -> bool {
        matches!(self.body, Body::None) && !self.rest().is_empty()
    }

    /// Returns whether parsing again may find more than the last time.
    pub(super) fn look(&mut self) -> bool {
        !std::mem::replace(&mut self.looked, true)
    }

    /// Returns whether the rest may still be an incomplete header or line.
    pub(super) fn may_grow(&self) -> bool {
        self.rest().len() <= MAX_HEAD
    }

    /// Replaces the breaks of folded lines in the header by spaces (RFC 9112 §5.2). Returns whether there
    /// are any.
    pub(super) fn unfold(&mut self) -> bool {
        let head = &mut self.bytes[self.done..];
        let end = head.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(head.len());
        let mut folded = false;
        for at in 0..end {
            if let [b'\r', b'\n', b' ' | b'\t', ..] = head[at..] {
                head[at..at + 2].fill(b' ');
                folded = true;
            }
        }
        self.looked &= !folded;
        folded
    }

    /// Drops the bytes of the body. Returns whether the body is complete.
    pub(super) fn skip_body(&mut self) -> bool {
        loop {
            let there = self.rest().len();
            let body = self.body;
            match body {
                Body::None => return true,
                Body::UntilEof => {
                    self.drop_front(there, Body::UntilEof);
                    return false;
                }
                Body::Length(left) if left > there as u64 => {
                    self.drop_front(there, Body::Length(left - there as u64));
                    return false;
                }
                Body::Chunk(left) if left > there as u64 => {
                    self.drop_front(there, Body::Chunk(left - there as u64));
                    return false;
                }
                Body::Length(left) => self.drop_front(left as usize, Body::None),
                Body::Chunk(left) => self.drop_front(left as usize, Body::ChunkSize),
                Body::ChunkSize | Body::Trailers if !self.look() => return false,
                Body::ChunkSize => match httparse::parse_chunk_size(self.rest()) {
                    Ok(Status::Complete((line, 0))) => self.drop_front(line, Body::Trailers),
                    // The chunk, and the line end after it.
                    Ok(Status::Complete((line, size))) => {
                        self.drop_front(line, Body::Chunk(size.saturating_add(2)));
                    }
                    Ok(Status::Partial) if self.may_grow() => return false,
                    _ => self.body = Body::UntilEof,
                },
                Body::Trailers => match self.rest().iter().position(|byte| *byte == b'\n') {
                    Some(end) if self.rest()[..end].trim_ascii().is_empty() => {
                        self.drop_front(end + 1, Body::None);
                    }
                    Some(end) => self.drop_front(end + 1, Body::Trailers),
                    None if self.may_grow() => return false,
                    None => self.body = Body::UntilEof,
                },
            }
        }
    }

    pub(super) fn drop_front(&mut self, len: usize, next: Body) {
        self.done += len;
        self.looked = false;
        self.body = next;
    }
}
