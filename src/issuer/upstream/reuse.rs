//! Credentials that are given again.
//!
//! Whoever asks for exactly what was asked for before gets what that gave, until a quarter of its time is left. At
//! half of it or a little later (by chance, so that many don't do the same at once) it is renewed, while it is
//! still given. However many ask for the same at one time, the upstream is asked once; and it is asked in a task of its
//! own, so that the answer is there for the next if the caller is gone. What was asked for before the session was ended
//! is not given after it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::UpstreamFault;
use crate::clock::Moment;
use crate::issuer::TemporaryCredentials;

/// What asking gave.
pub(super) type Outcome = Result<TemporaryCredentials, UpstreamFault>;

/// A hash over all that was asked for, and for whom.
pub(super) type Key = [u8; 32];

/// Sessions that are kept at most; more are asked for one by one.
const MOST: usize = 20_000;
/// How soon after a renewal that failed the next is tried.
const PAUSE: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reuse {
    held: Mutex<HashMap<Key, Held>>,
}

#[derive(Debug, Default)]
struct Held {
    ready: Option<Ready>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    begun: Moment,
    answer: watch::Receiver<Option<Outcome>>,
}

#[derive(Debug)]
struct Ready {
    made: TemporaryCredentials,
    begun: Moment,
    renew_at: Moment,
    given_until: Moment,
}

impl Ready {
    fn new(made: TemporaryCredentials, at: Moment) -> Self {
        let life = made.expires().since(at);
        let chance =
            u32::from(made.access_key_id().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31) ^ byte));
        let renew_at = at.plus(life / 2 + life / 5 * chance / 255);
        Self { begun: at, renew_at, given_until: at.plus(life / 4 * 3), made }
    }
}

/// What is there for somebody who asks.
enum Found {
    Given(TemporaryCredentials),
    /// It is given, and to be renewed by whoever found it.
    Due(TemporaryCredentials, watch::Sender<Option<Outcome>>),
    UnderWay(watch::Receiver<Option<Outcome>>),
    /// Nothing, and whoever found that is to ask.
    Nothing(watch::Sender<Option<Outcome>>, watch::Receiver<Option<Outcome>>),
    /// Nothing, and no room for more.
    Full,
}

