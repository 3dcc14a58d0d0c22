//! The traits of `tokio_util::codec`, over the methods with the same names.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::{Error, Frames, Messages};
use crate::{FrameBuf, Message};

/// See [`Frames::decode`] and [`Frames::decode_eof`].
impl Decoder for Frames {
    type Item = FrameBuf;
    type Error = Error;

    #[inline]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        Self::decode(self, src)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        Self::decode_eof(self, src)
    }
}

/// See [`Frames::encode`].
impl Encoder<FrameBuf> for Frames {
    type Error = Error;

    #[inline]
    fn encode(&mut self, frame: FrameBuf, dst: &mut BytesMut) -> Result<(), Error> {
        Self::encode(self, frame, dst)
    }
}

/// See [`Messages::decode`] and [`Messages::decode_eof`].
impl Decoder for Messages {
    type Item = Message;
    type Error = Error;

    #[inline]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        Self::decode(self, src)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        Self::decode_eof(self, src)
    }
}

/// See [`Messages::encode`].
impl Encoder<Message> for Messages {
    type Error = Error;

    #[inline]
    fn encode(&mut self, message: Message, dst: &mut BytesMut) -> Result<(), Error> {
        Self::encode(self, message, dst)
    }
}
