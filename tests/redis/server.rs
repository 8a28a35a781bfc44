//! `redis-server` processes, each killed with its test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rolegate::entropy::SystemEntropy;
use rolegate::store::redis::{RedisAccount, RedisSettings, RedisStore, RedisTls, Servers};
use tempfile::TempDir;

use super::{PATIENCE, TIMEOUT};

/// A server that keeps everything in memory.
pub(super) struct Server {
    child: Child,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Server {
    /// One on a socket.
    pub(super) fn start() -> Self {
        Self::with(&["--port", "0"])
    }

    /// One on a port.
    pub(super) fn on(port: u16, arguments: &[&str]) -> Self {
        let port = port.to_string();
        Self::with(&[&["--port", &port, "--bind", "127.0.0.1"], arguments].concat())
    }

    pub(super) fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let child = run(folder.path(), &arguments);
        let server = Self { child, folder, arguments };
        server.wait_until_it_listens();
        server
    }

    /// The same server, without anything that it held.
    pub(super) fn again(&mut self) {
        self.kill();
        self.child = run(self.folder.path(), &self.arguments);
        self.wait_until_it_listens();
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = fs::remove_file(self.socket());
    }

    pub(super) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// What `redis-cli` is answered.
    pub(super) fn cli(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let said = command.arg("-s").arg(self.socket()).args(words).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap()
    }

    /// A node's store.
    pub(super) fn store(&self) -> RedisStore {
        open(&settings(Servers::Standalone(format!("redis+unix://{}", self.socket().display()))))
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn wait_until_it_listens(&self) {
        eventually("redis-server listens", || std::os::unix::net::UnixStream::connect(self.socket()).is_ok());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn run(folder: &Path, arguments: &Vec<String>) -> Child {
    Command::new("redis-server")
        .args(["--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(folder.join("socket"))
        .arg("--dir")
        .arg(folder)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is needed: apt-get install redis-server")
}

/// One who watches servers, and says which is the master.
pub(super) struct Sentinel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Sentinel {
    /// What they call the master.
    pub(super) const MASTER: &str = "rolegate";

    /// One that watches the master at `master`, and takes it for dead when `quorum` of them do.
    pub(super) fn of(master: u16, quorum: u8) -> Self {
        let (folder, [port]) = (tempfile::tempdir().unwrap(), free_ports());
        let (name, path) = (Self::MASTER, folder.path().join("sentinel.conf"));
        let config = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {master} {quorum}\n\
             sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 2000\n"
        );
        fs::write(&path, config).unwrap();
        let mut command = Command::new("redis-server");
        let child = command.arg(&path).arg("--sentinel").stdout(Stdio::null()).spawn().unwrap();
        let sentinel = Self { child, port, _folder: folder };
        eventually("the sentinel listens", || cli(port, &["PING"]).is_some());
        sentinel
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` is answered.
    pub(super) fn cli(&self, words: &[&str]) -> String {
        cli(self.port, words).unwrap()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn cli(port: u16, words: &[&str]) -> Option<String> {
    let said = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    said.status.success().then(|| String::from_utf8(said.stdout).unwrap())
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn end(child: &mut Child) {
    let _ = child.kill().and_then(|()| child.wait());
}

pub(super) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// Ports that nobody has.
pub(super) fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let held: [TcpListener; COUNT] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

pub(super) fn settings(servers: Servers) -> RedisSettings {
    let (account, tls) = (RedisAccount::default(), RedisTls::default());
    RedisSettings { servers, account, tls, replicas: 0, patience: TIMEOUT }
}

/// A node's store.
pub(super) fn open(settings: &RedisSettings) -> RedisStore {
    RedisStore::open(settings, &SystemEntropy::new()).unwrap()
}
