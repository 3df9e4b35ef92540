//! **The** table of settings: key, type, kind, default and meaning of each. Variables, the file,
//! `--set`, `--check` and the README's table all come from here, so that none of them can know
//! a setting the others do not.
//!
//! A key is here from the moment something stands behind it; before that it is unknown. Every
//! part of a key is one word, so a variable can only be read back one way.

use crate::breaker::Mode;
use crate::config::LogFormat;
use crate::config::backend;
use crate::config::files;
use crate::config::kinds::{self, Kind};
use crate::config::lists;
use crate::gate::Mode as GateMode;
use crate::headers::Names;
use crate::policy::NoStore;
use crate::proxy::ErrorPage;
use crate::server::Listen;
use crate::store::Sharing;
use crate::upstream::{Backoff, BaseUrl, Ca, Hedge};
use figment::value::Value;
use globset::GlobMatcher;
use http::Method;
use ipnet::IpNet;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// One setting, with the type of its value.
pub struct Key<T: 'static> {
    /// The dotted name, as in `--set` and in the file.
    pub name: &'static str,
    pub kind: &'static Kind<T>,
    /// In the words of an operator.
    pub default: &'static str,
    /// What it decides, with what zero and the borders mean.
    pub doc: &'static str,
}

/// One setting, whatever its type.
pub trait AnyKey: Sync {
    fn name(&self) -> &'static str;
    fn default(&self) -> &'static str;
    fn allowed(&self) -> &'static str;
    fn doc(&self) -> &'static str;
    /// The value as it was understood, in words.
    ///
    /// # Errors
    /// Why it is no value for this setting.
    fn words(&self, value: &Value) -> Result<String, String>;
}

impl<T> AnyKey for Key<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn default(&self) -> &'static str {
        self.default
    }
    fn allowed(&self) -> &'static str {
        self.kind.allowed
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn words(&self, value: &Value) -> Result<String, String> {
        (self.kind.read)(value).map(|value| (self.kind.say)(&value))
    }
}

/// The key of that exact name.
pub fn named(name: &str) -> Option<&'static dyn AnyKey> {
    TABLE.iter().copied().find(|key| key.name() == name)
}

/// The environment variable of a key: `cache.ttl` is `RETTER_CACHE_TTL`.
pub fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "_"))
}

/// What every variable of ours begins with.
pub const PREFIX: &str = "RETTER_";

/// The key whose name is closest to a mistyped one, if any is close.
pub fn nearest(name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', ".");
    let wanted = plain(name);
    let length = wanted.chars().count();
    let most = length / 3;
    TABLE
        .iter()
        // At least as far apart as their lengths; and comparing takes as much memory as both say.
        .filter(|key| key.name().len().abs_diff(length) <= most)
        .map(|key| (strsim::damerau_levenshtein(&wanted, key.name()), key.name()))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= most)
        .map(|(_, name)| name)
}

