//! What the operator said: every setting from every layer, composed of each room's own
//! `Settings`, or every mistake with its source.
//!
//! The layers, later ones win: the defaults, `retter.toml` in the current folder (or
//! `--config FILE`), `RETTER_*` variables, `--set KEY=VALUE`. `keys` is the one table of
//! settings; figment holds the layers and knows where the winning value came from. Nothing is
//! guessed: an unknown key, a word where a number belongs, and settings that contradict each other
//! keep RETTER from starting, because a proxy that runs with half of what it was told is found out
//! on the day it is needed.

mod agree;
mod backend;
mod check;
mod document;
mod files;
pub mod keys;
mod kinds;
mod lists;
mod mistakes;
mod sources;
#[cfg(test)]
mod tests;

pub use check::{Effective, Setting};
pub use mistakes::{Mistake, Mistakes};
pub use sources::Sources;

use crate::{admin, breaker, gate, key, policy, proxy, server, store, upstream};
use figment::value::Value;
use figment::{Figment, Profile, Provider};
use keys::Key;
use sources::Collected;

/// Everything RETTER was told.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: server::Settings,
    pub admin: admin::Settings,
    pub proxy: proxy::Settings,
    pub backend: upstream::Settings,
    pub breaker: breaker::Settings,
    pub gate: gate::Settings,
    pub store: store::Settings,
    pub log: Log,
}

/// What is logged, and how (`log.*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `log.filter`, as tracing's `EnvFilter` reads it
    pub filter: String,
    /// `log.format`
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// The configuration and, for `--check`, what it is made of. Reads the file, nothing else.
    ///
    /// # Errors
    /// Every mistake of every layer, and every contradiction between settings that are right.
    pub fn load(sources: &Sources) -> Result<(Self, Effective), Mistakes> {
        Self::of(sources.collect())
    }

    fn of(mut collected: Collected) -> Result<(Self, Effective), Mistakes> {
        let layers = Layers::of(&mut collected);
        let config = Self::read(&layers).map_err(|mistake| Mistakes(vec![mistake]))?;
        collected.mistakes.extend(contradictions(&config, &layers, &collected.unclear));
        if !collected.mistakes.is_empty() {
            return Err(Mistakes(collected.mistakes));
        }
        let settings = layers.effective().map_err(|mistake| Mistakes(vec![mistake]))?;
        Ok((config, Effective { settings, notices: collected.notices }))
    }

    fn read(layers: &Layers) -> Result<Self, Mistake> {
        Ok(Self {
            server: server_settings(layers)?,
            admin: admin::Settings { health: layers.get(&keys::HEALTH_PATH)? },
            proxy: proxy_settings(layers)?,
            backend: backend_settings(layers)?,
            breaker: breaker_settings(layers)?,
            gate: gate_settings(layers)?,
            store: store_settings(layers)?,
            log: Log {
                filter: layers.get(&keys::LOG_FILTER)?,
                format: layers.get(&keys::LOG_FORMAT)?,
            },
        })
    }
}

/// [`Config::load`] with a text in the place of `retter.toml`, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn load_text(sources: &Sources, toml: &[u8]) -> Result<(Config, Effective), Mistakes> {
    Config::of(sources.collect_with(toml))
}

/// What is wrong in each layer by itself, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn mistakes_in_text(sources: &Sources, toml: &[u8]) -> Vec<Mistake> {
    sources.mistakes_with(toml)
}

/// The layers, each value with its source.
struct Layers {
    figment: Figment,
    /// The winning values. Asked for one of them, figment merges all of them anew.
    values: Result<Value, String>,
}

impl Layers {
    fn of(collected: &mut Collected) -> Self {
        let figment = collected.entries.drain(..).fold(Figment::new(), Figment::merge);
        let values = figment.data().map_err(|error| error.to_string());
        let values = values.map(|mut all| all.remove(&Profile::Default).unwrap_or_default().into());
        Self { figment, values }
    }

    fn find(&self, name: &str) -> Result<&Value, String> {
        let values = self.values.as_ref().map_err(String::clone)?;
        values.find_ref(name).ok_or_else(|| "it has no value".to_owned())
    }

    /// The winning value. Values were read once before they came here, and every key has a
    /// default: an error would be a mistake in the table itself, and is told as one.
    fn get<T>(&self, key: &Key<T>) -> Result<T, Mistake> {
        self.find(key.name)
            .and_then(|value| (key.kind.read)(value))
            .map_err(|reason| self.broken(key.name, reason))
    }

