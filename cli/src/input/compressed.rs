//! Inputs that are compressed with gzip or zstd.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, OnceLock};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The largest window of zstd, in bytes: what its own tool takes unless it is told otherwise.
const MAX_WINDOW: u64 = 128 << 20;

/// Why decompressing has stopped before the end, if it has.
pub(crate) type Fault = Arc<OnceLock<String>>;

/// How an input is compressed.
#[derive(Clone, Copy)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Returns how the input that starts with these bytes is compressed, if it is.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            // A frame, or one that is skipped.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the decompressed input. If the data is cut or damaged, the input ends there, and `fault` has the
    /// reason.
    pub(crate) fn read<'a>(
        self,
        input: impl Read + Send + 'a,
        fault: &Fault,
    ) -> Box<dyn Read + Send + 'a> {
        let data: Box<dyn Read + Send + 'a> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Zstd => {
                Box::new(Zstd { input: BufReader::new(input), frame: FrameDecoder::new() })
            }
        };
        Box::new(Decompressed { data, name: self.name(), fault: Arc::clone(fault) })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The bytes that are read before it is known whether they are compressed.
const START: u64 = 64 << 10;

/// Returns the content of an input, decompressed if it is compressed once.
pub(crate) fn content<'a>(
    mut input: impl Read + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = Vec::new();
    // A reader of captures expects the header of the file in what it reads first.
    input.by_ref().take(START).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let input = io::Cursor::new(start).chain(input);
    Ok(match compression {
        Some(compression) => compression.read(input, &Fault::default()),
        None => Box::new(input),
    })
}

/// Decompressed data, which ends at a fault.
struct Decompressed<'a> {
    data: Box<dyn Read + Send + 'a>,
    name: &'static str,
    fault: Fault,
}

impl Read for Decompressed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.fault.get().is_some() {
            return Ok(0);
        }
        match self.data.read(out) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let why = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "cut".to_owned(),
                    _ => format!("damaged ({error})"),
                };
                let told = format!("the {} data is {why}: the rest was not read", self.name);
                let _ = self.fault.set(told);
                Ok(0)
            }
            read => read,
        }
    }
}

/// The content of all frames of zstd, one after the other.
struct Zstd<R> {
    input: BufReader<R>,
    frame: FrameDecoder,
}

impl<R: Read> Zstd<R> {
    /// Starts the next frame that is not skipped. Returns whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            // Resetting the decoder would take memory for the window that the frame announces.
            self.frame = FrameDecoder::new();
            self.frame.set_max_window_size(MAX_WINDOW);
            match self.frame.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.input.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.reason(error)),
            }
        }
        Ok(false)
    }

    /// Returns the error about a frame. It is cut if nothing is left of the input.
    fn reason(&mut self, error: FrameDecoderError) -> io::Error {
        let at_end = self.input.fill_buf().is_ok_and(<[u8]>::is_empty);
        if at_end { io::ErrorKind::UnexpectedEof.into() } else { io::Error::other(error) }
    }

    /// Compares the checksum of a frame that was read.
    fn check(&self) -> io::Result<()> {
        let (written, counted) =
            (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum());
        if written.is_some() && written != counted {
            return Err(io::Error::other("the checksum of a frame is wrong"));
        }
        Ok(())
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.frame.can_collect() == 0 {
            if self.frame.is_finished() {
                self.check()?;
                if !self.next_frame()? {
                    return Ok(0);
                }
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(error) = self.frame.decode_blocks(&mut self.input, one) {
                    return Err(self.reason(error));
                }
            }
        }
        self.frame.read(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    /// Frames of zstd, with one between them that is skipped.
    fn skipping(content: &[u8]) -> Vec<u8> {
        let (one, other) = content.split_at(content.len() / 2);
        let skipped: &[u8] = &[0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
        [skipped, &zstd(one), &zstd(b""), skipped, &zstd(other), skipped].concat()
    }

    fn content() -> Vec<u8> {
        (0..70_000u32).flat_map(|number| number.wrapping_mul(number).to_le_bytes()).collect()
    }

    fn read(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let fault = Fault::default();
        let mut content = Vec::new();
        let compression = Compression::of(bytes).unwrap();
        compression.read(bytes, &fault).read_to_end(&mut content).unwrap();
        (content, fault.get().cloned())
    }

    #[test]
    fn all_members_and_frames_are_read() {
        let content = content();
        let members = [gzip(&content[..9]), gzip(b""), gzip(&content[9..])].concat();
        for bytes in [gzip(&content), members, zstd(&content), skipping(&content)] {
            let (read, fault) = read(&bytes);
            assert_eq!(fault, None);
            assert!(read == content);
        }
    }

    #[test]
    fn every_cut_is_said() {
        let content = &content()[..600];
        for bytes in [gzip(content), zstd(content), skipping(content)] {
            for len in 4..bytes.len() {
                let (read, fault) = read(&bytes[..len]);
                assert!(content.starts_with(&read));
                // Between two frames, nothing is missing.
                let fault = fault.unwrap_or_else(|| "cut".to_owned());
                assert!(fault.contains("cut"), "{len}: {fault}");
            }
        }
        let (_, fault) = read(&gzip(content)[..40]);
        assert_eq!(fault.as_deref(), Some("the gzip data is cut: the rest was not read"));
    }

    #[test]
    fn every_changed_byte_comes_to_an_end() {
        let content = &content()[..300];
        for bytes in [gzip(content), zstd(content), skipping(content)] {
            for at in 4..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x55;
                let _ = read(&bytes);
            }
        }
    }

    #[test]
    fn a_window_that_is_announced_takes_no_memory() {
        // The frame announces the largest window, and has nothing.
        let (read, fault) = read(&[0x28, 0xB5, 0x2F, 0xFD, 0, 0xF8]);
        assert!(read.is_empty());
        assert!(fault.is_some());
    }
}
