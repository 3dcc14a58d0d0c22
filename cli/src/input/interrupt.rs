//! Ctrl-C: the first ends all inputs, so that what comes last is still printed; the second ends the
//! process at once. SIGTERM does the same.
//!
//! The state belongs to the process, as its signals do.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

/// The signal that came, [`STOPPED`] if the inputs end without one, or 0.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

const STOPPED: i32 = -1;

/// The file that is removed if the second signal ends the process.
static REMOVED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Whether all inputs end if the reader of the output has gone.
static ENDS_WITH_READER: AtomicBool = AtomicBool::new(false);

/// Makes all inputs end as soon as the reader of the output has gone. Without this, the tool notices
/// it only when it writes.
pub(crate) fn end_with_reader() {
    ENDS_WITH_READER.store(true, Ordering::SeqCst);
}

/// Ends all inputs as if a signal had come.
pub(crate) fn stop() {
    let _ = SIGNAL.compare_exchange(0, STOPPED, Ordering::SeqCst, Ordering::SeqCst);
}

/// Returns whether all inputs have to end.
pub(crate) fn is_stopped() -> bool {
    SIGNAL.load(Ordering::SeqCst) != 0
}

/// Returns the signal that came, if any.
pub(crate) fn signal() -> Option<i32> {
    Some(SIGNAL.load(Ordering::SeqCst)).filter(|signal| *signal > 0)
}

/// Sets the file that is removed if a second signal ends the process.
pub(crate) fn also_remove(path: Option<&Path>) {
    if let Ok(mut removed) = REMOVED.lock() {
        *removed = path.map(Path::to_owned);
    }
}

/// Returns after this time, or as soon as all inputs have to end.
pub(crate) fn pause(time: Duration) {
    #[cfg(unix)]
    signals::wait(None, Some(time));
    #[cfg(not(unix))]
    std::thread::sleep(time);
}

#[cfg(unix)]
pub(crate) use signals::{end, listen, wait};

/// Without signals, Ctrl-C ends the process at once.
#[cfg(not(unix))]
pub(crate) fn listen() {}

/// Ends the process in the way in which this signal does.
#[cfg(not(unix))]
pub(crate) fn end(_: i32) {}

#[cfg(unix)]
mod signals {
    use std::fs;
    use std::io::{self, PipeReader, Write, pipe};
    use std::os::fd::BorrowedFd;
    use std::sync::OnceLock;
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use super::{ENDS_WITH_READER, REMOVED, SIGNAL, is_stopped, stop};

    /// The events of an output whose reader has gone.
    const GONE: PollFlags = PollFlags::ERR.union(PollFlags::HUP);

    /// A pipe that can be read as soon as a signal has come.
    static WAKE: OnceLock<PipeReader> = OnceLock::new();

    /// Starts to listen for signals. If that cannot be done, a signal ends the process at once.
    pub(crate) fn listen() {
        let Ok((reader, mut writer)) = pipe() else { return };
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        let handle = signals.handle();
        let listener = thread::Builder::new().spawn(move || {
            for signal in signals.forever() {
                if SIGNAL.swap(signal, Ordering::SeqCst) > 0 {
                    let removed = REMOVED.lock().ok().and_then(|mut removed| removed.take());
                    removed.map(fs::remove_file);
                    end(signal);
                }
                let _ = writer.write_all(b"!");
            }
        });
        match listener {
            Ok(_) => drop(WAKE.set(reader)),
            Err(_) => handle.close(),
        }
    }

    /// Ends the process in the way in which this signal does.
    pub(crate) fn end(signal: i32) {
        let _ = emulate_default_handler(signal);
    }

    /// Returns as soon as this file can be read, this time is over, or all inputs have to end.
    pub(crate) fn wait(file: Option<BorrowedFd<'_>>, time: Option<Duration>) {
        let time = time.map(|time| Timespec {
            tv_sec: time.as_secs().cast_signed(),
            tv_nsec: time.subsec_nanos().into(),
        });
        let wake = WAKE.get().map(|wake| PollFd::new(wake, PollFlags::IN));
        let file = file.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN));
        let stdout = io::stdout();
        // The system reports these events even if none is asked for.
        let has_output = ENDS_WITH_READER.load(Ordering::SeqCst);
        let output = has_output.then(|| PollFd::new(&stdout, PollFlags::empty()));
        let mut files: Vec<_> = output.into_iter().chain(wake).chain(file).collect();
        while !is_stopped() {
            match poll(&mut files, time.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(_) if has_output && files[0].revents().intersects(GONE) => return stop(),
                // If it cannot be told, reading tells.
                _ => return,
            }
        }
    }
}
