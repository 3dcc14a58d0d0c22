//! Key logs: the secrets of TLS connections, in the format that `SSLKEYLOGFILE` names (RFC 9850).

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::transport::tls::hello::{Random, Session};

/// The longest line that may be of a key log, in bytes.
const LONGEST_LINE: usize = 512;

/// The most connections whose secrets are kept.
const MOST: usize = 1 << 20;

/// The most sessions of TLS 1.2 that are kept.
const MOST_SESSIONS: usize = 1 << 14;

/// The longest secret, in bytes: a value of SHA-384.
const LONGEST_SECRET: usize = 48;

/// The work that all searches for the key of a connection without a handshake may take, in bytes that
/// are decrypted.
const SEARCH: u64 = 1 << 30;

/// The secrets of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// The master secret of TLS 1.2.
    Master,
    ClientEarly,
    ClientHandshake,
    ServerHandshake,
    ClientTraffic,
    ServerTraffic,
}

/// The names in a key log, in the order of [`Label`].
const NAMES: [&[u8]; 6] = [
    b"CLIENT_RANDOM",
    b"CLIENT_EARLY_TRAFFIC_SECRET",
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
];

/// A secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    bytes: [u8; LONGEST_SECRET],
    len: u8,
}

/// The secrets of one connection.
#[derive(Clone, Copy, Default)]
pub(super) struct Secrets {
    all: [Option<Secret>; NAMES.len()],
    /// The index of the source of the last of them.
    source: usize,
}

/// The secrets of all connections, and where they are from.
#[derive(Default)]
pub struct KeyLog {
    secrets: HashMap<Random, Secrets>,
    /// The secrets of sessions that may be resumed: not every program writes them again.
    sessions: HashMap<Session, Secrets>,
    /// The sessions, the oldest one first.
    order: VecDeque<Session>,
    sources: Vec<Source>,
    /// The index of the source that others precede.
    fallback: Option<usize>,
    /// The number of secrets so far.
    count: u64,
    /// Whether the files may grow while they are read.
    grows: bool,
    /// The work that searches took, in bytes.
    searched: u64,
}

/// A file or a capture that has keys.
struct Source {
    name: String,
    file: Option<FileSource>,
    /// The start of a line whose end has not come.
    rest: Vec<u8>,
    /// The number of secrets.
    secrets: u64,
    /// The number of lines that are no key log.
    foreign: u64,
    /// The number of connections that it decrypted.
    used: u64,
    /// Whether it was said that it has no keys.
    is_told: bool,
}

struct FileSource {
    path: PathBuf,
    /// The number of bytes that were read.
    read: u64,
}

impl Secret {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.into()]
    }

    pub(super) fn new(of: &[u8]) -> Option<Self> {
        let mut bytes = [0; LONGEST_SECRET];
        bytes.get_mut(..of.len())?.copy_from_slice(of);
        Some(Self { bytes, len: of.len() as u8 })
    }
}

impl Secrets {
    pub(super) fn get(&self, label: Label) -> Option<&Secret> {
        self.all[label as usize].as_ref()
    }
}

impl KeyLog {
    /// Creates a key log without keys. `grows` says whether its files may grow while they are read.
    pub fn new(grows: bool) -> Self {
        Self { grows, ..Self::default() }
    }

