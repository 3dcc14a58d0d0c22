//! The files that the tool writes, and which of them it may overwrite. If the user forgets the name of a file,
//! the next argument may be a capture.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// A kind of file that an option names.
pub(crate) struct Kind {
    pub(crate) option: &'static str,
    /// What it is called.
    pub(crate) name: &'static str,
    /// What an older file must be.
    pub(crate) form: &'static str,
    /// The bytes with which such a file begins.
    pub(crate) start: &'static [u8],
}

impl Kind {
    /// Creates the file, or empties it if it may be overwritten.
    pub(crate) fn create(&self, path: &Path) -> Result<File, String> {
        match self.may_overwrite(path) {
            Ok(true) => File::create(path).map_err(|error| self.cannot_write(path, &error)),
            Ok(false) => Err(self.exists(path)),
            Err(error) => Err(self.cannot_write(path, &error)),
        }
    }

    /// Returns whether a file may be overwritten: it does not exist, is no regular file (a pipe, for
    /// example), is empty, or is of this kind.
    pub(crate) fn may_overwrite(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            // Nothing is read from a pipe: it would wait for ever.
            Ok(file) if !file.is_file() || file.len() == 0 => return Ok(true),
            found => found?,
        };
        let mut start = Vec::new();
        File::open(path)?.take(self.start.len() as u64).read_to_end(&mut start)?;
        Ok(start == self.start)
    }

    /// Returns the error for a file that may not be overwritten.
    pub(crate) fn exists(&self, path: &Path) -> String {
        let (path, Self { option, form, .. }) = (path.display(), self);
        format!("{path}: the file exists and is not {form}: give {option} another file name")
    }

    /// Returns the error for a file that cannot be written.
    pub(crate) fn cannot_write(&self, path: &Path, error: &impl Display) -> String {
        format!("{}: cannot write the {}: {error}", path.display(), self.name)
    }
}
