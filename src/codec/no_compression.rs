//! The replacement of `compression` without the feature `deflate`: no message is compressed.

use std::vec::Vec;

use bytes::Bytes;

use super::{Budget, Prepared};
use crate::{Header, InvalidMessage, Message, Validator, Violation};

/// A type without values, so that none of its methods is ever called.
#[derive(Debug)]
pub(super) enum DeflateState {}

impl DeflateState {
    pub(super) fn set_budget(&mut self, _: &Budget) {
        match *self {}
    }

    pub(super) fn is_over_budget(&self) -> bool {
        match *self {}
    }

    pub(super) fn set_max_message(&mut self, _: &Validator, _: u64) {
        match *self {}
    }

    pub(super) fn begin(&mut self, _: &Validator, _: &Header) {
        match *self {}
    }

    pub(super) fn takes_frame(&self) -> bool {
        match *self {}
    }

    pub(super) fn payload(&mut self, _: &[u8]) -> Result<(), Violation> {
        match *self {}
    }

    pub(super) fn finish(&mut self, _: &Validator) -> Result<(), Violation> {
        match *self {}
    }

    pub(super) fn message(
        &mut self,
        _: &Validator,
        _: &Header,
    ) -> Option<Result<Option<Message>, InvalidMessage>> {
        match *self {}
    }

    pub(super) fn deflate(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        match *self {}
    }

    pub(super) fn prepared<'a>(&self, _: &'a Prepared) -> Option<(usize, &'a Bytes)> {
        match *self {}
    }

    pub(super) fn take_back(&mut self, _: Vec<u8>) {
        match *self {}
    }
}
