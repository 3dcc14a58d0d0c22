//! The file of a page. A regular file is replaced at the end, so that an older page survives a run
//! that fails; anything else, for example a pipe, is written directly.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::command::overwriting::Kind;
use crate::input::interrupt;

const PAGE: Kind =
    Kind { option: "--html", name: "page", form: "an HTML page", start: b"<!DOCTYPE html>" };

/// The most symbolic links that lead to a file.
const LINKS: usize = 40;

/// A file for a page, which is not changed yet.
pub(crate) struct Page {
    /// The name, as it was given.
    name: PathBuf,
    target: Target,
}

enum Target {
    /// Standard output itself.
    Stdout,
    /// A pipe or a device.
    Direct(File),
    /// A regular file that a descriptor of this process has, or whose folder takes no new file.
    InPlace(PathBuf),
    /// A regular file, without its symbolic links. It may not exist.
    Replace(PathBuf),
}

impl Page {
    /// Checks that a page can be written. Only an older page or an empty file may be overwritten: if
    /// the user forgets the name of the page, the next argument is a capture.
    pub(crate) fn new(name: &Path) -> Result<Self, String> {
        let target = Target::new(name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => PAGE.exists(name),
            _ => PAGE.cannot_write(name, &error),
        })?;
        Ok(Self { name: name.to_owned(), target })
    }

    /// Returns whether the file has an older page.
    pub(crate) fn is_older(&self) -> bool {
        match &self.target {
            Target::Stdout | Target::Direct(_) => false,
            Target::InPlace(path) | Target::Replace(path) => {
                fs::metadata(path).is_ok_and(|older| older.len() > 0)
            }
        }
    }

    /// Returns the name, as it was given.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Writes the page.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), String> {
        self.target.write(write).map_err(|error| PAGE.cannot_write(&self.name, &error))
    }
}

impl Target {
    /// An error `AlreadyExists` means that the file is something else than a page.
    fn new(name: &Path) -> io::Result<Self> {
        let file = match fs::metadata(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = without_links(name)?;
                drop(beside(&path)?);
                return Ok(Self::Replace(path));
            }
            Err(error) => return Err(error),
        };
        if is_stdout(&file) {
            return Ok(Self::Stdout);
        }
        if file.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if is_disk(&file) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !file.is_file() {
            // Nothing is read: a pipe would wait for ever.
            return Ok(Self::Direct(OpenOptions::new().write(true).open(name)?));
        }
        if !PAGE.may_overwrite(name)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A file that may not be written is not replaced, although its folder would allow it.
        OpenOptions::new().write(true).open(name)?;
        if name.starts_with("/dev") || name.starts_with("/proc") {
            return Ok(Self::InPlace(name.to_owned()));
        }
        let path = fs::canonicalize(name)?;
        Ok(match beside(&path) {
            Ok(_) => Self::Replace(path),
            Err(_) => Self::InPlace(path),
        })
    }

    fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Stdout => buffered(&mut io::stdout().lock(), write),
            Self::Direct(mut file) => buffered(&mut file, write),
            Self::InPlace(path) => buffered(&mut File::create(path)?, write),
            Self::Replace(path) => {
                let mut file = beside(&path)?;
                interrupt::also_remove(Some(file.path()));
                let written = buffered(file.as_file_mut(), write).and_then(|()| {
                    if let Ok(older) = fs::metadata(&path) {
                        keep(&file, &older)?;
                    }
                    file.persist(&path).map_err(|error| error.error)
                });
                interrupt::also_remove(None);
                written.map(drop)
            }
        }
    }
}

fn buffered(
    file: &mut impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

/// Creates a temporary file beside a file, with the permissions of a new file.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".wsvet-").suffix(".html");
    #[cfg(unix)]
    let permissions = <Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    // The error of the library names the temporary file, which nobody knows.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}

/// Gives a file the permissions of the older file, and its owner if that is allowed.
fn keep(file: &NamedTempFile, older: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};

        let own = file.as_file().metadata()?;
        if (own.uid(), own.gid()) != (older.uid(), older.gid()) {
            let _ = fchown(file.as_file(), Some(older.uid()), Some(older.gid()));
        }
    }
    file.as_file().set_permissions(older.permissions())
}

/// Follows the symbolic links to a file that does not exist.
fn without_links(name: &Path) -> io::Result<PathBuf> {
    let mut path = name.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Returns whether this is the file, pipe or device of standard output.
fn is_stdout(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::MetadataExt;

        let own =
            io::stdout().as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
        own.is_ok_and(|own| (own.dev(), own.ino()) == (file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Returns whether this is a whole disk.
fn is_disk(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        file.file_type().is_block_device()
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}
