//! The files: a log of what happened, in segments.
//!
//! A segment begins with [`HEADER`]. Then come frames: the length of what follows (four bytes, big-endian), its CRC-32, and
//! records in postcard's form. What one commit wrote is one frame, so that all of it is there or nothing. Segments are
//! numbered as they are begun, and what a later one says counts.
//!
//! A process that was killed, or a machine, may leave half a frame at the end of a segment: it was never acknowledged, and is
//! left out. Where a whole frame stands behind a broken one, something was damaged that may have been acknowledged, and nobody
//! goes on as if it had not been there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::ValueKey;
use crate::store::dump::Entry;

const HEADER: &[u8] = b"rolegate log 2\n";
/// How the segments of an earlier build begin.
const EARLIER: &[u8] = b"rolegate log 1\n";
/// Length and CRC-32.
const FRAME: usize = 8;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// This is held from now on.
    Holds(Entry),
    /// This value is not.
    Forgets(ValueKey),
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u32,
    offset: u32,
    pub(super) length: u32,
}

/// The segments, and the file that is written to.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    /// A segment that is larger is followed by the next.
    segment: u64,
    /// Each segment's number and length, the oldest first.
    segments: Vec<(u32, u64)>,
    /// The last one, unless the next commit is to begin another.
    open: Option<File>,
}

/// What one commit writes.
pub(super) struct Frame {
    segment: u32,
    offset: u64,
    bytes: Vec<u8>,
}

impl Frame {
    /// Adds `record`; where it will stand.
    pub(super) fn push(&mut self, record: &Record) -> io::Result<Place> {
        let before = self.bytes.len();
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(record, bytes).map_err(io::Error::other)?;
        let length = self.bytes.len() - before;
        let narrow = |value: u64| u32::try_from(value).map_err(io::Error::other);
        let offset = narrow(self.offset + before as u64)?;
        Ok(Place { segment: self.segment, offset, length: narrow(length as u64)? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == FRAME
    }
}

impl Log {
    /// Opens the log in `folder`, whose segments are to be of `segment` bytes, and tells `seen` of every record, in their
    /// order.
    pub(super) fn open(folder: &Path, segment: u64, mut seen: impl FnMut(Record, Place)) -> io::Result<Self> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(number_of));
        }
        numbers.sort_unstable();
        let mut log = Self { folder: folder.to_owned(), segment, segments: Vec::new(), open: None };
        for number in numbers {
            let length = read_segment(&log.path(number), number, &mut seen)?;
            log.segments.push((number, length));
        }
        if let Some((number, length)) = log.segments.last().copied().filter(|(_, length)| *length < segment) {
            let file = OpenOptions::new().write(true).open(log.path(number))?;
            // What was never acknowledged, if there is any.
            file.set_len(length)?;
            file.write_all_at(HEADER, 0)?;
            log.open = Some(file);
        }
        Ok(log)
    }

    /// What the next commit is to be written into.
    pub(super) fn frame(&mut self) -> io::Result<Frame> {
        if self.segments.last().is_none_or(|(_, length)| *length >= self.segment) {
            self.open = None;
        }
        if self.open.is_none() {
            self.begin_segment()?;
        }
        let (segment, offset) = self.segments.last().copied().unwrap_or_default();
        Ok(Frame { segment, offset, bytes: vec![0; FRAME] })
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.segments.last().map_or(1, |(number, _)| number + 1);
        let path = self.path(number);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all_at(HEADER, 0)?;
        file.sync_all()?;
        // The name must be there as surely as what stands behind it.
        File::open(&self.folder)?.sync_all()?;
        self.segments.push((number, HEADER.len() as u64));
        self.open = Some(file);
        Ok(())
    }

    /// Writes `frame`; it is on the disk when this returns.
    pub(super) fn commit(&mut self, mut frame: Frame) -> io::Result<()> {
        let body = &frame.bytes[FRAME..];
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let checksum = crc32fast::hash(body);
        frame.bytes[..4].copy_from_slice(&length.to_be_bytes());
        frame.bytes[4..FRAME].copy_from_slice(&checksum.to_be_bytes());
        let Some(file) = &self.open else { return Err(io::Error::other("the segment is closed")) };
        let written = file.write_all_at(&frame.bytes, frame.offset).and_then(|()| file.sync_data());
        match written {
            Ok(()) => {
                if let Some((_, length)) = self.segments.last_mut() {
                    *length = frame.offset + frame.bytes.len() as u64;
                }
                Ok(())
            }
            Err(error) => {
                // Nobody knows what of it is there: nothing is written behind it any more.
                let _ = file.set_len(frame.offset);
                self.open = None;
                Err(error)
            }
        }
    }

    /// The bytes after which a segment is followed by the next.
    pub(super) const fn segment(&self) -> u64 {
        self.segment
    }

    /// The number of bytes in all segments.
    pub(super) fn size(&self) -> u64 {
        self.segments.iter().map(|(_, length)| length).sum()
    }

    /// What stands in the oldest segment, unless it is still written to.
    pub(super) fn oldest(&self) -> io::Result<Option<Vec<(Record, Place)>>> {
        let [(number, _), _, ..] = self.segments[..] else { return Ok(None) };
        let mut records = Vec::new();
        read_segment(&self.path(number), number, &mut |record, place| records.push((record, place)))?;
        Ok(Some(records))
    }

    /// Removes the oldest segment.
    pub(super) fn remove_oldest(&mut self) -> io::Result<()> {
        let Some((number, _)) = self.segments.first() else { return Ok(()) };
        fs::remove_file(self.path(*number))?;
        self.segments.remove(0);
        Ok(())
    }

    fn path(&self, number: u32) -> PathBuf {
        path_of(&self.folder, number)
    }
}

