//! Without the feature `deflate` no message is compressed.

use std::vec::Vec;

use crate::{Header, InvalidMessage, Message, OpCode, Rule};

/// There is none, ever.
#[derive(Debug)]
pub(super) enum Compression {}

impl Compression {
    pub(super) fn begin(&mut self, _: &Header) {
        match *self {}
    }

    pub(super) fn piece(&mut self, _: &Header, _: &[u8], _: bool) -> Result<(), Rule> {
        match *self {}
    }

    pub(super) fn message(
        &mut self,
        _: &Header,
    ) -> Option<Result<Option<Message>, InvalidMessage>> {
        match *self {}
    }

    pub(super) fn deflate(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        match *self {}
    }

    pub(super) fn takes(&self, _: &Header) -> Option<OpCode> {
        match *self {}
    }

    pub(super) fn take_back(&mut self, _: Vec<u8>) {
        match *self {}
    }
}
