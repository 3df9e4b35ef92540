//! The table of keys itself.

use super::*;

/// A setting that changed nothing would be a promise nobody keeps.
#[test]
fn every_key_changes_the_configuration() {
    let before = format!("{:?}", Operator::new().config());
    assert_eq!(
        OTHERS.map(|(key, _)| key).to_vec(),
        keys::TABLE.iter().map(|key| key.name()).collect::<Vec<_>>()
    );
    let pair = pair();
    for (key, value) in OTHERS {
        let operator = match key.starts_with("tls.") {
            true => both_files(&pair),
            false => Operator::new().variable(keys::variable(key), value),
        };
        let config = operator.config();
        assert_ne!(format!("{config:?}"), before, "{key}");
    }
}

/// Neither is right without the other, and both are read.
fn both_files(pair: &TempDir) -> Operator {
    let file = |name: &str| pair.path().join(name);
    Operator::new()
        .variable("RETTER_TLS_CERTIFICATE", file("certificate.pem"))
        .variable("RETTER_TLS_KEY", file("key.pem"))
}

fn pair() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    fs::write(folder.path().join("certificate.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    folder
}

/// Every key with a value that is not its default.
const OTHERS: [(&str, &str); 81] = [
    ("server.listen", ":9"),
    ("server.trusted", "none"),
    ("server.proxyprotocol", "on"),
    ("server.maxconnections", "9"),
    ("server.timeout.read", "1s"),
    ("server.timeout.write", "1s"),
    ("server.timeout.idle", "1s"),
    ("server.timeout.graceshut", "1s"),
    ("tls.certificate", "certificate.pem"),
    ("tls.key", "key.pem"),
    ("backend.baseurl", "http://app"),
    ("backend.ca", "tests/fixtures/ca.pem"),
    ("backend.sni", "app.example"),
    ("backend.timeout", "1s"),
    ("backend.connect", "1s"),
    ("backend.names", "all"),
    ("backend.patience", "1s"),
    ("cache.ttl", "1s"),
    ("cache.detect.query", "off"),
    ("cache.detect.session", "off"),
    ("cache.session.cookies", "sid"),
    ("cache.session.harmless", "x"),
    ("cache.query.ignore", "utm_*"),
    ("cache.query.secret", "pin"),
    ("cache.statuses", "200"),
    ("cache.maxbody", "1 KiB"),
    ("cache.memory", "1 KiB"),
    ("cache.nostore", "memory"),
    ("cache.public", "/x"),
    ("cache.unframed", "store"),
    ("cache.reject.text", "Database error"),
    ("cache.reject.below", "1 KiB"),
    ("cache.strict", "true"),
    ("compress.mode", "off"),
    ("store.path", "banana"),
    ("store.ttl", "1 day"),
    ("store.maxsize", "1 MiB"),
    ("store.commit", "0"),
    ("store.refresh", "0"),
    ("store.cache", "1 MiB"),
    ("store.sharing", "exclusive"),
    ("breaker.mode", "dry"),
    ("breaker.fail.rate", "1"),
    ("breaker.consecutive.fail", "0"),
    ("breaker.window", "1s"),
    ("breaker.minimum", "1"),
    ("breaker.slow.time", "1s"),
    ("breaker.slow.rate", "1"),
    ("breaker.open.min", "1s"),
    ("breaker.open.max", "6s"),
    ("breaker.probes", "2"),
    ("breaker.close", "2"),
    ("breaker.statuses", "500"),
    ("breaker.ignore", "/poll/**"),
    ("gate.mode", "off"),
    ("gate.min", "2"),
    ("gate.max", "64"),
    ("gate.queue", "9"),
    ("gate.wait", "1s"),
    ("retry.attempts", "1"),
    ("retry.backoff", "linear"),
    ("retry.base", "0"),
    ("retry.cap", "0"),
    ("retry.budget", "0"),
    ("retry.statuses", "429"),
    ("retry.methods", "PUT"),
    ("retry.maxbody", "0"),
    ("hedge.delay", "p95"),
    ("tunnel.idle", "1s"),
    ("health.path", ""),
    // Tests run in the package's folder.
    ("error.page", "README.md"),
    ("limit.header", "8 KiB"),
    ("limit.headers", "9"),
    ("limit.resets", "9"),
    ("limit.streams", "9"),
    ("limit.uri", "9"),
    ("limit.body", "1 MiB"),
    ("limit.client", "0"),
    ("limit.head", "1s"),
    ("log.filter", "warn,retter::store=debug"),
    ("log.format", "json"),
];

#[test]
fn every_part_of_a_key_is_one_word() {
    for key in keys::TABLE {
        assert!(
            key.name().split('.').all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase()))
        );
        let same = keys::TABLE
            .iter()
            .filter(|other| keys::variable(other.name()) == keys::variable(key.name()));
        assert_eq!(same.count(), 1, "{}", key.name());
    }
}

#[test]
fn the_readme_table_has_a_row_for_every_key() {
    let table = keys::markdown();
    assert_eq!(table.lines().count(), keys::TABLE.len() + 2);
    assert!(table.lines().all(|row| row.matches('|').count() == 4), "{table}");
    assert!(table.contains("| `breaker.open.min` | `5 seconds` | "));
}

#[test]
fn a_name_much_longer_than_every_key_is_near_none() {
    assert_eq!(keys::nearest("cache_tll"), Some("cache.ttl"));
    assert_eq!(keys::nearest(&"cache.ttl".repeat(100_000)), None);
}
