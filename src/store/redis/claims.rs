//! One-time claims. Each is one script, so that two nodes can't both be first.
//!
//! A claim that got no answer in time gives nothing, and is taken back by whoever made it, behind it on the same
//! connection: when Redis goes on, the document is free again. Where that does not arrive either, it stays used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, Script};
use tokio::time::{sleep, timeout};

use super::link::Link;
use super::replicated::Replicated;
use super::{CLAIMS, RedisSettings, keep, key};
use crate::clock::Moment;
use crate::store::{Claim, Claimed, Scope, StoreFault};

/// How long a claim is tried to be taken back.
const LATE: Duration = Duration::from_secs(30);
/// How often.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes a claim: `KEYS[1]` the document, `ARGV` the part (nothing: the whole), now, the claim's end, how long to keep it,
/// and whose it is. Whoever has taken it takes it again: the answer may have been lost.
const CLAIM: &str = r"
local function taken(held)
  local till, whose = string.match(held or '', '^(%S+) (%S+)$')
  return till and tonumber(till) > tonumber(ARGV[2]) and whose ~= ARGV[5]
end
if ARGV[1] == '' then
  for _, held in ipairs(redis.call('HVALS', KEYS[1])) do
    if taken(held) then return 0 end
  end
elseif taken(redis.call('HGET', KEYS[1], '')) or taken(redis.call('HGET', KEYS[1], ARGV[1])) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[5])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
";

/// Takes a claim back, if it is that of `ARGV[2]`.
const TAKE_BACK: &str = r"
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.match(held, '%S+$') == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
";

/// See the module.
pub(super) struct Claims {
    way: Way,
    /// By which this node names its claims: itself, and a number.
    node: String,
    count: AtomicU64,
}

enum Way {
    Direct(Arc<Link>, Script),
    Replicated(Replicated),
}

impl Claims {
    /// Those of `node`, by `link`, or by one of their own if replicas must have them.
    pub(super) fn new(settings: &RedisSettings, link: &Arc<Link>, node: String) -> Result<Self, String> {
        let way = match settings.replicas {
            0 => Way::Direct(Arc::clone(link), Script::new(CLAIM)),
            replicas => Way::Replicated(Replicated::over(Arc::new(Link::new(settings)?), replicas)),
        };
        Ok(Self { way, node, count: AtomicU64::new(0) })
    }

    pub(super) async fn claim(&self, claim: Claim, at: Moment) -> Result<Claimed, StoreFault> {
        let whose = format!("{}:{}", self.node, self.count.fetch_add(1, Ordering::Relaxed));
        let ask = ClaimAsk { claim, at, whose };
        let (link, script) = match &self.way {
            Way::Direct(link, script) => (link, script),
            Way::Replicated(replicated) => return replicated.claim(ask).await,
        };
        link.may_ask("claiming")?;
        let mut invocation = script.prepare_invoke();
        invocation.key(ask.key());
        for word in ask.words() {
            invocation.arg(word);
        }
        let asking = async |mut connection| invocation.invoke_async::<u16>(&mut connection).await;
        match link.asked("claiming", asking).await {
            Ok(taken) => Ok(claimed(taken)),
            Err(fault) => {
                drop(tokio::spawn(take_back(Arc::clone(link), ask)));
                Err(fault)
            }
        }
    }
}

/// What the script's answer says.
pub(super) const fn claimed(taken: u16) -> Claimed {
    if taken == 1 { Claimed::First } else { Claimed::AlreadyUsed }
}

/// A claim as it is asked for.
pub(super) struct ClaimAsk {
    claim: Claim,
    at: Moment,
    whose: String,
}

impl ClaimAsk {
    /// With the whole script, so that it is one message whether or not the server knows it.
    pub(super) fn whole(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(CLAIM).arg(1).arg(self.key()).arg(&self.words());
        command
    }

    fn key(&self) -> Vec<u8> {
        key(CLAIMS, &[&self.claim.id])
    }

    fn words(&self) -> [Vec<u8>; 5] {
        let Self { claim, at, whose } = self;
        let number = |number: String| number.into_bytes();
        [
            self.part().to_vec(),
            number(at.unix_millis().to_string()),
            number(claim.until.unix_millis().to_string()),
            number(keep(claim.until, *at).to_string()),
            whose.clone().into_bytes(),
        ]
    }

    fn part(&self) -> &[u8] {
        match &self.claim.scope {
            Scope::Whole => b"",
            Scope::Part(part) => part,
        }
    }
}

/// Takes a claim back that may have been made, if Redis answers in a while.
pub(super) async fn take_back(link: Arc<Link>, ask: ClaimAsk) {
    // The whole script in one message, which stands right behind the claim.
    let mut command = redis::cmd("EVAL");
    command.arg(TAKE_BACK).arg(1).arg(ask.key()).arg(ask.part()).arg(&ask.whose);
    let once = async || command.exec_async(&mut link.connection().await?).await;
    let taking = async {
        while once().await.is_err() {
            sleep(PAUSE).await;
        }
    };
    if timeout(LATE, taking).await.is_err() {
        tracing::warn!("a claim may have been made that gave nothing: its document may count as used");
    }
}
