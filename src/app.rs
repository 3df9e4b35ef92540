//! The only wiring: builds the parts from the configuration and runs them until told to stop.

use crate::admin::{Admin, Socket};
use crate::clock::Now;
use crate::config::Config;
use crate::dummy::{self, Weakness};
use crate::meter::Tally;
use crate::proxy::Proxy;
use crate::server::{self, Address, Listen, ListenError, Services, Tls, TlsError};
use crate::store::Store;
use crate::streams;
use crate::upstream::{NoRoots, Upstream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

/// Why RETTER cannot start (exit code 1).
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Roots(#[from] NoRoots),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot watch for the signals to stop: {0}")]
    Signals(io::Error),
    #[error("the built-in application stopped: {0}")]
    Dummy(io::Error),
}

/// What all of this module's futures are to run on: a worker for each core. A worker that has nothing
/// to do sends what its connections have to say before it goes to sleep.
pub fn runtime() -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread().enable_all().on_thread_park(streams::send_held).build()
}

/// Runs RETTER until SIGINT or SIGTERM, then lets running answers finish and commits the file.
/// A second signal exits at once.
pub async fn run(config: Config) -> Result<(), StartError> {
    let stop = stop_on_signals()?;
    pass_over_hangups()?;
    raise_open_files();
    keep_memory_small();
    survive_a_full_disk()?;
    let tls = Tls::open(&config.server.tls)?;
    let listener = config.server.listen.bind().await?;
    let file = config.store.path.clone();
    let application = config.backend.base.to_string();
    let upstream = Upstream::new(config.backend)?;
    let store = Store::open(config.store, &application, Now::read().wall);
    let proxy =
        Arc::new(Proxy::new(config.proxy, config.breaker, config.gate, upstream, store.clone()));
    let socket = Socket::open(&file, store.clone(), Arc::clone(&proxy));
    let front = Arc::new(Tally::default());
    let admin = Admin::new(config.admin, Arc::clone(&proxy), store.clone(), Arc::clone(&front));
    let remembering = Arc::clone(&proxy);
    let remembering = tokio::spawn(async move { remembering.remember().await });
    let reporting = Arc::clone(&proxy);
    let reporting =
        tokio::spawn(async move { reporting.report_coverage(SAID_APART, WRITTEN_APART).await });
    let refreshing = tokio::spawn(Arc::clone(&proxy).refresh_copies());
    let sweeping = tokio::spawn(Arc::clone(&proxy).sweep_outdated());
    let given_up =
        tokio::spawn(give_the_file_up(Arc::clone(&proxy), store.clone(), socket, stop.clone()));
    let services = Services { proxy: Arc::clone(&proxy), admin, front, tls };
    info!(address = %listener, "listening");
    if !server::serve(listener, services, config.server, stop).await {
        warn!("some answers were still under way after server.timeout.graceshut; cut off");
    }
    remembering.abort();
    reporting.abort();
    sweeping.abort();
    refreshing.abort();
    proxy.remember_now();
    proxy.write_coverage();
    // It has heard the same signal.
    let _ = given_up.await;
    store.close().await;
    info!("stopped");
    Ok(())
}

/// With the first signal: a RETTER that is to take this one's place need not wait until the last
/// answer has left. What comes meanwhile is written at the end, if the file is free then.
async fn give_the_file_up(
    proxy: Arc<Proxy>,
    store: Store,
    socket: Socket,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stop.wait_for(|stop| *stop).await;
    proxy.remember_now();
    proxy.write_coverage();
    proxy.sweep_last().await;
    // First, so that its place is free for the one who gets the file.
    socket.close().await;
    store.yield_file();
}

/// Runs the weak application alone.
pub async fn run_dummy(listen: &Address, start: Weakness) -> Result<(), StartError> {
    let mut stop = stop_on_signals()?;
    let listener = listen.bind().await?;
    tokio::select! {
        ended = dummy::run(listener, start) => ended.map_err(StartError::Dummy),
        _ = stop.wait_for(|stop| *stop) => Ok(()),
    }
}

