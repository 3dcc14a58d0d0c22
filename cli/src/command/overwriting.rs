//! Which files may be overwritten. If the user forgets the name of a file, the next argument may be a capture.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Returns whether a file may be overwritten: it does not exist, is no regular file (a pipe, for example),
/// is empty, or begins with `start`.
pub(crate) fn may_overwrite(path: &Path, start: &[u8]) -> io::Result<bool> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        // Nothing is read from a pipe: it would wait for ever.
        Ok(file) if !file.is_file() || file.len() == 0 => return Ok(true),
        found => found?,
    };
    let mut found = Vec::new();
    File::open(path)?.take(start.len() as u64).read_to_end(&mut found)?;
    Ok(found == start)
}
