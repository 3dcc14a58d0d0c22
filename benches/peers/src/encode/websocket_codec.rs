//! websocket-codec: its `MessageCodec`, as an encoder.

use bytes::BytesMut;
use tokio_util::codec::Encoder;
use websocket_codec::{Message, MessageCodec};

use super::{Encode, Outgoing, empty};
use crate::contender::{About, Judges};

/// `MessageCodec::encode`.
pub struct WebsocketCodec;

impl Encode for WebsocketCodec {
    const ABOUT: About = About {
        name: "websocket-codec",
        package: "websocket-codec",
        interface: "MessageCodec::encode of a &Message, into BytesMut",
        does: "masks the payload while it copies it, four bytes at a time",
        differs: "draws its own random key for each frame; grows the buffer where it must",
        judges: Judges::NOTHING,
    };

    type Output = (MessageCodec, Vec<Message>, BytesMut);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let messages = outgoing.frames().map(|(_, payload)| Message::binary(payload.to_vec()));
        let messages = messages.collect();
        (MessageCodec::with_masked_encode(outgoing.masked), messages, empty(outgoing))
    }

    fn encode((codec, messages, out): &mut Self::Output, _: &Outgoing) -> Result<(), String> {
        for message in messages {
            codec.encode(&*message, out).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn written((_, _, out): &Self::Output) -> &[u8] {
        out
    }
}
