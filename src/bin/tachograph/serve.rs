//! Puts the parts together, runs them, and ends them in order.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tachograph::Registry;
use tachograph::health::checks::Loads;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::page::{Page, PageOptions};
use tachograph::profile::{ProfileOptions, Profiler};
use tachograph::server::{self, FailureLimit, State, Tls, Token, Tokens};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::api::auth::{self, Holder, Holders};
use crate::api::fault::FaultControl;
use crate::api::limit::{self, Limits, Quotas};
use crate::api::phase::PhaseMetrics;
use crate::api::place::{MOST_LISTINGS, Places};
use crate::api::{self, Current, Demo};
use crate::certificate::CertificateFiles;
use crate::check::say;
use crate::cli::Options;
use crate::editor::Editor;
use crate::engine::Engine;
use crate::folder::SceneFolder;
use crate::health::Subjects;
use crate::log::Log;
use crate::signals::{self, Hangups, Signals};
use crate::tokens::{self, TokenSource};
use crate::traffic::Traffic;
use crate::{health, log};

/// The exit status of whatever keeps the server from starting.
pub(crate) const FAILED_TO_START: u8 = 2;
/// The exit status after a second signal.
pub(crate) const CUT_SHORT: u8 = 1;
/// What a blocking thread may still need once all requests are answered.
const LAST_BLOCKING: Duration = Duration::from_secs(1);
/// Threads for blocking work that waits for no disk: scrapes, profiles, pages. There are two processors for them, or some more.
const OTHER_BLOCKING: usize = 64;

/// The tokens of one run.
struct Secrets {
    user: Tokens,
    /// The one that was made because nobody had chosen any: its user must be told.
    made: Option<String>,
    traffic: String,
    burst: String,
}

/// Serves until a signal comes, and returns the exit status.
pub(crate) fn serve(options: &Options) -> ExitCode {
    let log = log::start(options.log_level, options.log_format);
    to_the_end(log, options.max_loads() + MOST_LISTINGS, |log| run(options, log))
}

/// Runs a server on threads of its own to its end, and returns the exit status. `blocking` is how many threads may wait for a
/// disk at once.
pub(crate) fn to_the_end<F>(log: Result<Log, String>, blocking: usize, server: impl FnOnce(Log) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, String>>,
{
    let log = match log {
        Ok(log) => log,
        Err(told) => return failed(&told),
    };
    let threads = blocking + OTHER_BLOCKING;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(threads).build() {
        Ok(runtime) => runtime,
        Err(cause) => return failed(&format!("the threads could not be started: {cause}")),
    };
    let ended = runtime.block_on(server(log.clone()));
    runtime.shutdown_timeout(LAST_BLOCKING);
    log.end();
    ended.unwrap_or_else(|told| failed(&told))
}

/// Says why there is no server, in one line.
fn failed(told: &str) -> ExitCode {
    say(&format!("tachograph: {}", told.replace('\n', " ")));
    ExitCode::from(FAILED_TO_START)
}

async fn run(options: &Options, log: Log) -> Result<ExitCode, String> {
    let folder = SceneFolder::locate(options.scenes.as_deref())?;
    let source = TokenSource::new(&options.access.token, options.access.token_file.as_deref(), "--token or TACHOGRAPH_TOKEN")?;
    let files = CertificateFiles::new(options.access.tls_cert.as_deref(), options.access.tls_key.as_deref());
    // Before the files are read: else the signal ends whoever waits for one of them.
    let hangups = (source.may_change() || files.is_some()).then(Hangups::new).transpose()?;
    tokens::check_address(options.listen, source.is_given(), options.access.allow_random_token)?;
    let secrets = secrets(&source)?;
    let signals = Signals::new()?;
    if files.is_some() && options.traffic() > 0.0 {
        return Err("the server's own traffic speaks no TLS: leave out --traffic or --tls-cert".to_owned());
    }
    let tls = files.as_ref().map(CertificateFiles::read).transpose()?;
    let listener = listen(options.listen).await?;
    let address = listener.local_addr().map_err(|cause| format!("the address cannot be told: {cause}"))?;
    let scenes = folder.list().map_err(|cause| format!("the scenes cannot be listed: {cause}"))?;
    let registry = Registry::new();
    log.register_metrics(&registry).map_err(|cause| cause.to_string())?;
    let engine = Arc::new(Engine::start(&registry).map_err(|cause| cause.to_string())?);
    let watched = (options.health.debug_adapter.as_deref(), options.health.language_server.as_deref());
    let editor = Arc::new(Editor::start(watched.0, watched.1).await?);
    let state =
        state(options, &secrets, tls.clone(), folder, &registry, &engine, &editor).map_err(|cause| cause.to_string())?;

    announce(options, address, &secrets);
    let signals = signals.count();
    signals::reload_at(hangups, move || {
        // First, since the tokens may be a pipe into which nobody writes.
        if let (Some(files), Some(tls)) = (&files, &tls) {
            files.reload(tls);
        }
        if source.may_change() {
            source.reload(&secrets.user);
        }
    });
    let traffic = (options.traffic() > 0.0).then(|| {
        let names = scenes.into_iter().map(|file| file.name).collect();
        let traffic = Traffic::new(address, secrets.traffic, secrets.burst, names, options.access.guesses.auth_failures);
        tokio::spawn(traffic.send(options.traffic(), signals.have_come(1)))
    });
    let status = tokio::select! {
        stopped = server::run(listener, state, signals.have_come(1)) => {
            tracing::info!(cut = stopped.cut, "stopped");
            ExitCode::SUCCESS
        }
        () = signals.have_come(2) => {
            tracing::warn!("stopped at once by a second signal");
            ExitCode::from(CUT_SHORT)
        }
    };
    if let Some(traffic) = traffic {
        traffic.abort();
    }
    engine.end();
    Ok(status)
}

/// Begins to listen.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| format!("cannot listen on {address}: {cause}, choose another address with --listen"))
}

