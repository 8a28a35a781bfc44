//! What a whole request at the STS endpoint costs the server: `AssumeRoleWithWebIdentity` against a
//! bare server that does the named work and nothing else.
//!
//! Each server is a process of its own, so that its CPU time (Linux, `/proc/…/schedstat`) is what it
//! spent and nothing of what the client did. Ours is the product with everything on: rules, a trust
//! policy with conditions, the session record, metrics, and the audit in the log. The floor is actix-web
//! with a handler that reads a body of the same size, checks one RSA-2048 signature, seals a session of
//! the usual size, and answers as many bytes; it is always built as a benchmark is. Rounds alternate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod answer;
#[path = "sts/load.rs"]
mod load;
mod product;
mod report;
#[path = "sts/servers.rs"]
mod servers;

use mimalloc::MiMalloc;
use serde_json::{Value, json};

use self::load::Load;
use self::report::{file, median};
use self::servers::{Broker, Floor, Served, World};

/// As in the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: usize = 7;
const EACH: usize = 6_000;

fn main() {
    if std::env::args().any(|argument| argument == servers::FLOOR) {
        servers::serve_floor();
        return;
    }
    let many = 10_000;
    let one = Broker::start(World::SMALL);
    let providers = Broker::start(World { providers: many, ..World::SMALL });
    let rules = Broker::start(World { rules: many, ..World::SMALL });
    let roles = Broker::start(World { roles: many, ..World::SMALL });
    let sessions = Broker::start(World { sessions: 1_000_000, ..World::SMALL });
    let floor = Floor::start(one.answer_length());
    let servers: [(&dyn Served, Load); 6] = [
        (&one, one.load()),
        (&floor, one.load().to(floor.address())),
        (&providers, providers.load()),
        (&rules, rules.load()),
        (&roles, roles.load()),
        (&sessions, sessions.load()),
    ];
    for (_, load) in &servers {
        load.run(EACH / 4);
    }
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..ROUNDS {
        for ((server, load), costs) in servers.iter().zip(&mut rounds) {
            let before = server.cpu_micros();
            load.run(EACH);
            costs.push((server.cpu_micros() - before) / EACH as f64);
        }
    }
    let costs: Vec<_> = rounds.into_iter().map(median).collect();
    file(vec![
        entry("sts_web_identity_vs_floor", costs[0], costs[1], 1.5, "the CPU of the floor"),
        entry("providers_10k_vs_1", costs[2], costs[0], 1.15, "the CPU with one provider"),
        entry("rules_10k_vs_1", costs[3], costs[0], 1.15, "the CPU with one rule"),
        entry("roles_10k_vs_1", costs[4], costs[0], 1.15, "the CPU with one role"),
        entry("sessions_1m_vs_1", costs[5], costs[0], 1.15, "the CPU without any session before"),
    ]);
}

/// Prints a figure, and gives its entry.
fn entry(name: &'static str, ours: f64, floor: f64, most: f64, than: &str) -> (&'static str, Value) {
    let (ratio, goal) = (ours / floor, format!("<= {most} x {than}"));
    let met = ratio <= most;
    println!("{name:26} {ratio:5.2} x   ({ours:.1} us; floor {floor:.1} us)  {goal}: {met}");
    let written = json!({"value": ratio, "unit": "x", "floor": floor, "ratio": ratio,
                         "goal": goal, "met": met, "command": product::command("sts_requests")});
    (name, written)
}