    fn effective(&self) -> Result<Vec<Setting>, Mistake> {
        keys::TABLE.iter().map(|key| self.setting(*key)).collect()
    }

    fn setting(&self, key: &'static dyn keys::AnyKey) -> Result<Setting, Mistake> {
        let words = self.find(key.name()).and_then(|value| key.words(value));
        let value = words.map_err(|reason| self.broken(key.name(), reason))?;
        Ok(Setting {
            key: key.name(),
            value: mistakes::printable(&value),
            origin: self.origin(key.name()),
        })
    }

    fn origin(&self, name: &str) -> String {
        let found = self.find(name).ok();
        let layer = found.and_then(|value| self.figment.get_metadata(value.tag()));
        layer.map_or_else(String::new, |layer| layer.name.to_string())
    }

    /// The source in a mistake: what says `default` does not say which one.
    fn blame(&self, name: &str) -> String {
        match self.origin(name).as_str() {
            sources::DEFAULT => format!("{name} ({})", sources::DEFAULT),
            origin => origin.to_owned(),
        }
    }

    fn broken(&self, name: &str, reason: String) -> Mistake {
        Mistake::File { source_name: self.blame(name), reason }
    }
}

/// Contradictions between settings that are clear; where one could not be read, what it was meant
/// to be is unknown.
fn contradictions<'a>(
    config: &Config,
    layers: &'a Layers,
    unclear: &'a [&'static str],
) -> impl Iterator<Item = Mistake> + use<'a> {
    agree::conflicts(config)
        .into_iter()
        .filter(|conflict| {
            !unclear.contains(&conflict.first) && !unclear.contains(&conflict.second)
        })
        .map(|conflict| Mistake::Conflict {
            first: layers.blame(conflict.first),
            second: layers.blame(conflict.second),
            reason: conflict.reason,
        })
}

fn server_settings(layers: &Layers) -> Result<server::Settings, Mistake> {
    Ok(server::Settings {
        listen: layers.get(&keys::SERVER_LISTEN)?,
        connections: layers.get(&keys::SERVER_MAXCONNECTIONS)?,
        client: layers.get(&keys::LIMIT_CLIENT)?,
        header_bytes: layers.get(&keys::LIMIT_HEADER)?,
        header_lines: layers.get(&keys::LIMIT_HEADERS)?,
        streams: layers.get(&keys::LIMIT_STREAMS)?,
        resets: layers.get(&keys::LIMIT_RESETS)?,
        tls: server::TlsFiles {
            certificate: layers.get(&keys::TLS_CERTIFICATE)?,
            key: layers.get(&keys::TLS_KEY)?,
        },
        trusted: layers.get(&keys::SERVER_TRUSTED)?,
        proxied: layers.get(&keys::SERVER_PROXYPROTOCOL)?,
        head: layers.get(&keys::LIMIT_HEAD)?,
        read: layers.get(&keys::SERVER_TIMEOUT_READ)?,
        write: layers.get(&keys::SERVER_TIMEOUT_WRITE)?,
        idle: layers.get(&keys::SERVER_TIMEOUT_IDLE)?,
        graceshut: layers.get(&keys::SERVER_TIMEOUT_GRACESHUT)?,
    })
}

fn proxy_settings(layers: &Layers) -> Result<proxy::Settings, Mistake> {
    Ok(proxy::Settings {
        ttl: layers.get(&keys::CACHE_TTL)?,
        patience: layers.get(&keys::BACKEND_PATIENCE)?,
        tunnel_idle: layers.get(&keys::TUNNEL_IDLE)?,
        uri: layers.get(&keys::LIMIT_URI)?,
        body: layers.get(&keys::LIMIT_BODY)?,
        compress: layers.get(&keys::COMPRESS_MODE)?,
        error_page: layers.get(&keys::ERROR_PAGE)?,
        key: key_settings(layers)?,
        policy: policy_settings(layers)?,
    })
}

fn backend_settings(layers: &Layers) -> Result<upstream::Settings, Mistake> {
    Ok(upstream::Settings {
        base: layers.get(&keys::BACKEND_BASEURL)?,
        ca: layers.get(&keys::BACKEND_CA)?,
        sni: layers.get(&keys::BACKEND_SNI)?,
        timeout: layers.get(&keys::BACKEND_TIMEOUT)?,
        connect: layers.get(&keys::BACKEND_CONNECT)?,
        retry: retry_settings(layers)?,
        hedge: layers.get(&keys::HEDGE_DELAY)?,
    })
}

