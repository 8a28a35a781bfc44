//! The log's lines on their way out.
//!
//! A line that comes alone is written before whoever wrote it goes on. Lines that come fast are gathered for
//! two milliseconds and written together, because a write costs more than a line: what a killed process
//! takes along is what came in that time. None is dropped: whoever writes faster than lines can leave, waits.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long lines are gathered.
const GATHERING: Duration = Duration::from_millis(2);
/// Bytes that may wait.
const MOST: usize = 1024 * 1024;

/// Lines to `W`. Clones are handles to one.
#[derive(Debug)]
pub(super) struct Lines<W>(Arc<Shared<W>>);

#[derive(Debug)]
struct Shared<W> {
    waiting: Mutex<Waiting>,
    /// More lines came, or fewer wait.
    changed: Condvar,
    /// Locked by whoever writes, and before `waiting` is let go of: so lines stay in order.
    out: Mutex<W>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Whether the writer is about to look for more.
    is_gathering: bool,
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Starts the writer.
    pub(super) fn new(out: W) -> io::Result<Self> {
        let (waiting, changed, out) = (Mutex::default(), Condvar::new(), Mutex::new(out));
        let lines = Self(Arc::new(Shared { waiting, changed, out }));
        let written = lines.clone();
        thread::Builder::new().name("log-writer".into()).spawn(move || written.write_gathered())?;
        Ok(lines)
    }

    /// Returns when every line so far is out.
    pub(super) fn flush_all(&self) {
        let waiting = self.until(|waiting| !waiting.is_gathering);
        drop(self.out());
        drop(waiting);
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut waiting = self.until(|waiting| waiting.lines.len() < MOST);
        if waiting.is_gathering {
            waiting.lines.extend_from_slice(line);
            return Ok(());
        }
        waiting.is_gathering = true;
        let mut out = self.out();
        drop(waiting);
        self.0.changed.notify_all();
        out.write_all(line)
    }

    fn write_gathered(&self) {
        loop {
            drop(self.until(|waiting| waiting.is_gathering));
            thread::sleep(GATHERING);
            let mut waiting = self.waiting();
            let lines = std::mem::take(&mut waiting.lines);
            waiting.is_gathering = !lines.is_empty();
            let mut out = self.out();
            drop(waiting);
            // Where the log can't be written, there is nobody to tell.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            drop(out);
            self.0.changed.notify_all();
        }
    }

    fn until(&self, holds: impl Fn(&Waiting) -> bool) -> MutexGuard<'_, Waiting> {
        let waiting = self.waiting();
        let done = self.0.changed.wait_while(waiting, |waiting| !holds(waiting));
        done.unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn out(&self) -> MutexGuard<'_, W> {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Send + 'static> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Hands each write over, and waits until somebody takes it.
    struct Handed(SyncSender<Vec<u8>>);

    impl Write for Handed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(room: usize) -> (Lines<Handed>, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(room);
        (Lines::new(Handed(sender)).unwrap(), receiver)
    }

    #[test]
    fn a_line_alone_is_written_at_once() {
        let (lines, written) = lines(8);
        for line in ["one\n", "two\n"] {
            lines.append(line.as_bytes()).unwrap();
            assert_eq!(written.try_recv().as_deref(), Ok(line.as_bytes()));
            lines.flush_all();
        }
        assert!(written.try_recv().is_err());
    }

    #[test]
    fn lines_that_come_fast_are_written_together_and_in_order() {
        let (lines, written) = lines(0);
        let writing = lines.clone();
        let first = thread::spawn(move || writing.append(b"1\n"));
        // Nobody takes the first one yet, so the others must be gathered meanwhile.
        drop(lines.until(|waiting| waiting.is_gathering));
        for line in ["2\n", "3\n", "4\n"] {
            lines.append(line.as_bytes()).unwrap();
        }
        assert_eq!(written.recv().unwrap(), b"1\n");
        first.join().unwrap().unwrap();
        assert_eq!(written.recv().unwrap(), b"2\n3\n4\n");
        lines.flush_all();
        assert!(written.try_recv().is_err());
    }

    #[test]
    fn whoever_is_too_fast_waits_and_loses_nothing() {
        let (lines, written) = lines(0);
        let line = vec![b'x'; MOST / 4];
        let (writing, sent) = (lines.clone(), line.clone());
        let writer = thread::spawn(move || (0..12).for_each(|_| writing.append(&sent).unwrap()));
        let (mut total, mut largest) = (0, 0);
        while total < 12 * line.len() {
            let length = written.recv().unwrap().len();
            (total, largest) = (total + length, largest.max(length));
        }
        writer.join().unwrap();
        assert_eq!(total, 12 * line.len());
        assert!(largest < MOST + line.len(), "{largest}");
    }

    #[test]
    fn what_was_written_is_out_after_a_flush() {
        let (lines, written) = lines(100);
        (0..100).for_each(|number| lines.append(format!("{number}\n").as_bytes()).unwrap());
        lines.flush_all();
        let out: Vec<u8> = written.try_iter().flatten().collect();
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
