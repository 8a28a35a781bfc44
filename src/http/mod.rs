//! HTTP: one file per protocol surface.
//!
//! `parse` and `deliver` of the sentence live here. A handler reads what was sent, calls one flow
//! of `broker`, and writes the answer in the shape that this caller wants. Errors become statuses
//! in `error` alone. The room knows no store and no adapter.

mod admin;
mod admin_pages;
mod application;
mod body;
mod browser;
mod client_address;
mod console;
mod cookies;
mod device;
mod error;
mod federation;
mod form;
mod health;
mod logout;
mod oauth;
mod oidc;
mod operations;
mod page;
mod portal;
mod request_log;
mod saml;
mod services;
mod sessions;
mod sts;
mod why;

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpServer, Route, guard, web};
use rustix::process::{Resource, getrlimit};
use rustls::ServerConfig;

use crate::broker::{Broker, RequestContext};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::network::Network;
use crate::secret::Secret;

/// Connections that one worker accepts at most.
const CONNECTIONS_PER_WORKER: usize = 10_000;
/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests under way may take when the broker stops, in seconds.
const GRACE_SECONDS: u64 = 20;

/// What every handler has at hand.
#[derive(Clone)]
pub struct Surface {
    /// The flows.
    pub broker: Arc<Broker>,
    /// Read once a request.
    pub clock: Arc<dyn Clock>,
    /// For request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Whose word about a client's address is taken.
    pub trusted_proxies: Arc<[Network]>,
    /// What those in charge show; without it, nobody is.
    pub admin_token: Option<Arc<Secret<String>>>,
    /// The configuration's file, which may say something else by now.
    pub settings: Option<Arc<Path>>,
}

impl Surface {
    /// What `request` sees from its start to its end.
    fn context<'a>(&'a self, request: &'a HttpRequest) -> RequestContext<'a> {
        let address = client_address::of(request, &self.trusted_proxies);
        let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        self.broker.request(self.clock.now(), address).by(user_agent)
    }
}

/// Serves the public listener; HTTPS where `tls` is given. The future ends when it is stopped.
pub fn serve_public(
    surface: Surface,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(surface.clone()))
            .wrap(from_fn(request_log::observe))
            .configure(sts::routes)
            .configure(saml::routes)
            .configure(logout::routes)
            .configure(oidc::routes)
            .configure(oauth::routes)
            .configure(device::routes)
            .configure(services::routes)
            .configure(federation::routes)
            .configure(browser::routes)
            .configure(console::routes)
            .configure(portal::routes)
            .configure(sessions::routes)
            .configure(why::routes)
            .configure(admin_pages::routes)
            .configure(application::routes)
            .default_service(web::to(browser::nothing_here))
    })
    .max_connections(connections_per_worker())
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(GRACE_SECONDS)
    .disable_signals();
    let server = match tls {
        None => server.listen(listener)?,
        Some(tls) => server.listen_rustls_0_23(listener, ServerConfig::clone(&tls))?,
    };
    Ok(server.run())
}

/// Serves the operations listener: health, readiness, metrics, and what those in charge ask.
pub fn serve_operations(surface: Surface, listener: TcpListener) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(surface.clone()))
            .configure(operations::routes)
            .configure(admin::routes)
    })
    .workers(1)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(1)
    .disable_signals();
    Ok(server.listen(listener)?.run())
}

/// A quarter of the file descriptors stays free for everything else, health checks among it.
fn connections_per_worker() -> usize {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    files.map_or(CONNECTIONS_PER_WORKER, |files| (files / 4 * 3 / workers).min(CONNECTIONS_PER_WORKER))
}

/// A route for what is only looked at; actix-web leaves the body out of the answer to `HEAD`.
fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