/// Runs the weak application and RETTER in front of it.
pub async fn demo(
    config: Config,
    application: &Address,
    start: Weakness,
) -> Result<(), StartError> {
    let listener: TcpListener = application.bind().await?;
    let mut hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    // Nobody reading it is no reason not to run.
    let _ = io::stdout().write_all(things_to_try(&config, application).as_bytes());
    let application = tokio::spawn(dummy::run(listener, start));
    tokio::select! {
        ended = run(config) => ended,
        // Its terminal was closed: nobody would know that it still runs.
        _ = hangup.recv() => Ok(()),
        died = application => {
            let error = match died {
                Ok(Err(error)) => error,
                _ => io::ErrorKind::Other.into(),
            };
            Err(StartError::Dummy(error))
        }
    }
}

/// Every connection is an open file, and the usual soft limit of 1,024 is meant for programs with
/// `select`. What the system allows is taken; if it refuses, `accept` will say so in time.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "cannot raise the limit of open files");
    }
}

/// In huge pages every remainder of 2 MiB counts in full: with both caches full that was a sixth of
/// the process. Systems without them have nothing to refuse.
fn keep_memory_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "cannot do without huge pages");
    }
}

/// A file-size limit (`ulimit -f`) is to be an error of one write, like a full disk; unasked, the
/// system ends the process.
fn survive_a_full_disk() -> Result<(), StartError> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))
        .map(drop)
        .map_err(StartError::Signals)
}

fn things_to_try(config: &Config, application: &Address) -> String {
    let weak = application.port;
    let (retter, curl) = match &config.server.listen {
        Listen::Port(at) => (format!("localhost:{}", at.port), format!("localhost:{}", at.port)),
        Listen::Unix(path) => {
            let path = path.display();
            (format!("unix:{path}"), format!("--unix-socket {path} localhost"))
        }
    };
    let file = config.store.path.display();
    format!(
        "A weak application is on localhost:{weak}, RETTER in front of it on {retter},\n\
         its file is {file}. Three things to try in another terminal:\n\
         \n\
         1. A page comes through:\n   \
            curl -i {curl}/hello\n\
         2. Break the application, and the page still comes:\n   \
            curl 'localhost:{weak}/set?e=1'\n   \
            curl -i {curl}/hello\n\
         3. Stop this with Ctrl-C, start it with a broken application, and the page still comes:\n   \
            cargo run --release -- demo --broken\n   \
            curl -i {curl}/hello\n\
         \n\
         X-Retter says where a page came from, X-Circuit how the breaker stands.\n\n"
    )
}

/// True once the first SIGINT or SIGTERM has come.
fn stop_on_signals() -> Result<watch::Receiver<bool>, StartError> {
    let watch_for = |kind| signal(kind).map_err(StartError::Signals);
    let mut interrupt = watch_for(SignalKind::interrupt())?;
    let mut terminate = watch_for(SignalKind::terminate())?;
    let (say, stop) = watch::channel(false);
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        let _ = say.send(true);
        next(&mut interrupt, &mut terminate).await;
        warn!("second signal: stopping at once");
        std::process::exit(STOPPED_AT_ONCE);
    });
    Ok(stop)
}

/// Who renews a certificate tells the server so with SIGHUP, by custom, and unasked the system ends the
/// process. Here there is nothing to do: the files are looked at all the time.
fn pass_over_hangups() -> Result<(), StartError> {
    let mut hangups = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            info!(
                "SIGHUP passed over: new certificates are taken without it, settings at a restart"
            );
        }
    });
    Ok(())
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Between two lines in the log about how much has a copy.
const SAID_APART: Duration = Duration::from_secs(3_600);
/// Between two handings-over of the same for the file.
const WRITTEN_APART: Duration = Duration::from_secs(60);
/// Exit code after a second signal: not all was finished.
const STOPPED_AT_ONCE: i32 = 1;
