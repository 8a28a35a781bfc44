//! All that a store holds, as a stream of bytes: to move it into another, and to keep a copy.
//!
//! A line that says what it is, then each entry behind its length (four bytes, big-endian) in postcard's form, then a length of
//! zero, the number of entries (eight bytes) and the SHA-256 of everything before it. What was sealed stays sealed: a dump
//! is of use where the key ring is, and tells nobody else more than when things end.
//!
//! Reading takes entries as they come. That the stream was whole is known at its end; a part of it is
//! as good as it goes, for taking in an entry twice is as good as once.

use std::io::{self, Read};
use std::sync::Arc;

use aws_lc_rs::digest::{self, Context};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Claim, Revocation, SessionKey, Store, StoreFault, ValueKey};
use crate::clock::Moment;

const HEADER: &[u8] = b"rolegate store 2\n";
/// Larger entries are none.
const LARGEST: usize = 1024 * 1024;

/// One thing that a store holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A claim that was taken.
    Claim(Claim),
    /// A session record.
    Session(SessionKey, Vec<u8>),
    /// A value, and when it ends.
    Value(ValueKey, Vec<u8>, Moment),
    /// What was revoked.
    Revocation(Revocation),
}

/// Writes a dump.
pub struct Encoder {
    hash: Context,
    count: u64,
}

impl Encoder {
    /// One, and how a dump begins.
    pub fn begin() -> (Self, Vec<u8>) {
        let mut encoder = Self { hash: Context::new(&digest::SHA256), count: 0 };
        encoder.hash.update(HEADER);
        (encoder, HEADER.to_vec())
    }

    /// The bytes of `entries`.
    pub fn entries(&mut self, entries: &[Entry]) -> Result<Vec<u8>, StoreFault> {
        let mut bytes = Vec::new();
        for entry in entries {
            let failed = || StoreFault::new("writing a dump", "an entry is too large");
            let body = postcard::to_allocvec(entry).map_err(|_| failed())?;
            let length =
                u32::try_from(body.len()).ok().filter(|_| body.len() <= LARGEST).ok_or_else(failed)?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&body);
            self.count += 1;
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }

    /// How the dump ends.
    pub fn end(mut self) -> Vec<u8> {
        let mut bytes = [&[0; 4][..], &self.count.to_be_bytes()].concat();
        self.hash.update(&bytes);
        bytes.extend_from_slice(self.hash.finish().as_ref());
        bytes
    }
}

/// Why a dump can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpFault {
    /// It can't be read at all.
    #[error("it can't be read: {0}")]
    Io(io::Error),
    /// It is something else.
    #[error("it is no dump of a store, or one of another version")]
    Foreign,
    /// It ends before its end.
    #[error("it is cut off after {0} entries")]
    Short(u64),
    /// An entry is none, or the end does not fit what stands before it.
    #[error("it was changed or damaged before or at entry {0}")]
    Damaged(u64),
}

/// Reads a dump.
pub struct Decoder<R> {
    from: R,
    hash: Context,
    count: u64,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// One that stands before the first entry.
    pub fn begin(from: R) -> Result<Self, DumpFault> {
        let mut decoder = Self { from, hash: Context::new(&digest::SHA256), count: 0, ended: false };
        let mut header = [0; HEADER.len()];
        match decoder.fill(&mut header) {
            Ok(()) if header == HEADER => Ok(decoder),
            Ok(()) | Err(DumpFault::Short(_)) => Err(DumpFault::Foreign),
            Err(fault) => Err(fault),
        }
    }

    /// How many entries were read.
    pub const fn count(&self) -> u64 {
        self.count
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), DumpFault> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => DumpFault::Short(self.count),
            _ => DumpFault::Io(error),
        })?;
        self.hash.update(bytes);
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Entry>, DumpFault> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > LARGEST {
            return Err(DumpFault::Damaged(self.count));
        }
        if length == 0 {
            let mut count = [0; 8];
            self.fill(&mut count)?;
            let expected = self.hash.clone().finish();
            let mut hash = [0; 32];
            self.fill(&mut hash)?;
            let is_whole = u64::from_be_bytes(count) == self.count && expected.as_ref() == hash;
            return if is_whole { Ok(None) } else { Err(DumpFault::Damaged(self.count)) };
        }
        let mut body = vec![0; length];
        self.fill(&mut body)?;
        self.count += 1;
        postcard::from_bytes(&body).map(Some).map_err(|_| DumpFault::Damaged(self.count))
    }
}