fn secrets(source: &TokenSource) -> Result<Secrets, String> {
    let mut user = source.read()?;
    let made = if source.is_given() { None } else { Some(auth::random()?) };
    if let Some(made) = &made {
        user.push(Token::new(made).map_err(|cause| cause.to_string())?);
    }
    Ok(Secrets { user: user.into_iter().collect(), made, traffic: auth::random()?, burst: auth::random()? })
}

fn state(
    options: &Options,
    secrets: &Secrets,
    tls: Option<Tls>,
    folder: SceneFolder,
    registry: &Registry,
    engine: &Arc<Engine>,
    editor: &Arc<Editor>,
) -> Result<State, Box<dyn std::error::Error>> {
    registry.register_engine_metrics()?;
    registry.register_process_metrics()?;
    registry.register_runtime_metrics(&Handle::current())?;
    let http = HttpMetrics::register(registry, HttpOptions::default())?;
    let slow = Duration::from_millis(options.slow_threshold);
    let capacity = options.profiles;
    let profiler = Profiler::new(ProfileOptions { capacity, slow_threshold: slow, ..ProfileOptions::default() });
    profiler.register_metrics(registry)?;
    // Twice its rate, so that it is never limited where it does not mean to be.
    let traffic_rate = (options.traffic() * 2.0).ceil() as u32 + 50;
    let quotas = Quotas {
        user: limit::quota(options.rate_limit, options.rate_burst),
        traffic: limit::quota(traffic_rate, traffic_rate),
        burst: limit::quota(1, 2),
    };
    let loads = Loads::new();
    let subjects = Subjects { folder: folder.clone(), frames: engine.clock(), loads: loads.clone(), editor };
    let health = health::register(registry, subjects, &options.health)?;
    let failures = FailureLimit::per_minute(options.access.guesses.auth_failures);
    let own = vec![(Holder::Traffic, Token::new(&secrets.traffic)?), (Holder::Burst, Token::new(&secrets.burst)?)];
    let demo = Arc::new(Demo {
        phases: PhaseMetrics::register(registry)?,
        holders: Holders { user: secrets.user.clone(), own, failures: failures.clone() },
        limits: Limits::new(quotas),
        faults: options.demo_faults.then(|| Arc::new(FaultControl::new(editor))),
        folder,
        slow,
        current: Current::default(),
        engine: Arc::clone(engine),
        loads,
        load_places: Places::new(options.max_loads()),
        list_places: Places::new(MOST_LISTINGS),
        http: http.clone(),
    });
    demo.prepare();
    let links = ["metrics", "health", "scenes"].map(|name| (name.to_owned(), name.to_owned()));
    let page = Page::start(registry, PageOptions { links: links.into(), profiles: true, ..PageOptions::default() })?;
    let routes = page.routes(api::routes(&demo));
    let limits = server::Options {
        profiler: Some(profiler),
        health,
        tokens: secrets.user.clone(),
        auth_failures: failures,
        tls,
        hsts: Duration::from_secs(options.access.hsts),
        trust_forwarded_for: options.access.guesses.trust_forwarded_for,
        server_timing: options.server_timing,
        created_timestamps: options.created_timestamps,
        drain_delay: Duration::from_millis(options.drain_delay),
        ..options.limits.server()
    };
    Ok(State::new(registry, &http, routes, limits)?)
}

/// Says where the server is, on standard output, and what else its user must know, on standard error.
fn announce(options: &Options, address: SocketAddr, secrets: &Secrets) {
    if let Some(made) = &secrets.made {
        say(&format!("token for this run: {made} (choose your own with TACHOGRAPH_TOKEN)"));
    }
    if options.traffic() > 0.0 {
        say(&format!("sending {} requests a second to itself (--traffic 0 turns that off)", options.traffic()));
    }
    let scheme = if options.access.tls_cert.is_some() { "https" } else { "http" };
    let mut out = std::io::stdout();
    // Nobody has to read it.
    let _closed = writeln!(out, "listening on {scheme}://{address}").and_then(|()| out.flush());
}
