//! The tables of the embedded store, and what one transaction does with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{BATCH, Job, Operation};
use crate::clock::Moment;
use crate::store::dump::Entry;
use crate::store::{
    Claim, Claimed, Revocation, RevocationId, SWEEP_MARGIN, SessionKey, ValueKey, claim_key, claim_of,
    conflicts,
};

/// Claim key to the millisecond at which the claim ends.
const CLAIMS: TableDefinition<'_, [u8; 64], i64> = TableDefinition::new("claims");
/// Millisecond at which a session ends, and its id, to its sealed record.
const SESSIONS: TableDefinition<'_, (i64, [u8; 32]), &[u8]> = TableDefinition::new("session-records");
/// Key to end and sealed value.
const VALUES: TableDefinition<'_, ValueKey, (i64, &[u8])> = TableDefinition::new("values");
/// Revocation id to `issued_before`, `asserted_before` and end.
const REVOCATIONS: TableDefinition<'_, RevocationId, (i64, i64, i64)> = TableDefinition::new("revocations");
/// What ends when, but for sessions, whose keys say it; a shorter key is padded with zeros.
const ENDINGS: TableDefinition<'_, (i64, u8, [u8; 64]), ()> = TableDefinition::new("endings");
const CLAIM: u8 = 0;
const VALUE: u8 = 1;
const REVOCATION: u8 = 2;

/// Bytes of the file that are held in memory. Session records, which are most of it, are written at one end
/// and swept at the other; the rest is found through the system's own cache.
const CACHE: usize = 4 * 1024 * 1024;
/// Expired entries of a table that one commit sweeps at most: more than it writes, so that sweeping keeps up.
const SWEEP: usize = 2 * BATCH;

/// Entries that are handed out at a time.
const LISTED: usize = 512;

/// Opens or makes the file, which its owner alone can read.
pub(super) fn open_database(path: &Path) -> Result<Database, redb::Error> {
    let database = Database::builder().set_cache_size(CACHE).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let transaction = database.begin_write()?;
    transaction.open_table(CLAIMS)?;
    transaction.open_table(SESSIONS)?;
    transaction.open_table(VALUES)?;
    transaction.open_table(REVOCATIONS)?;
    transaction.open_table(ENDINGS)?;
    transaction.commit()?;
    Ok(database)
}

/// The record under `key`, if it is live at `at`.
pub(super) fn read_session(
    database: &Database,
    key: SessionKey,
    at: Moment,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let sessions = database.begin_read()?.open_table(SESSIONS)?;
    let found = sessions.get((key.until.unix_millis(), key.id))?;
    Ok(found.filter(|_| key.until > at).map(|entry| entry.value().to_vec()))
}

/// The value under `key`, if it is live at `at`.
pub(super) fn read_value(
    database: &Database,
    key: ValueKey,
    at: Moment,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let values = database.begin_read()?.open_table(VALUES)?;
    let found = values.get(&key)?;
    Ok(found.and_then(|entry| {
        let (until, sealed) = entry.value();
        (until > at.unix_millis()).then(|| sealed.to_vec())
    }))
}

/// Every revocation that is live at `at`.
pub(super) fn read_revocations(database: &Database, at: Moment) -> Result<Vec<Revocation>, redb::Error> {
    let revocations = database.begin_read()?.open_table(REVOCATIONS)?;
    let mut live = Vec::new();
    for entry in revocations.iter()? {
        let (id, times) = entry?;
        let revocation = revocation(id.value(), times.value());
        if revocation.until > at {
            live.push(revocation);
        }
    }
    Ok(live)
}

/// Hands everything that is live at `at` to `tell`, until it is told that nobody listens.
pub(super) fn list_all(
    database: &Database,
    at: Moment,
    mut tell: impl FnMut(Vec<Entry>) -> bool,
) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let (claims, sessions) = (transaction.open_table(CLAIMS)?, transaction.open_table(SESSIONS)?);
    let (values, revocations) = (transaction.open_table(VALUES)?, transaction.open_table(REVOCATIONS)?);
    let moment = Moment::from_unix_millis;
    let claims = claims.iter()?.map(|entry| {
        entry.map(|(key, until)| {
            let until = moment(until.value());
            (until, Entry::Claim(claim_of(&key.value(), until)))
        })
    });
    let sessions = sessions.iter()?.map(|entry| {
        entry.map(|(key, sealed)| {
            let (until, id) = key.value();
            let until = moment(until);
            (until, Entry::Session(SessionKey { until, id }, sealed.value().to_vec()))
        })
    });
    let values = values.iter()?.map(|entry| {
        entry.map(|(key, held)| {
            let (until, sealed) = held.value();
            (moment(until), Entry::Value(key.value(), sealed.to_vec(), moment(until)))
        })
    });
    let revocations = revocations.iter()?.map(|entry| {
        entry.map(|(id, times)| {
            let revocation = revocation(id.value(), times.value());
            (revocation.until, Entry::Revocation(revocation))
        })
    });
    let mut some = Vec::with_capacity(LISTED);
    for entry in claims.chain(sessions).chain(values).chain(revocations) {
        let (until, entry) = entry?;
        if until > at {
            some.push(entry);
        }
        if some.len() == LISTED && !tell(std::mem::replace(&mut some, Vec::with_capacity(LISTED))) {
            return Ok(());
        }
    }
    tell(some);
    Ok(())
}