impl<R: Read> Iterator for Decoder<R> {
    type Item = Result<Entry, DumpFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// What a dump of a store comes in.
pub type Pieces = mpsc::Receiver<Result<Vec<u8>, StoreFault>>;

/// The dump of what is live in `store` at `at`, piece by piece; it breaks off at a fault.
pub fn dump(store: Arc<dyn Store>, at: Moment) -> Pieces {
    let (tell, told) = mpsc::channel(4);
    drop(tokio::spawn(async move {
        if let Err(fault) = write_out(store.as_ref(), at, &tell).await {
            let _ = tell.send(Err(fault)).await; // Nobody listens any more.
        }
    }));
    told
}

async fn write_out(
    store: &dyn Store,
    at: Moment,
    tell: &mpsc::Sender<Result<Vec<u8>, StoreFault>>,
) -> Result<(), StoreFault> {
    let (mut encoder, header) = Encoder::begin();
    let _ = tell.send(Ok(header)).await;
    let (some, mut listed) = mpsc::channel::<Vec<Entry>>(1);
    let writing = async {
        while let Some(entries) = listed.recv().await {
            let bytes = encoder.entries(&entries)?;
            if tell.send(Ok(bytes)).await.is_err() {
                break;
            }
        }
        drop(listed);
        Ok::<_, StoreFault>(())
    };
    let (listing, written) = tokio::join!(store.list(at, some), writing);
    listing.and(written)?;
    let _ = tell.send(Ok(encoder.end())).await;
    Ok(())
}

/// Lets `store` hold `entries` as well, beside what it holds: nothing that it knows better is changed.
pub async fn take_in(store: &dyn Store, entries: Vec<Entry>, at: Moment) -> Result<(), StoreFault> {
    let each = entries.into_iter().map(async |entry| match entry {
        Entry::Claim(claim) if claim.until > at => store.claim(claim, at).await.map(drop),
        Entry::Session(key, sealed) if key.until > at => store.put(key, sealed, at),
        Entry::Value(key, sealed, until) if until > at => match store.kept(key, at).await? {
            Some(_) => Ok(()),
            None => store.keep(key, sealed, until, at).await,
        },
        Entry::Revocation(revocation) if revocation.until > at => store.revoke(revocation, at).await,
        _ => Ok(()),
    });
    try_join_all(each).await?;
    store.flushed().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Scope;

    fn entries() -> Vec<Entry> {
        let until = Moment::from_unix(1_800_000_000);
        vec![
            Entry::Claim(Claim { id: [1; 32], scope: Scope::Part([2; 32]), until }),
            Entry::Session(SessionKey { holder: [2; 16], until, id: [3; 16] }, b"sealed".to_vec()),
            Entry::Value([4; 32], Vec::new(), until),
            Entry::Revocation(Revocation {
                id: [5; 16],
                issued_before: until,
                asserted_before: until,
                until,
            }),
        ]
    }

    fn dumped() -> Vec<u8> {
        let (mut encoder, mut bytes) = Encoder::begin();
        bytes.extend(encoder.entries(&entries()[..1]).unwrap());
        bytes.extend(encoder.entries(&entries()[1..]).unwrap());
        bytes.extend(encoder.end());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, String> {
        let decoder = Decoder::begin(bytes).map_err(|fault| fault.to_string())?;
        decoder.collect::<Result<_, _>>().map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&dumped()).unwrap(), entries());
    }

    #[test]
    fn whatever_is_cut_off_or_changed_is_noticed() {
        let whole = dumped();
        for length in 0..whole.len() {
            let said = read(&whole[..length]).unwrap_err();
            let expected = if length < HEADER.len() { "it is no dump" } else { "it is cut off after " };
            assert!(said.starts_with(expected), "{length}: {said}");
        }
        for index in 0..whole.len() {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            assert!(read(&changed).is_err(), "byte {index}");
        }
    }
}