/// The README's table of settings.
pub fn markdown() -> String {
    let mut table = "| Key | Default | What it decides |\n|---|---|---|\n".to_owned();
    for key in TABLE {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{}` | `{}` | {} |", key.name(), key.default(), key.doc());
    }
    table
}

macro_rules! keys {
    ($($id:ident: $type:ty = $name:literal, $kind:expr, $default:literal, $doc:literal;)*) => {
        $(#[doc = $doc] pub static $id: Key<$type> =
            Key { name: $name, kind: &$kind, default: $default, doc: $doc };)*

        /// Every setting, in the order of the README.
        pub static TABLE: &[&dyn AnyKey] = &[$(&$id),*];
    };
}

keys! {
    SERVER_LISTEN: Listen = "server.listen", kinds::LISTEN, ":8089",
        "Where RETTER listens: `HOST:PORT`, `:PORT`, or `unix:/path` for a socket that its owner and \
         group may use; port 0 lets the system choose.";
    SERVER_TRUSTED: Vec<IpNet> = "server.trusted", lists::NETWORKS, "loopback",
        "Networks whose `X-Forwarded-*`, `Forwarded` and `Via` are believed, and that may say with the \
         PROXY protocol whose a connection is; `none` for nobody.";
    SERVER_PROXYPROTOCOL: bool = "server.proxyprotocol", kinds::ON_OFF, "off",
        "`on`: every connection begins with a PROXY protocol header (version 1 or 2) that says whose \
         it is, and only `server.trusted` may connect.";
    SERVER_MAXCONNECTIONS: u32 = "server.maxconnections", kinds::SOME_COUNT, "10000",
        "Connections of all clients at one time; one more is answered 503 and closed (of those that \
         come at once, 256 are; the rest are closed).";
    SERVER_TIMEOUT_READ: Duration = "server.timeout.read", kinds::TIME, "15 seconds",
        "Silence of a client that is sending the body of a request; for the head see `limit.head`; 0 = \
         no limit.";
    SERVER_TIMEOUT_WRITE: Duration = "server.timeout.write", kinds::TIME, "15 seconds",
        "How long a client may take nothing of its answer; 0 = no limit.";
    SERVER_TIMEOUT_IDLE: Duration = "server.timeout.idle", kinds::TIME, "60 seconds",
        "How long a connection may wait for its next request; 0 = no limit.";
    SERVER_TIMEOUT_GRACESHUT: Duration = "server.timeout.graceshut", kinds::TIME, "15 seconds",
        "How long requests may take to end when RETTER is told to stop; 0 = not at all.";

    TLS_CERTIFICATE: Option<PathBuf> = "tls.certificate", files::MAYBE_FILE, "none",
        "A PEM file with the certificate and those that lead to its issuer, its own first. With it \
         and `tls.key` visitors speak TLS with RETTER; both are read again when they change.";
    TLS_KEY: Option<PathBuf> = "tls.key", files::MAYBE_FILE, "none",
        "A PEM file with the private key of the certificate, without a password.";

    BACKEND_BASEURL: BaseUrl = "backend.baseurl", backend::BASE_URL, "http://localhost:8088",
        "The application: `http://`, `https://` or `unix:/path/of.socket`; a path in it (behind a \
         socket after one more `:`) is put before every request's path.";
    BACKEND_CA: Ca = "backend.ca", backend::CA, "system",
        "With `https`: a file of certificates in PEM that alone are trusted to vouch for the \
         application; `system` = those this machine trusts.";
    BACKEND_SNI: Option<String> = "backend.sni", backend::SNI, "none",
        "With `https`: the name to ask for and to find in the application's certificate; `none` = \
         the host of `backend.baseurl`.";
    BACKEND_TIMEOUT: Duration = "backend.timeout", kinds::SOME_TIME, "15 seconds",
        "Time until the application begins to answer, and silence inside its answer; never 0, for \
         an application that hangs must be a failure at some time.";
    BACKEND_CONNECT: Duration = "backend.connect", kinds::SOME_TIME, "3 seconds",
        "Time until the application takes a connection, TLS included; never 0.";
    BACKEND_NAMES: Names = "backend.names", backend::NAMES, "plain",
        "`plain`: header fields with anything but letters, digits and dashes in their names stay \
         behind, for many an application takes `X_Forwarded_For` for `X-Forwarded-For`; `all`: only \
         those that pass for a name RETTER answers for itself, and what is asked for with one of the \
         others makes no copy.";

    BACKEND_PATIENCE: Duration = "backend.patience", kinds::TIME, "2 seconds",
        "How long a visitor who has a copy waits for the application to answer; then he gets the \
         copy, and the answer refreshes it. 0 = the copy at once, the fresh page next time.";

    CACHE_TTL: Duration = "cache.ttl", kinds::TIME, "5 seconds",
        "A copy no older than this is `X-Retter: cache`, an older one `last-known-success`; 0 = \
         every copy is an older one.";
    CACHE_DETECT_QUERY: bool = "cache.detect.query", kinds::YES_NO, "true",
        "Different queries are different pages; false = one copy for all of them.";
    CACHE_DETECT_SESSION: bool = "cache.detect.session", kinds::YES_NO, "true",
        "Every visitor has copies of his own; false = requests with a session have none, unless \
         the answer says `public`.";
    CACHE_SESSION_COOKIES: Vec<String> = "cache.session.cookies", lists::COOKIES,
        "PHPSESSID JSESSIONID ci_session DokuWiki wordpress_logged_in_* wp_woocommerce_session_* \
         laravel_session symfony sessionid connect.sid ASP.NET_SessionId .AspNetCore.* \
         _session_id SESS* SSESS* frontend sid session",
        "Cookies that make a visitor a person; `*` at the end stands for the rest of a name.";
    CACHE_SESSION_HARMLESS: Vec<String> = "cache.session.harmless", lists::COOKIES,
        "_ga* _gid _gcl_* __utm* _fbp _fbc _pk_* _hj* _clck _clsk __cf_bm CookieConsent \
         cookieconsent_status cookie_notice_accepted cookielawinfo-* cmplz_* OptanonConsent \
         OptanonAlertBoxClosed borlabs-cookie euconsent* wordpress_test_cookie",
        "Cookies that say nothing about who the visitor is.";
    CACHE_QUERY_IGNORE: Vec<String> = "cache.query.ignore", lists::PARAMETERS, "none",
        "Query parameters left out of the key and of what the application gets; `*` at the end \
         stands for the rest of a name.";
    CACHE_QUERY_SECRET: Vec<String> = "cache.query.secret", lists::WHOLE_PARAMETERS,
        "token access_token code key sig password",
        "Query parameters whose presence keeps a page from being stored or rescued.";
    CACHE_STATUSES: Vec<u16> = "cache.statuses", lists::STATUSES, "200 203 300 301 308",
        "Statuses a copy may have; `none` = nothing is stored.";
    CACHE_MAXBODY: u64 = "cache.maxbody", kinds::SIZE, "8 MiB",
        "The largest body that is stored; 0 = only answers without one.";
    CACHE_MEMORY: u64 = "cache.memory", kinds::SIZE, "64 MiB",
        "Memory for the copies asked for most; 0 = copies are read from the file only.";
    CACHE_NOSTORE: NoStore = "cache.nostore", kinds::NOSTORE, "sealed",
        "What to do with a visitor's own page that says `no-store`: `sealed` = keep it for him, \
         readable with his session only; `memory` = never in the file; `refuse` = never.";
    CACHE_PUBLIC: Vec<GlobMatcher> = "cache.public", lists::GLOBS, "none",
        "Paths the operator declares the same for everybody; `*` stays within one part of the \
         path, `**` crosses parts.";
    CACHE_UNFRAMED: bool = "cache.unframed", kinds::UNFRAMED, "skip",
        "A body whose end only the end of the connection tells: `skip` = it may be a crash, \
         `store` = it is whole.";

    CACHE_REJECT_TEXT: Vec<String> = "cache.reject.text", lists::TEXTS, "none",
        "Texts by which an error that says 200 is known: an answer that has one of them is passed on \
         and not kept. In a variable commas separate them, `\\,` is one.";
    CACHE_REJECT_BELOW: u64 = "cache.reject.below", kinds::SIZE, "0 bytes",
        "An answer with status 200 and a body shorter than this, as the application sent it, is \
         passed on and not kept; 0 = any length is kept.";

    CACHE_STRICT: bool = "cache.strict", kinds::YES_NO, "false",
        "true = copies are kept and given as RFC 9111 and RFC 5861 let a shared cache: what an \
         application says about freshness is obeyed in an outage too.";

    COMPRESS_MODE: bool = "compress.mode", kinds::COMPRESS, "auto",
        "`auto`: texts above 300 bytes that the application did not compress itself are sent as \
         zstd or gzip to who takes that; `off`: they never are.";

    STORE_PATH: PathBuf = "store.path", kinds::FILE, "retter.redb",
        "The file with the copies.";
    STORE_TTL: Duration = "store.ttl", kinds::SOME_TIME, "7 days",
        "How long a copy is kept; never 0, for no copy could ever rescue anybody.";
    STORE_MAXSIZE: u64 = "store.maxsize", kinds::SIZE, "1 GiB",
        "How many bytes of copies the file takes: those refreshed least recently make room; 0 = none.";
    STORE_COMMIT: Duration = "store.commit", kinds::TIME, "50 ms",
        "How long copies are gathered before they are written together; longer on a slow disk; \
         0 = as soon as the disk allows.";
    STORE_REFRESH: Duration = "store.refresh", kinds::TIME, "10 seconds",
        "A page is written to the file at most once in this time; 0 = every time.";
    STORE_CACHE: usize = "store.cache", kinds::CACHE_SIZE, "32 MiB",
        "Memory for the pages of the file itself; at least 1 MiB.";
    STORE_SHARING: Sharing = "store.sharing", kinds::SHARING, "live",
        "`live`: `retter-db` and a RETTER that waits to take over read the file beside the one \
        that writes it; `exclusive`: nobody does, for file systems without byte-range locks.";

    BREAKER_MODE: Mode = "breaker.mode", kinds::BREAKER_MODE, "auto",
        "`auto`: the breaker decides; `open`: the application is not asked, whatever it says; \
         `closed`: it is asked, whatever happens; `dry`: it is asked, and the log says what `auto` \
         would have done. `retter ctl` changes it while RETTER runs.";
    BREAKER_FAIL_RATE: f64 = "breaker.fail.rate", kinds::RATE, "0.66",
        "The breaker opens when more than this part of the answers failed; 1 = never by this rule.";
    BREAKER_CONSECUTIVE_FAIL: u32 = "breaker.consecutive.fail", kinds::COUNT, "5",
        "The breaker opens at so many failures in a row, or overdue requests while none ends; 0 = \
         never by these rules.";
    BREAKER_WINDOW: Duration = "breaker.window", kinds::SOME_TIME, "10 seconds",
        "How far back the rates look; never 0.";
    BREAKER_MINIMUM: u32 = "breaker.minimum", kinds::SOME_COUNT, "5",
        "So many answers in the window before a rate means anything; at least 1.";
    BREAKER_SLOW_TIME: Duration = "breaker.slow.time", kinds::SOME_TIME, "10 seconds",
        "An answer that takes longer to begin is slow; never 0, for every answer would be.";
    BREAKER_SLOW_RATE: f64 = "breaker.slow.rate", kinds::RATE, "0.66",
        "The breaker opens when more than this part of the answers is slow; 1 = never by this rule.";
    BREAKER_OPEN_MIN: Duration = "breaker.open.min", kinds::SOME_TIME, "5 seconds",
        "How long the breaker stays open the first time; never 0.";
    BREAKER_OPEN_MAX: Duration = "breaker.open.max", kinds::SOME_TIME, "60 seconds",
        "How long it stays open at most; every failed probe doubles the time up to here.";
    BREAKER_PROBES: u32 = "breaker.probes", kinds::SOME_COUNT, "1",
        "How many probes may be inside the application at once while half-open; at least 1.";
    BREAKER_CLOSE: u32 = "breaker.close", kinds::SOME_COUNT, "1",
        "So many good probes in a row close the breaker; at least 1.";
    BREAKER_STATUSES: Vec<RangeInclusive<u16>> = "breaker.statuses", lists::STATUS_RANGES,
        "500 502-504 506-599",
        "Statuses that are failures: numbers and ranges; `none` = only transport is.";
    BREAKER_IGNORE: Vec<GlobMatcher> = "breaker.ignore", lists::GLOBS, "none",
        "Paths of long polling and reports, whose bad answers the breaker does not count.";

    GATE_MODE: GateMode = "gate.mode", kinds::GATE_MODE, "auto",
        "How many requests may be inside the application at one time: `auto` = as many as it \
         handles best, found out while it works; `fixed` = `gate.max`; `off` = any number.";
    GATE_MIN: u32 = "gate.min", kinds::SOME_COUNT, "4",
        "With `auto` at least so many; and so many at first after an outage.";
    GATE_MAX: u32 = "gate.max", kinds::SOME_COUNT, "256",
        "With `auto` at most so many, with `fixed` always.";
    GATE_QUEUE: u32 = "gate.queue", kinds::COUNT, "256",
        "Calls that may wait for a slot, for sixteen times as many visitors in all; past it the answer \
         is 503. 0 = nobody waits.";
    GATE_WAIT: Duration = "gate.wait", kinds::TIME, "2 seconds",
        "How long they wait; then the answer is 503. 0 = not at all.";

    RETRY_ATTEMPTS: u32 = "retry.attempts", kinds::ATTEMPTS, "2",
        "How often a request is tried in all, when the connection failed or `retry.statuses` came; \
         1 = once.";
    RETRY_BACKOFF: Backoff = "retry.backoff", kinds::BACKOFF, "full-jitter",
        "How the wait grows after the i-th try: `constant` = `retry.base`, `linear` = base x i, \
         `exponential` = base x 2^i, `linear-jitter` and `exponential-jitter` a third more or less, \
         `full-jitter` anything from nothing to base x 2^i.";
    RETRY_BASE: Duration = "retry.base", kinds::TIME, "50 ms",
        "What the waits between tries are made of; 0 = no wait.";
    RETRY_CAP: Duration = "retry.cap", kinds::TIME, "1 second",
        "No wait between tries is longer, unless the application asks for it with `Retry-After`; \
         0 = no wait.";
    RETRY_BUDGET: f64 = "retry.budget", kinds::RATE, "0.1",
        "What part of the requests may be sent again, retries and hedges together, besides ten a \
         second; 0 = ten a second alone.";
    RETRY_STATUSES: Vec<RangeInclusive<u16>> = "retry.statuses", lists::STATUS_RANGES, "502-504",
        "Statuses after which a request is tried again: numbers and ranges, 429 among them if wanted; \
         `none` = only after a connection that failed.";
    RETRY_METHODS: Vec<Method> = "retry.methods", lists::METHODS, "none",
        "What may be tried again besides GET, HEAD, OPTIONS and TRACE: `PUT`, `DELETE`. Any other \
         only if nothing of it was sent.";
    RETRY_MAXBODY: usize = "retry.maxbody", kinds::KEPT_BODY, "64 KiB",
        "The longest body of a request that is kept to be sent again, at most 1 MiB; a longer one is \
         sent only once; 0 = each is.";
    HEDGE_DELAY: Hedge = "hedge.delay", kinds::HEDGE, "off",
        "When a GET that is not answered yet is sent a second time, and the first good answer wins: \
         a time, or `p95` = when 95 of a hundred would have been answered; `off` = never.";

    TUNNEL_IDLE: Duration = "tunnel.idle", kinds::TIME, "1 hour",
        "How long a WebSocket connection may carry nothing in either direction; 0 = no limit, but \
         once one side has ended its direction never longer than a minute.";

    HEALTH_PATH: String = "health.path", kinds::URL_PATH, "/health",
        "Where RETTER itself says how it is, as JSON; empty = nowhere.";
    ERROR_PAGE: ErrorPage = "error.page", kinds::PAGE, "none",
        "A file with the HTML of our own 502, 503 and 504, at most 256 KiB; `none` = the built-in \
         page.";

    LIMIT_HEADER: usize = "limit.header", kinds::HEADER_SIZE, "32 KiB",
        "The longest head of a request; a longer one is answered 431. At least 8 KiB; in HTTP/2 never \
         more than 16 KiB.";
    LIMIT_HEADERS: usize = "limit.headers", kinds::HEADER_COUNT, "100",
        "The most header lines of a request; more are answered 431.";
    LIMIT_RESETS: u32 = "limit.resets", kinds::SOME_COUNT, "200",
        "The most requests that one HTTP/2 connection may break off after they have begun, with 20 \
         more each second; at least 1.";
    LIMIT_STREAMS: u32 = "limit.streams", kinds::SOME_COUNT, "100",
        "The most requests under way at one time on one HTTP/2 connection; at least 1.";
    LIMIT_URI: usize = "limit.uri", kinds::URI_SIZE, "8 KiB",
        "The longest path and query of a request; a longer one is answered 414.";
    LIMIT_BODY: u64 = "limit.body", kinds::SIZE, "0 bytes",
        "The longest body of a request; a longer one is answered 413, or cut off where the answer has \
         begun; 0 = no limit.";
    LIMIT_CLIENT: u32 = "limit.client", kinds::COUNT, "256",
        "Connections of one client address at one time (of one /64 network in IPv6); peers in \
         `server.trusted` are exempt; 0 = no limit.";
    LIMIT_HEAD: Duration = "limit.head", kinds::TIME, "10 seconds",
        "How long the head of a request may take from its first byte to its last; 0 = no limit.";

    LOG_FILTER: String = "log.filter", kinds::FILTER, "info",
        "What is logged: a level, and levels of modules as in `info,retter::store=debug`; empty = \
         errors.";
    LOG_FORMAT: LogFormat = "log.format", kinds::FORMAT, "text",
        "`text` for people, `json` for machines; both go to stderr.";
}