    /// Adds a file. A file that may grow need not exist yet.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn add_file(&mut self, path: &Path) -> io::Result<()> {
        let file = Some(FileSource { path: path.to_owned(), read: 0 });
        let name = path.display().to_string();
        self.sources.push(Source::new(name, file));
        let index = self.sources.len() - 1;
        match self.read(index) {
            Err(error) if self.grows && error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => {
                self.sources[index].is_told = done.is_err();
                done
            }
        }
    }

    /// Adds a file that a variable of the environment names, if it can be read. Other sources come first,
    /// and nothing is said of it unless it is used.
    pub fn add_file_of(&mut self, variable: &str, path: &Path) {
        if path.is_file() && self.add_file(path).is_ok() {
            let index = self.sources.len() - 1;
            let source = &mut self.sources[index];
            source.name = format!("{}, which {variable} names", source.name);
            self.fallback = Some(index);
        }
    }

    /// Adds the secrets in a block of a capture. `name` says what it is.
    pub fn add_text(&mut self, name: &str, text: &[u8]) {
        let index = self.sources.iter().position(|source| source.name == name);
        let index = index.unwrap_or_else(|| {
            self.sources.push(Source::new(name.to_owned(), None));
            self.sources.len() - 1
        });
        self.take(index, text);
        self.take(index, b"\n");
    }

    /// Returns whether there is a source of keys.
    pub fn has_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Returns whether keys may come after the records that they decrypt.
    pub fn may_grow(&self) -> bool {
        self.grows && self.sources.iter().any(|source| source.file.is_some())
    }

    /// Returns sentences about the sources: which were used, and which have no keys.
    pub fn notices(&mut self) -> Vec<String> {
        let mut notices = Vec::new();
        for (index, source) in self.sources.iter_mut().enumerate() {
            let Source { name, used, secrets, foreign, .. } = source;
            let connections = match std::mem::take(used) {
                0 => None,
                1 => Some("1 TLS connection was".to_owned()),
                more => Some(format!("{more} TLS connections were")),
            };
            if let Some(connections) = connections {
                notices.push(format!("{connections} decrypted with the keys of {name}"));
            }
            if *secrets == 0 && !std::mem::replace(&mut source.is_told, true) {
                if self.fallback == Some(index) {
                    continue;
                }
                let what = match std::mem::take(foreign) {
                    0 => "it has no keys",
                    _ => {
                        "its lines are not those of a key log, such as CLIENT_RANDOM and two hex values"
                    }
                };
                notices.push(format!("no keys in {name}: {what}"));
            }
        }
        notices
    }

    /// Reads what has come since the last time, if files may grow.
    pub(super) fn refresh(&mut self) {
        if self.grows {
            // A file that is not there yet, or no longer, has no new keys.
            (0..self.sources.len()).for_each(|index| drop(self.read(index)));
        }
    }

    /// Returns the number of secrets so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the secrets of the connection whose ClientHello has this random value.
    pub(super) fn get(&self, random: &Random) -> Option<&Secrets> {
        self.secrets.get(random)
    }

    /// Returns the secrets of the session that is resumed.
    pub(super) fn session(&self, session: &Session) -> Option<&Secrets> {
        self.sessions.get(session)
    }

    /// Keeps the secrets of a session that may be resumed.
    pub(super) fn keep_session(&mut self, session: Session, secrets: &Secrets) {
        if self.sessions.insert(session, *secrets).is_some() {
            return;
        }
        self.order.push_back(session);
        if self.order.len() > MOST_SESSIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.sessions.remove(&oldest);
        }
    }

    /// Returns the secrets of all connections.
    pub(super) fn all(&self) -> impl Iterator<Item = &Secrets> {
        self.secrets.values()
    }

    /// Counts a connection that these secrets decrypted.
    pub(super) fn used(&mut self, secrets: &Secrets) {
        if let Some(source) = self.sources.get_mut(secrets.source) {
            source.used += 1;
        }
    }

    /// Counts the work of a search, and returns whether there may be more.
    pub(super) fn may_search(&mut self, bytes: usize) -> bool {
        self.searched += bytes as u64;
        self.searched <= SEARCH
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        let Some(FileSource { path, read }) = &mut self.sources[index].file else { return Ok(()) };
        let before = *read;
        if before > 0 {
            let len = path.metadata()?.len();
            if len == before {
                return Ok(());
            }
            if len < before {
                // Somebody started it anew.
                *read = 0;
            }
        }
        let mut file = File::open(&*path)?;
        if *read > 0 {
            file.seek(SeekFrom::Start(*read))?;
        }
        let mut piece = vec![0; 64 << 10];
        loop {
            let len = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if let Some(file) = &mut self.sources[index].file {
                file.read += len as u64;
            }
            self.take(index, &piece[..len]);
        }
        if !self.grows {
            self.take(index, b"\n");
        }
        Ok(())
    }

    /// Takes the next bytes of a source.
    fn take(&mut self, index: usize, bytes: &[u8]) {
        let Self { secrets, sources, count, fallback, .. } = self;
        let source = &mut sources[index];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if source.rest.len() + piece.len() <= LONGEST_LINE {
                source.rest.extend_from_slice(piece);
            } else {
                // Too long, whatever follows. The line end is kept.
                source.rest.resize(LONGEST_LINE, b' ');
                source.rest[0] = b'?';
            }
            if piece.last() != Some(&b'\n') {
                continue;
            }
            let line = std::mem::take(&mut source.rest);
            match parse(&line) {
                Line::Secret(random, label, secret) => {
                    let is_known = secrets.contains_key(&random);
                    if !is_known && secrets.len() >= MOST {
                        continue;
                    }
                    let of = secrets.entry(random).or_default();
                    source.secrets += 1;
                    *count += 1;
                    // The sources come in the order of their precedence.
                    if of.all[label as usize].is_none() || Some(of.source) == *fallback {
                        of.all[label as usize] = Some(secret);
                        of.source = index;
                    }
                }
                Line::Other => {}
                Line::Foreign => source.foreign += 1,
            }
        }
    }
}

impl Source {
    fn new(name: String, file: Option<FileSource>) -> Self {
        Self { name, file, rest: Vec::new(), secrets: 0, foreign: 0, used: 0, is_told: false }
    }
}

