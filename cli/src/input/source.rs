//! An input as it is opened and read: a file, perhaps one that grows, a pipe or a terminal.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::input::answer::reason;
use crate::input::interrupt;

/// How often a file that is followed is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// An open input.
pub(crate) struct Source {
    file: File,
    /// The length in bytes, if it is known.
    len: Option<u64>,
    growth: Option<Growth>,
}

/// What is known of a file that is followed.
struct Growth {
    /// `None` for standard input.
    path: Option<PathBuf>,
    /// The number of bytes that were read.
    read: u64,
    /// Whether the path had another file, or none, when it was looked at.
    gone: bool,
    told: Told,
}

/// Why following a file has ended, if it has.
pub(crate) type Told = Arc<OnceLock<&'static str>>;

/// The inputs that can be read only once.
#[derive(Default)]
pub(crate) struct Once(Vec<Identity>);

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

impl Source {
    /// Opens an input. If `follow` has a place for the reason of its end, a regular file is read as it
    /// grows.
    pub(crate) fn open(
        path: &Path,
        follow: Option<&Told>,
        once: &mut Once,
    ) -> Result<Self, String> {
        let standard = path == Path::new("-");
        let file = if standard { standard_input() } else { open(path) };
        let file = file.map_err(|error| reason(&error))?;
        let data = file.metadata().map_err(|error| reason(&error))?;
        if data.is_dir() {
            return Err("this is a folder: give the files in it".to_owned());
        }
        if !data.is_file() {
            once.add(&data)?;
            if is_device(&data) && !file.is_terminal() && !is_empty(&file) {
                return Err(
                    "this is a device: write what it gives to a file, or give a pipe".into()
                );
            }
        }
        let path = (!standard).then(|| path.to_owned());
        let growth = follow.filter(|_| data.is_file()).map(|told| {
            let told = Arc::clone(told);
            Growth { path, read: 0, gone: false, told }
        });
        let len = Some(data.len()).filter(|_| data.is_file() && growth.is_none());
        Ok(Self { file, len, growth })
    }

    /// Returns the length in bytes, if it is known.
    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !interrupt::is_stopped() {
            #[cfg(unix)]
            if self.len.is_none() && self.growth.is_none() {
                interrupt::wait(Some(std::os::fd::AsFd::as_fd(&self.file)), None);
                if interrupt::is_stopped() {
                    break;
                }
            }
            match (self.file.read(out), &mut self.growth) {
                (Ok(0), Some(growth)) if !out.is_empty() => {
                    if growth.has_ended(&self.file) {
                        return Ok(0);
                    }
                    interrupt::pause(PAUSE);
                }
                (Ok(len), growth) => {
                    if let Some(growth) = growth {
                        growth.read += len as u64;
                        growth.gone = false;
                    }
                    return Ok(len);
                }
                // A pipe is opened without waiting for its writer.
                (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => {}
                (error, _) => return error,
            }
        }
        Ok(0)
    }
}

impl Growth {
    /// Returns whether the file, all of which was read, can no longer be followed.
    fn has_ended(&mut self, file: &File) -> bool {
        let Ok(data) = file.metadata() else { return false };
        let why = if data.len() < self.read {
            "the file was truncated: what was written after that is not read"
        } else if self.path.as_ref().is_some_and(|path| !is_same(path, &data)) {
            // The last bytes may come late.
            if !std::mem::replace(&mut self.gone, true) {
                return false;
            }
            "the file was removed or replaced: what the new file has is not read"
        } else {
            return false;
        };
        let _ = self.told.set(why);
        true
    }
}

impl Once {
    /// Returns an error if this input was read.
    fn add(&mut self, data: &Metadata) -> Result<(), String> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;

            let identity = (data.dev(), data.ino());
            if self.0.contains(&identity) {
                return Err("this input was read already, and can be read only once".to_owned());
            }
            self.0.push(identity);
        }
        #[cfg(not(unix))]
        let _ = (data, &self.0);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    // The writer of a named pipe may come late, and Ctrl-C before it.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

        if std::fs::metadata(path).is_ok_and(|data| data.file_type().is_fifo()) {
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        }
    }
    options.open(path)
}

#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;

    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;

    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Returns whether this is a device, which may have no end.
fn is_device(data: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        data.file_type().is_char_device() || data.file_type().is_block_device()
    }
    #[cfg(not(unix))]
    {
        let _ = data;
        false
    }
}

/// Returns whether a device has nothing to read, as `/dev/null`.
fn is_empty(mut device: &File) -> bool {
    matches!(device.read(&mut [0]), Ok(0))
}

/// Returns whether this path still has this file.
fn is_same(path: &Path, data: &Metadata) -> bool {
    let now = std::fs::metadata(path);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        now.is_ok_and(|now| (now.dev(), now.ino()) == (data.dev(), data.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = data;
        now.is_ok()
    }
}