/// Does everything in `batch`, or nothing; the answers are in its order.
pub(super) fn write_batch(database: &Database, batch: &[Job]) -> Result<Vec<Option<Claimed>>, redb::Error> {
    let transaction = database.begin_write()?;
    let answers = {
        let mut tables = Tables::of(&transaction)?;
        let answers = batch.iter().map(|job| tables.carry_out(job)).collect::<Result<_, _>>()?;
        if let Some(latest) = batch.iter().map(|job| job.at).max() {
            tables.sweep(latest.minus(SWEEP_MARGIN))?;
        }
        answers
    };
    transaction.commit()?;
    Ok(answers)
}

/// Every table of one transaction: opening one costs as much as an entry.
struct Tables<'t> {
    claims: Table<'t, [u8; 64], i64>,
    sessions: Table<'t, (i64, [u8; 32]), &'static [u8]>,
    values: Table<'t, ValueKey, (i64, &'static [u8])>,
    revocations: Table<'t, RevocationId, (i64, i64, i64)>,
    endings: Table<'t, (i64, u8, [u8; 64]), ()>,
}

impl<'t> Tables<'t> {
    fn of(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            claims: transaction.open_table(CLAIMS)?,
            sessions: transaction.open_table(SESSIONS)?,
            values: transaction.open_table(VALUES)?,
            revocations: transaction.open_table(REVOCATIONS)?,
            endings: transaction.open_table(ENDINGS)?,
        })
    }

    fn carry_out(&mut self, job: &Job) -> Result<Option<Claimed>, redb::Error> {
        match &job.operation {
            Operation::Claim(claim) => return self.claim(claim, job.at).map(Some),
            Operation::Put(key, sealed) => {
                self.sessions.insert((key.until.unix_millis(), key.id), sealed.as_slice())?;
            }
            Operation::Keep(key, sealed, until) => self.keep(*key, sealed, *until)?,
            Operation::Forget(key) => drop(self.values.remove(key)?),
            Operation::Revoke(revocation) => self.revoke(*revocation)?,
            Operation::Flush => {}
        }
        Ok(None)
    }

    fn claim(&mut self, claim: &Claim, at: Moment) -> Result<Claimed, redb::Error> {
        for keys in conflicts(claim) {
            for entry in self.claims.range(keys)? {
                if entry?.1.value() > at.unix_millis() {
                    return Ok(Claimed::AlreadyUsed);
                }
            }
        }
        let key = claim_key(claim.id, claim.scope);
        self.claims.insert(&key, claim.until.unix_millis())?;
        self.endings.insert((claim.until.unix_millis(), CLAIM, key), ())?;
        Ok(Claimed::First)
    }

    fn keep(&mut self, key: ValueKey, sealed: &[u8], until: Moment) -> Result<(), redb::Error> {
        let until = until.unix_millis();
        self.values.insert(&key, (until, sealed))?;
        self.endings.insert((until, VALUE, padded(&key)), ())?;
        Ok(())
    }

    fn revoke(&mut self, wanted: Revocation) -> Result<(), redb::Error> {
        let before = self.revocations.get(&wanted.id)?.map(|entry| revocation(wanted.id, entry.value()));
        let joined = before.map_or(wanted, |before| before.joined(wanted));
        let until = joined.until.unix_millis();
        let times = (joined.issued_before.unix_millis(), joined.asserted_before.unix_millis(), until);
        self.revocations.insert(&joined.id, times)?;
        self.endings.insert((until, REVOCATION, padded(&joined.id)), ())?;
        Ok(())
    }

    /// Removes what has ended. An entry that was written again with a later end stays: its later
    /// ending stands in the table as well.
    fn sweep(&mut self, at: Moment) -> Result<(), redb::Error> {
        let over = self.sessions.range(..(at.unix_millis(), [0; 32]))?.take(SWEEP);
        let over: Vec<_> = over.map(|entry| entry.map(|(key, _)| key.value())).collect::<Result<_, _>>()?;
        for key in over {
            self.sessions.remove(key)?;
        }
        let due: Vec<(i64, u8, [u8; 64])> = (self.endings)
            .range(..(at.unix_millis(), CLAIM, [0; 64]))?
            .take(SWEEP)
            .map(|entry| entry.map(|(key, _)| key.value()))
            .collect::<Result<_, _>>()?;
        for (until, kind, key) in due {
            self.endings.remove((until, kind, key))?;
            let value: ValueKey = first(&key);
            let revocation: RevocationId = first(&key);
            let ended = match kind {
                CLAIM => self.claims.get(&key)?.is_some_and(|entry| entry.value() == until),
                VALUE => self.values.get(&value)?.is_some_and(|entry| entry.value().0 == until),
                _ => self.revocations.get(&revocation)?.is_some_and(|entry| entry.value().2 == until),
            };
            match kind {
                _ if !ended => {}
                CLAIM => drop(self.claims.remove(&key)?),
                VALUE => drop(self.values.remove(&value)?),
                _ => drop(self.revocations.remove(&revocation)?),
            }
        }
        Ok(())
    }
}

const fn revocation(id: RevocationId, (issued, asserted, until): (i64, i64, i64)) -> Revocation {
    Revocation {
        id,
        issued_before: Moment::from_unix_millis(issued),
        asserted_before: Moment::from_unix_millis(asserted),
        until: Moment::from_unix_millis(until),
    }
}

fn padded(key: &[u8]) -> [u8; 64] {
    let mut padded = [0; 64];
    padded[..key.len()].copy_from_slice(key);
    padded
}

/// The key that was padded.
fn first<const N: usize>(padded: &[u8; 64]) -> [u8; N] {
    let mut key = [0; N];
    key.copy_from_slice(&padded[..N]);
    key
}