/// The record at `place`; nothing if its segment is gone, or if it is on its way there.
pub(super) fn read_record(folder: &Path, place: Place) -> io::Result<Option<Record>> {
    let file = match File::open(path_of(folder, place.segment)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; place.length as usize];
    match file.read_exact_at(&mut bytes, u64::from(place.offset)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.and_then(|()| postcard::from_bytes(&bytes).map(Some).map_err(io::Error::other)),
    }
}

fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:010}.log"))
}

fn number_of(name: &str) -> Option<u32> {
    name.strip_suffix(".log").filter(|digits| digits.len() == 10)?.parse().ok()
}

/// Tells of every record of a segment; how long it is, as far as it is whole.
fn read_segment(path: &Path, segment: u32, seen: &mut impl FnMut(Record, Place)) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    let damaged = |offset: usize| {
        let message = format!("{} is damaged at byte {offset}; bring a copy back", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    if bytes.starts_with(EARLIER) {
        let message = format!(
            "{} is of an earlier build, and can't be read: remove the folder once all that it gave is over",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    if !bytes.starts_with(HEADER) {
        // A crash may have come before the header was on the disk. Nothing follows before it is.
        return if bytes.len() <= HEADER.len() { Ok(HEADER.len() as u64) } else { Err(damaged(0)) };
    }
    let mut offset = HEADER.len();
    while let Some(body) = frame_at(&bytes, offset) {
        let mut rest = body;
        while !rest.is_empty() {
            let at = offset + FRAME + body.len() - rest.len();
            let (record, after) = postcard::take_from_bytes(rest).map_err(|_| damaged(at))?;
            let length = rest.len() - after.len();
            let narrow = |value: usize| u32::try_from(value).map_err(io::Error::other);
            seen(record, Place { segment, offset: narrow(at)?, length: narrow(length)? });
            rest = after;
        }
        offset += FRAME + body.len();
    }
    if (offset + 1..bytes.len()).any(|later| frame_at(&bytes, later).is_some()) {
        return Err(damaged(offset));
    }
    Ok(offset as u64)
}

/// What stands in the frame at `offset`, if there is a whole one.
fn frame_at(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let (header, rest) = bytes.get(offset..)?.split_first_chunk::<FRAME>()?;
    let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let checksum = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let body = rest.get(..length).filter(|body| !body.is_empty())?;
    (crc32fast::hash(body) == checksum).then_some(body)
}
