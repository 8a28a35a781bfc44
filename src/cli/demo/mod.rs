//! `rolegate demo`: the broker beside an identity provider of its own, for a first look.
//!
//! Three listeners on loopback (broker, identity provider, operations), one folder with
//! everything that was written, and a guided tour. With `--once` the tour walks itself.

pub mod idp;
pub(crate) mod people;
mod tour;
mod walk;
mod world;

use std::error::Error as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use self::idp::Idp;
use self::idp::saml::SignerError;
use self::idp::token::KeyError;
use self::world::World;
use crate::cli::asked_to_stop;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{NoEntropy, SystemEntropy};
use crate::identity::saml::SpKeyFault;
use crate::telemetry::{self, Format};
use crate::{app, config};

/// What the demo logs below its tour: each request, and why one was refused.
const LOG_LEVEL: &str = "warn,rolegate=info,audit=info";
/// Where the demo keeps its files, below the folder it was started in.
const FOLDER: &str = "var/demo";
/// The same for `--once`, so that a walk leaves a running demo alone.
const FOLDER_ONCE: &str = "var/demo-once";

/// Runs the demo with the broker on `listen` and its neighbours on the next two ports, until
/// Ctrl-C; with `once`, walks every flow and ends. Port 0 takes any three ports.
pub async fn run(listen: SocketAddr, once: bool) -> ExitCode {
    match stage(listen, once).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                text = format!("{text}: {inner}");
                cause = inner.source();
            }
            eprintln!("rolegate demo: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Why the demo can't run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Its provider has no passwords.
    #[error(
        "{0} is not a loopback address; anybody could sign in as anybody, so the demo stays on this machine"
    )]
    NotLoopback(SocketAddr),
    /// Three ports in a row are needed.
    #[error("there are no two ports after {0}; choose a lower one")]
    NoPort(u16),
    /// Somebody else listens there.
    #[error(
        "can't listen on {address}; stop what runs there, or take other ports: `rolegate demo --listen \
         127.0.0.1:9000` uses that one and the next two, `--listen 127.0.0.1:0` any three that are free"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Two demos would write the same files.
    #[error("another demo runs in {0}; stop it, or start this one in another folder")]
    Taken(PathBuf),
    /// A file of the world.
    #[error("can't use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The provider's key for assertions.
    #[error("the demo identity provider can't sign assertions")]
    Saml(#[from] SignerError),
    /// The broker's key for login requests.
    #[error("the broker's SAML key can't be used: {0}")]
    SpKey(#[from] SpKeyFault),
    /// The provider's key for ID tokens.
    #[error("the demo identity provider can't sign tokens")]
    Token(#[from] KeyError),
    /// No randomness.
    #[error("the demo identity provider can't make a secret")]
    Entropy(#[from] NoEntropy),
    /// The broker did not start.
    #[error("the broker did not start: {0}")]
    Broker(String),
    /// The provider, or the wait for Ctrl-C.
    #[error("the demo can't go on")]
    System(#[source] io::Error),
    /// The walk's HTTP client.
    #[error("the walk can't start")]
    Client(#[from] reqwest::Error),
}

/// Sets the stage, plays, and clears away. Says whether all went well.
async fn stage(listen: SocketAddr, once: bool) -> Result<bool, DemoError> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::new()));
    let listeners = Listeners::bind(listen)?;
    let world = listeners.world(if once { FOLDER_ONCE } else { FOLDER }.into())?;
    let _alone = world.lock()?;
    let keys = world.keys(entropy.as_ref())?;
    let idp = Arc::new(Idp::new(world.issuer(), world.broker(), keys, clock.clone(), entropy.clone()));
    world.write(&idp.saml_metadata())?;
    let provider = idp::serve(idp.clone(), listeners.idp).map_err(DemoError::System)?;
    let broker = broker(&world, clock.as_ref(), listeners.public, listeners.operations).await?;
    let well = if once {
        walk::walk(&world, &idp, clock.as_ref()).await?
    } else {
        print!("{}", tour::text(&world));
        telemetry::start_logging(Format::Text, LOG_LEVEL).map_err(DemoError::System)?;
        asked_to_stop().await.map_err(DemoError::System)?;
        println!("\nStopping.");
        true
    };
    broker.stop().await;
    provider.stop(false).await;
    Ok(well)
}

/// Starts the broker on the world's configuration, as `serve` does.
async fn broker(
    world: &World,
    clock: &dyn Clock,
    public: TcpListener,
    operations: TcpListener,
) -> Result<app::Running, DemoError> {
    let loaded = config::load(&world.settings(), clock.now())
        .map_err(|faults| DemoError::Broker(faults.to_string()))?;
    let started = app::start(loaded, app::Listeners { public, operations }).await;
    started.map_err(|error| DemoError::Broker(error.to_string()))
}

/// Three sockets on loopback.
struct Listeners {
    public: TcpListener,
    idp: TcpListener,
    operations: TcpListener,
}

impl Listeners {
    fn bind(listen: SocketAddr) -> Result<Self, DemoError> {
        if !listen.ip().is_loopback() {
            return Err(DemoError::NotLoopback(listen));
        }
        let nth = |offset: u16| {
            let port = match listen.port() {
                0 => 0,
                first => first.checked_add(offset).ok_or(DemoError::NoPort(first))?,
            };
            let address = SocketAddr::new(listen.ip(), port);
            TcpListener::bind(address).map_err(|source| DemoError::Listen { address, source })
        };
        Ok(Self { public: nth(0)?, idp: nth(1)?, operations: nth(2)? })
    }

    fn world(&self, folder: PathBuf) -> Result<World, DemoError> {
        let address = |listener: &TcpListener| listener.local_addr().map_err(DemoError::System);
        let (public, idp) = (address(&self.public)?, address(&self.idp)?);
        Ok(World { folder, public, idp, operations: address(&self.operations)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_loopback() {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let bound = Listeners::bind(address.parse().unwrap());
            assert!(matches!(bound, Err(DemoError::NotLoopback(_))), "{address}");
        }
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let Err(error) = Listeners::bind(address) else { panic!("bound twice") };
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }

    #[test]
    fn needs_three_ports() {
        let bound = Listeners::bind("127.0.0.1:65535".parse().unwrap());
        assert!(matches!(bound, Err(DemoError::NoPort(65535) | DemoError::Listen { .. })));
    }
}