fn retry_settings(layers: &Layers) -> Result<upstream::Retry, Mistake> {
    Ok(upstream::Retry {
        attempts: layers.get(&keys::RETRY_ATTEMPTS)?,
        backoff: layers.get(&keys::RETRY_BACKOFF)?,
        base: layers.get(&keys::RETRY_BASE)?,
        cap: layers.get(&keys::RETRY_CAP)?,
        budget: layers.get(&keys::RETRY_BUDGET)?,
        statuses: layers.get(&keys::RETRY_STATUSES)?,
        methods: layers.get(&keys::RETRY_METHODS)?,
        maxbody: layers.get(&keys::RETRY_MAXBODY)?,
    })
}

fn key_settings(layers: &Layers) -> Result<key::Settings, Mistake> {
    Ok(key::Settings {
        detect_query: layers.get(&keys::CACHE_DETECT_QUERY)?,
        detect_session: layers.get(&keys::CACHE_DETECT_SESSION)?,
        session_cookies: layers.get(&keys::CACHE_SESSION_COOKIES)?,
        session_harmless: layers.get(&keys::CACHE_SESSION_HARMLESS)?,
        query_ignore: layers.get(&keys::CACHE_QUERY_IGNORE)?,
        query_secret: layers.get(&keys::CACHE_QUERY_SECRET)?,
        names: layers.get(&keys::BACKEND_NAMES)?,
    })
}

fn policy_settings(layers: &Layers) -> Result<policy::Settings, Mistake> {
    Ok(policy::Settings {
        statuses: layers.get(&keys::CACHE_STATUSES)?,
        maxbody: layers.get(&keys::CACHE_MAXBODY)?,
        store_unframed: layers.get(&keys::CACHE_UNFRAMED)?,
        nostore: layers.get(&keys::CACHE_NOSTORE)?,
        public: layers.get(&keys::CACHE_PUBLIC)?,
        detect_session: layers.get(&keys::CACHE_DETECT_SESSION)?,
        reject_text: layers.get(&keys::CACHE_REJECT_TEXT)?,
        reject_below: layers.get(&keys::CACHE_REJECT_BELOW)?,
        strict: layers.get(&keys::CACHE_STRICT)?,
    })
}

fn breaker_settings(layers: &Layers) -> Result<breaker::Settings, Mistake> {
    Ok(breaker::Settings {
        mode: layers.get(&keys::BREAKER_MODE)?,
        fail_rate: layers.get(&keys::BREAKER_FAIL_RATE)?,
        consecutive_fail: layers.get(&keys::BREAKER_CONSECUTIVE_FAIL)?,
        window: layers.get(&keys::BREAKER_WINDOW)?,
        minimum: layers.get(&keys::BREAKER_MINIMUM)?,
        slow_time: layers.get(&keys::BREAKER_SLOW_TIME)?,
        slow_rate: layers.get(&keys::BREAKER_SLOW_RATE)?,
        open_min: layers.get(&keys::BREAKER_OPEN_MIN)?,
        open_max: layers.get(&keys::BREAKER_OPEN_MAX)?,
        probes: layers.get(&keys::BREAKER_PROBES)?,
        close: layers.get(&keys::BREAKER_CLOSE)?,
        // A probe that is lost frees its place when no answer can come any more.
        lease: layers.get(&keys::BACKEND_TIMEOUT)?,
        statuses: layers.get(&keys::BREAKER_STATUSES)?,
        ignore: layers.get(&keys::BREAKER_IGNORE)?,
    })
}

fn gate_settings(layers: &Layers) -> Result<gate::Settings, Mistake> {
    Ok(gate::Settings {
        mode: layers.get(&keys::GATE_MODE)?,
        min: layers.get(&keys::GATE_MIN)?,
        max: layers.get(&keys::GATE_MAX)?,
        queue: layers.get(&keys::GATE_QUEUE)?,
        wait: layers.get(&keys::GATE_WAIT)?,
    })
}

fn store_settings(layers: &Layers) -> Result<store::Settings, Mistake> {
    Ok(store::Settings {
        path: layers.get(&keys::STORE_PATH)?,
        ttl: layers.get(&keys::STORE_TTL)?,
        maxsize: layers.get(&keys::STORE_MAXSIZE)?,
        commit: layers.get(&keys::STORE_COMMIT)?,
        refresh: layers.get(&keys::STORE_REFRESH)?,
        cache: layers.get(&keys::STORE_CACHE)?,
        sharing: layers.get(&keys::STORE_SHARING)?,
        memory: layers.get(&keys::CACHE_MEMORY)?,
    })
}