/// A line of a key log.
enum Line {
    Secret(Random, Label, Secret),
    /// A comment, or a label that is not needed.
    Other,
    Foreign,
}

fn parse(line: &[u8]) -> Line {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Line::Other;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(name), Some(random), Some(secret), None) =
        (words.next(), words.next().map(hex), words.next().map(hex), words.next())
    else {
        return Line::Foreign;
    };
    let (Some(random), Some(secret)) = (random, secret) else { return Line::Foreign };
    use Label::{
        ClientEarly, ClientHandshake, ClientTraffic, Master, ServerHandshake, ServerTraffic,
    };
    const LABELS: [Label; NAMES.len()] =
        [Master, ClientEarly, ClientHandshake, ServerHandshake, ClientTraffic, ServerTraffic];
    let Some(label) = NAMES.iter().position(|known| *known == name).map(|index| LABELS[index])
    else {
        return Line::Other;
    };
    let fits = match label {
        Label::Master => secret.len() == 48,
        _ => matches!(secret.len(), 32 | 48),
    };
    match (Random::try_from(random), Secret::new(&secret)) {
        (Ok(random), Some(secret)) if fits => Line::Secret(random, label, secret),
        _ => Line::Foreign,
    }
}

/// Reads hex digits.
fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(byte: &str) -> String {
        byte.repeat(32)
    }

    #[test]
    fn lines_may_be_cut_anywhere_and_others_are_passed_over() {
        let text = format!(
            "# a comment\r\n\nCLIENT_RANDOM {} {}\r\nEXPORTER_SECRET {} {}\nnot a key log\n\
             CLIENT_RANDOM {} 00\n{}\nSERVER_TRAFFIC_SECRET_0  {} {}\n",
            random("0a"),
            "1B".repeat(48),
            random("0a"),
            random("00"),
            random("0c"),
            "x".repeat(2000),
            random("0a"),
            random("2c"),
        );
        for size in [1, 7, 100, text.len()] {
            let mut log = KeyLog::new(false);
            log.sources.push(Source::new("log".to_owned(), None));
            text.as_bytes().chunks(size).for_each(|piece| log.take(0, piece));
            let secrets = log.get(&[0x0A; 32]).unwrap();
            assert_eq!(secrets.get(Label::Master).unwrap().bytes(), [0x1B; 48]);
            assert_eq!(secrets.get(Label::ServerTraffic).unwrap().bytes(), [0x2C; 32]);
            assert!(secrets.get(Label::ClientTraffic).is_none());
            assert_eq!((log.count(), log.sources[0].foreign, log.secrets.len()), (2, 3, 1));
        }
    }

    #[test]
    fn a_file_may_grow_start_anew_and_come_late() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.log");
        assert!(KeyLog::new(false).add_file(&path).is_err());
        let mut log = KeyLog::new(true);
        log.add_file(&path).unwrap();
        let line = |byte: &str| format!("CLIENT_RANDOM {} {}\n", random(byte), "00".repeat(48));
        let (one, two) = (line("01"), line("02"));
        std::fs::write(&path, &one[..80]).unwrap();
        log.refresh();
        assert_eq!(log.count(), 0);
        std::fs::write(&path, &one).unwrap();
        log.refresh();
        log.refresh();
        assert_eq!(log.count(), 1);
        std::fs::write(&path, format!("{one}{two}")).unwrap();
        log.refresh();
        assert!(log.get(&[2; 32]).is_some());
        std::fs::write(&path, line("03")).unwrap();
        log.refresh();
        assert!(log.get(&[3; 32]).is_some());
    }

    #[test]
    fn few_sessions_are_kept() {
        let mut log = KeyLog::new(false);
        let session = |n: usize| std::array::from_fn(|at| (n >> (8 * at.min(3))) as u8);
        (0..MOST_SESSIONS + 2).for_each(|n| log.keep_session(session(n), &Secrets::default()));
        log.keep_session(session(7), &Secrets::default());
        assert_eq!((log.sessions.len(), log.order.len()), (MOST_SESSIONS, MOST_SESSIONS));
        assert!(log.session(&session(1)).is_none() && log.session(&session(2)).is_some());
    }

    #[test]
    fn what_was_used_is_told_once() {
        let mut log = KeyLog::new(false);
        log.add_text("the capture", b"nothing");
        assert_eq!(log.notices().len(), 1);
        let line = format!("CLIENT_RANDOM {} {}", random("01"), "00".repeat(48));
        log.add_text("the capture", line.as_bytes());
        let secrets = *log.get(&[1; 32]).unwrap();
        log.used(&secrets);
        log.used(&secrets);
        let expected = ["2 TLS connections were decrypted with the keys of the capture"];
        assert_eq!(log.notices(), expected);
        assert!(log.notices().is_empty());
    }
}