impl Reuse {
    /// What `key` stands for at `at`: what was given before, or what `ask` gives. `is_ended` says whether what was
    /// begun at a time is over since.
    pub(super) async fn given_or<F>(
        self: &Arc<Self>,
        key: Key,
        at: Moment,
        is_ended: impl Fn(Moment) -> bool,
        ask: F,
    ) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut answer = match self.look(key, at, is_ended) {
            Found::Given(made) => return Ok(made),
            Found::Due(made, tell) => {
                drop(tokio::spawn(Arc::clone(self).fill(key, at, ask, tell)));
                return Ok(made);
            }
            Found::UnderWay(answer) => answer,
            Found::Nothing(tell, answer) => {
                drop(tokio::spawn(Arc::clone(self).fill(key, at, ask, tell)));
                answer
            }
            Found::Full => return ask.await,
        };
        let ended =
            || UpstreamFault::Unavailable { upstream: String::new(), problem: "the broker stops".into() };
        let told = answer.wait_for(Option::is_some).await.map_err(|_| ended())?;
        told.clone().unwrap_or_else(|| Err(ended()))
    }

    fn look(&self, key: Key, at: Moment, is_ended: impl Fn(Moment) -> bool) -> Found {
        let mut all = self.lock();
        if all.len() >= MOST && !all.contains_key(&key) {
            all.retain(|_, held| held.is_of_use(at));
            if all.len() >= MOST {
                return Found::Full;
            }
        }
        let held = all.entry(key).or_default();
        held.ready = held.ready.take().filter(|ready| !is_ended(ready.begun));
        held.under_way = held.under_way.take().filter(|asking| !is_ended(asking.begun));
        let ready = held.ready.as_ref().filter(|ready| at < ready.given_until);
        let made = ready.map(|ready| (ready.made.clone(), ready.renew_at <= at));
        match (made, held.under_way()) {
            (Some((made, false)), _) | (Some((made, true)), Some(_)) => Found::Given(made),
            (Some((made, true)), None) => Found::Due(made, held.begin(at)),
            (None, Some(answer)) => Found::UnderWay(answer),
            (None, None) => {
                let tell = held.begin(at);
                let answer = tell.subscribe();
                Found::Nothing(tell, answer)
            }
        }
    }

    /// Asks, keeps what that gave, and tells whoever waits.
    async fn fill<F>(self: Arc<Self>, key: Key, at: Moment, ask: F, tell: watch::Sender<Option<Outcome>>)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let outcome = ask.await;
        let mut all = self.lock();
        let is_ours = |held: &&mut Held| {
            held.under_way.as_ref().is_some_and(|asking| asking.answer.same_channel(&tell.subscribe()))
        };
        if let Some(held) = all.get_mut(&key).filter(is_ours) {
            held.under_way = None;
            match (&outcome, &mut held.ready) {
                (Ok(made), ready) => *ready = Some(Ready::new(made.clone(), at)),
                (Err(_), Some(ready)) => ready.renew_at = at.plus(PAUSE),
                (Err(_), None) => drop(all.remove(&key)),
            }
        }
        drop(all);
        tell.send_replace(Some(outcome));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Where the answer will be told of somebody who asks already.
    fn under_way(&self) -> Option<watch::Receiver<Option<Outcome>>> {
        let answer = self.under_way.as_ref().map(|asking| &asking.answer);
        answer.filter(|answer| answer.has_changed().is_ok()).cloned()
    }

    fn begin(&mut self, begun: Moment) -> watch::Sender<Option<Outcome>> {
        let (tell, answer) = watch::channel(None);
        self.under_way = Some(UnderWay { begun, answer });
        tell
    }

    fn is_of_use(&self, at: Moment) -> bool {
        self.under_way().is_some() || self.ready.as_ref().is_some_and(|ready| at < ready.given_until)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;
    use crate::secret::Secret;

    const START: Moment = Moment::from_unix(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn minutes(count: u64) -> Moment {
        START.plus(Duration::from_secs(60 * count))
    }

    fn made(id: &str, at: Moment) -> TemporaryCredentials {
        TemporaryCredentials {
            access_key_id: id.into(),
            secret_access_key: Secret::new("secret".into()),
            session_token: Secret::new("token".into()),
            sealed_session: None,
            upstream: None,
            expires: at.plus(HOUR),
        }
    }

    fn down() -> UpstreamFault {
        UpstreamFault::Unavailable { upstream: "aws".into(), problem: "down".into() }
    }

    /// An upstream that counts, and answers when it is let.
    #[derive(Default)]
    struct Upstream {
        reuse: Arc<Reuse>,
        asked: Arc<AtomicUsize>,
        gate: Option<Arc<Notify>>,
    }

    impl Upstream {
        async fn get(&self, key: u8, at: Moment, fails: bool) -> Result<String, UpstreamFault> {
            self.get_unless(key, at, fails, |_| false).await
        }

        async fn get_unless(
            &self,
            key: u8,
            at: Moment,
            fails: bool,
            is_ended: impl Fn(Moment) -> bool,
        ) -> Result<String, UpstreamFault> {
            let (asked, gate) = (Arc::clone(&self.asked), self.gate.clone());
            let ask = async move {
                let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                if let Some(gate) = gate {
                    gate.notified().await;
                }
                if fails { Err(down()) } else { Ok(made(&number.to_string(), at)) }
            };
            let given = self.reuse.given_or([key; 32], at, is_ended, ask).await;
            given.map(|made| made.access_key_id().to_owned())
        }

        /// The answer, after whatever it began is done.
        async fn settled(&self, key: u8, at: Moment, fails: bool) -> Result<String, UpstreamFault> {
            let given = self.get(key, at, fails).await;
            let busy = || self.reuse.lock().values().any(|held| held.under_way().is_some());
            while busy() {
                tokio::task::yield_now().await;
            }
            given
        }
    }

    #[tokio::test]
    async fn what_was_asked_for_is_given_again_and_renewed_in_time() {
        let upstream = Upstream::default();
        for (minute, expected) in [(0, "1"), (1, "1"), (29, "1"), (43, "1"), (44, "2"), (72, "2"), (200, "3")]
        {
            assert_eq!(
                upstream.settled(1, minutes(minute), false).await.unwrap(),
                expected,
                "minute {minute}"
            );
        }
        assert_eq!(upstream.settled(2, minutes(200), false).await.unwrap(), "4", "another key");
    }

    #[tokio::test]
    async fn a_failed_renewal_leaves_what_is_good() {
        let upstream = Upstream::default();
        assert_eq!(upstream.settled(1, START, true).await, Err(down()));
        assert_eq!(upstream.settled(1, START, false).await.unwrap(), "2", "a failure is not kept");
        for (minute, asked) in [(44, 3), (44, 3), (45, 4)] {
            let at = minutes(minute).minus(Duration::from_secs(if minute == 45 { 1 } else { 0 }));
            assert_eq!(upstream.settled(1, at, true).await.unwrap(), "2");
            assert_eq!(upstream.asked.load(Ordering::SeqCst), asked, "it pauses for half a minute");
        }
        assert_eq!(
            upstream.settled(1, minutes(45), true).await,
            Err(down()),
            "a quarter is left: it is not given"
        );
    }

    #[tokio::test]
    async fn many_who_ask_at_once_ask_once() {
        let gate = Arc::new(Notify::new());
        let upstream = Arc::new(Upstream { gate: Some(Arc::clone(&gate)), ..Upstream::default() });
        let ask = |_| {
            let upstream = Arc::clone(&upstream);
            tokio::spawn(async move { upstream.get(1, START, false).await })
        };
        let waiting: Vec<_> = (0..50).map(ask).collect();
        while upstream.asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        waiting[0].abort();
        gate.notify_one();
        for (number, given) in waiting.into_iter().enumerate().skip(1) {
            assert_eq!(given.await.unwrap().unwrap(), "1", "{number}");
        }
    }

    #[tokio::test]
    async fn what_was_ended_is_not_given_though_it_comes_later() {
        let gate = Arc::new(Notify::new());
        let upstream = Arc::new(Upstream { gate: Some(Arc::clone(&gate)), ..Upstream::default() });
        // What was begun up to the start is over; so is, from minute 2 on, what was begun up to minute 1.
        let begin = |minute: u64| {
            let asking = Arc::clone(&upstream);
            let ended = minute.checked_sub(1).map(minutes);
            let is_ended = move |begun| ended.is_some_and(|ended| begun <= ended);
            tokio::spawn(async move { asking.get_unless(1, minutes(minute), false, is_ended).await.unwrap() })
        };
        let asked = async |number| {
            while upstream.asked.load(Ordering::SeqCst) < number {
                tokio::task::yield_now().await;
            }
        };
        let before = begin(0);
        asked(1).await;
        let after = begin(1);
        asked(2).await;
        gate.notify_one();
        assert_eq!(before.await.unwrap(), "1", "who asked before gets it");
        let joining = begin(1);
        gate.notify_one();
        assert_eq!((after.await.unwrap(), joining.await.unwrap()), ("2".into(), "2".into()));
        assert_eq!(begin(1).await.unwrap(), "2");
        let last = begin(2);
        asked(3).await;
        gate.notify_one();
        assert_eq!(last.await.unwrap(), "3");
    }

    #[tokio::test]
    async fn what_has_no_room_is_asked_for_one_by_one() {
        let upstream = Upstream::default();
        let key = |number: usize| {
            let mut key = [9; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        for number in 0..MOST {
            let answer =
                upstream.reuse.given_or(key(number), START, |_| false, async { Ok(made("x", START)) }).await;
            assert!(answer.is_ok());
        }
        assert_eq!(upstream.get(1, START, false).await.unwrap(), "1");
        assert_eq!(upstream.get(1, START, false).await.unwrap(), "2");
        assert_eq!(upstream.get(1, minutes(46), false).await.unwrap(), "3", "the others are over");
        assert_eq!(upstream.get(1, minutes(46), false).await.unwrap(), "3");
        assert_eq!(upstream.reuse.lock().len(), 1);
    }
}
