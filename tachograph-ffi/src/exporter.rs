//! The exporter: the engine's server on threads of its own.

use std::net::TcpListener;
use std::time::Duration;

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options as ServerOptions, Routes, State, Stopped, Token};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::borrowed::{Options, handle, options, taken, text};
use crate::failure::{Failure, made, status};
use crate::{TachographHttp, TachographProfiler, TachographRegistry, TachographStatus, TachographStr};

/// A server that answers `/metrics`, `/health*` and, with a profiler, `/debug/profile*`. It ends with
/// `tachograph_exporter_stop`.
#[derive(Debug)]
pub struct TachographExporter {
    stop: oneshot::Sender<()>,
    served: JoinHandle<Stopped>,
    runtime: Runtime,
    port: u16,
    /// The process that its threads are in.
    process: u32,
}

/// How the exporter is set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographExporterOptions {
    /// `sizeof(TachographExporterOptions)`.
    pub size: usize,
    /// Where it listens, `HOST:PORT`; port 0 is one that is free. Empty is `127.0.0.1:0`.
    pub address: TachographStr,
    /// The bearer token that opens `/debug/profile*` and shows what health checks say; empty for none: then `/debug` is closed.
    pub token: TachographStr,
    /// The metrics in which its own requests and connections are counted; NULL for nowhere.
    pub http: *const TachographHttp,
    /// Whose profiles `/debug/profile*` shows; NULL for none.
    pub profiler: *const TachographProfiler,
    /// Connections at once; 0 for no limit.
    pub max_connections: usize,
    /// Scrapes at once; 0 is 16.
    pub max_scrapes: usize,
    /// How long `tachograph_exporter_stop` takes requests yet while `/health/ready` answers 503, in milliseconds.
    pub drain_delay_ms: u64,
    /// How long requests in flight may go on after that, before they are cut, in milliseconds; 0 is 10000.
    pub shutdown_timeout_ms: u64,
}

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers and pointers.
unsafe impl Options for TachographExporterOptions {
    const DEFAULT: Self = Self {
        size: size_of::<Self>(),
        address: TachographStr { data: std::ptr::null(), len: 0 },
        token: TachographStr { data: std::ptr::null(), len: 0 },
        http: std::ptr::null(),
        profiler: std::ptr::null(),
        max_connections: 0,
        max_scrapes: 0,
        drain_delay_ms: 0,
        shutdown_timeout_ms: 0,
    };
}

/// Keeps SIGPIPE off the calling thread. Rust's programs ignore it, others end by it: a client that leaves early would be
/// the end of the program. On this thread the write tells instead that nobody is there.
fn block_sigpipe() {
    #[cfg(unix)]
    {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the set is our own, and is filled before it is read; where the old one would go may be NULL.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// Starts the exporter on threads of its own, and tells that it listens by returning. `options` may be NULL.
///
/// It installs no signal handler; its threads block SIGPIPE and have else the signal mask of the calling thread.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns, and what handles lead to is kept: they may be freed.
/// Errors: NULL when `registry` is, the options or the token are not right, the address cannot be bound or a thread not be made
/// (`TACHOGRAPH_STATUS_SYSTEM`), or a name of its metrics is taken.
///
/// # Safety
///
/// `registry`, and the handles in the options, are NULL or handles that are not freed; each text is as long as it says;
/// `options` is NULL or as large as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_exporter_start(
    registry: *const TachographRegistry,
    options: *const TachographExporterOptions,
) -> *mut TachographExporter {
    made(|| {
        // SAFETY: as the caller promises.
        let (registry, given) = unsafe { (handle(registry, "registry")?, self::options(options, "options")?) };
        // SAFETY: as the caller promises.
        let (address, token) = unsafe { (text(given.address, "address")?, text(given.token, "token")?) };
        // SAFETY: as the caller promises.
        let (http, profiler) = unsafe { (given.http.as_ref(), given.profiler.as_ref()) };
        let mut options = ServerOptions {
            max_connections: given.max_connections,
            profiler: profiler.map(|profiler| profiler.0.clone()),
            drain_delay: Duration::from_millis(given.drain_delay_ms),
            ..ServerOptions::default()
        };
        if !token.is_empty() {
            options.tokens = Token::new(token).map_err(Failure::argument)?.into();
        }
        if given.max_scrapes > 0 {
            options.max_scrapes = given.max_scrapes;
        }
        if given.shutdown_timeout_ms > 0 {
            options.shutdown_timeout = Duration::from_millis(given.shutdown_timeout_ms);
        }
        let address = if address.is_empty() { "127.0.0.1:0" } else { address };
        let listener =
            TcpListener::bind(address).map_err(|error| Failure::system(format!("cannot bind {address}: {error}")))?;
        listener.set_nonblocking(true).map_err(Failure::system)?;
        let port = listener.local_addr().map_err(Failure::system)?.port();
        let runtime = Builder::new_multi_thread()
            // What takes time is done on further threads, as it comes up.
            .worker_threads(1)
            .thread_name("tachograph")
            .on_thread_start(block_sigpipe)
            .enable_all()
            .build()
            .map_err(Failure::system)?;
        let http = match http {
            Some(http) => http.0.clone(),
            // In a registry that nobody scrapes.
            None => HttpMetrics::register(&Registry::new(), HttpOptions::default())?,
        };
        let state = State::new(&registry.0, &http, Routes::new(), options).map_err(Failure::argument)?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(Failure::system)?
        };
        let (stop, stopped) = oneshot::channel();
        // Without a sender it stops too.
        let served = runtime.spawn(server::run(listener, state, async move { drop(stopped.await) }));
        Ok(TachographExporter { stop, served, runtime, port, process: std::process::id() })
    })
}

/// Tells the port that the exporter listens on; 0 of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `exporter` is NULL or a handle that has not been stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_exporter_port(exporter: *const TachographExporter) -> u16 {
    // SAFETY: as the caller promises.
    unsafe { exporter.as_ref() }.map_or(0, |exporter| exporter.port)
}

/// Stops the exporter and frees its handle: it takes no more connections, lets the requests in flight finish within the
/// deadline of its options, and ends its threads. `cut`, which may be NULL, is told how many connections were still at work
/// then and were cut. NULL is nothing.
///
/// Threads: any; it waits, at most for as long as the options say.
/// Errors: `TACHOGRAPH_STATUS_OTHER_PROCESS` in a process that was forked from the exporter's own: its threads are not here,
/// and nothing is freed.
///
/// # Safety
///
/// `exporter` is NULL or a handle that has not been stopped, and nobody uses it now or later; `cut` is NULL or has room for a
/// number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_exporter_stop(exporter: *mut TachographExporter, cut: *mut usize) -> TachographStatus {
    status(|| {
        let mut still_at_work = 0;
        // SAFETY: as the caller promises.
        if let Some(exporter) = unsafe { taken(exporter) } {
            if exporter.process != std::process::id() {
                std::mem::forget(exporter);
                let message = "the exporter is of the process that this one was forked from";
                return Err(Failure::new(TachographStatus::OtherProcess, message));
            }
            let TachographExporter { stop, served, runtime, .. } = *exporter;
            // Nobody may be left to hear it.
            let _ = stop.send(());
            still_at_work = runtime.block_on(served).map_err(Failure::system)?.cut;
        }
        if !cut.is_null() {
            // SAFETY: there is room, as the caller promises.
            unsafe { cut.write(still_at_work) };
        }
        Ok(())
    })
}
