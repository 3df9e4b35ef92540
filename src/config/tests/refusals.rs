//! What is refused, and the source and reason that are given.

use super::*;

#[test]
fn each_wrong_value_is_refused_with_its_own_reason() {
    for (assignment, reason) in [
        ("server.listen=", "it is empty"),
        ("server.trusted=banana", "`banana` is no address or network"),
        ("server.trusted=10.0.0.0/33", "`10.0.0.0/33` is no address or network"),
        ("server.timeout.read=banana", "`banana` is no number"),
        ("server.timeout.read=-3", "it is negative"),
        ("server.timeout.idle=", "it is empty"),
        ("server.timeout.write=11 years", "`years` is no unit"),
        ("server.timeout.graceshut=NaN", "`NaN` is no number"),
        ("backend.baseurl=", "it is empty"),
        ("backend.ca=", "it is empty"),
        ("backend.ca=src", "cannot read it: Is a directory (os error 21)"),
        ("backend.ca=Cargo.toml", "it has no certificate in PEM"),
        ("backend.sni=a b", "`a b` is no name a certificate can be for"),
        ("backend.timeout=0", "it is below 1 ms"),
        ("backend.connect=99999999999999999999", "it is too large"),
        ("cache.detect.query=maybe", "it is neither yes nor no"),
        ("cache.detect.session=", "it is empty"),
        ("cache.session.cookies=a*b", "`a*b` has a `*` that is not at its end"),
        ("cache.session.harmless=a=b", "`a=b` is no name of a cookie"),
        ("cache.query.ignore=u*m", "`u*m` is no name of a parameter"),
        ("cache.query.ignore=a\\,b", "`a\\,b` is no name of a parameter"),
        ("cache.query.secret=pin*", "`pin*` is no name of a parameter"),
        ("cache.statuses=banana", "`banana` is no status"),
        ("cache.statuses=200 206", "an answer with 206 is no whole page"),
        ("cache.statuses=404", "404 says that the page is gone: its copy is forgotten"),
        ("cache.statuses=600", "`600` is no status"),
        ("cache.maxbody=-1", "it is negative"),
        ("cache.memory=512k", "`k` is no unit"),
        ("cache.nostore=banana", "it is none of the choices"),
        ("cache.public=feed", "`feed` does not begin with `/`"),
        ("cache.public=/a?b", "`/a?b` is more than a path"),
        ("cache.unframed=", "it is empty"),
        ("store.path=", "it is empty"),
        ("store.ttl=0", "it is below 1 ms"),
        ("store.maxsize=99999999999 TiB", "it is too large"),
        ("store.cache=1 KB", "it is below 1 MiB"),
        ("breaker.fail.rate=1.5", "it is above 1"),
        ("breaker.fail.rate=-0.1", "it is negative"),
        ("breaker.slow.rate=NaN", "it is no number"),
        ("breaker.slow.rate=banana", "it is no number"),
        ("breaker.consecutive.fail=2.5", "it is no whole number"),
        ("breaker.consecutive.fail=-3", "it is negative"),
        ("breaker.minimum=0", "it is zero"),
        ("breaker.probes=1000001", "it is above 1000000"),
        ("breaker.statuses=504-502", "`504-502` ends before it begins"),
        ("breaker.statuses=200-599", "`200-599` holds statuses below 400, which are no failures"),
        ("breaker.ignore=/[", "`/[`: unclosed character class; missing ']'"),
        ("retry.attempts=0", "it is zero"),
        ("retry.attempts=101", "it is above 100"),
        ("retry.backoff=banana", "it is none of the choices"),
        ("retry.budget=1.1", "it is above 1"),
        ("retry.statuses=200", "`200` holds statuses below 400, which are no failures"),
        ("retry.methods=PUT POST", "`POST` is neither PUT nor DELETE"),
        ("retry.maxbody=2 MiB", "it is above 1048576"),
        ("hedge.delay=0", "it is below 1 ms"),
        ("hedge.delay=p99", "`p99` is no number"),
        ("log.filter=inof", "`inof` is no level; for a module write `inof=info`"),
        ("log.format=xml", "it is none of the choices"),
    ] {
        let (key, value) = assignment.split_once('=').unwrap();
        let mistakes = Operator::new().set(assignment).mistakes();
        let start = format!("--set {key}: \"{value}\": {reason} (allowed: ");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(&start), "{} is not {start}", mistakes[0]);
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_source() {
    let mistakes = Operator::new()
        .file("[breaker.fail]\nrate = 1.5\n[chace]\nttl = 5\n")
        .variable("RETTER_CACHE__TTL", "1")
        .variable("RETTER_BREAKER_FAIL_RATE", "0.5")
        .variable("RETTER_CACHE_TTL", "banana")
        .variable("HOME", "/root")
        .variable("retter_cache_ttl", "banana")
        .set("banana")
        .set("metrics.port=9")
        .set("store.ttl=0")
        .mistakes();
    assert_eq!(
        mistakes,
        [
            "retter.toml: breaker.fail.rate: 1.5: it is above 1 (allowed: a number from 0 to 1)",
            "retter.toml: chace.ttl: there is no such setting; did you mean cache.ttl?",
            "RETTER_CACHE_TTL: \"banana\": `banana` is no number (allowed: a time such as \
             `15 seconds`, `250ms` or `5` (seconds), at most 10 years)",
            "RETTER_CACHE__TTL: there is no such setting; did you mean RETTER_CACHE_TTL?",
            "--set banana: it has no `=` (allowed: KEY=VALUE)",
            "--set metrics.port: there is no such setting",
            "--set store.ttl: \"0\": it is below 1 ms (allowed: a time of at least 1 ms such as \
             `15 seconds`, `250ms` or `5` (seconds), at most 10 years)",
        ]
    );
}

#[test]
fn a_variable_counts_only_as_it_is_written() {
    let mistakes = Operator::new()
        .variable("RETTER_cache_ttl", "1")
        .variable("RETTER_CACHE.TTL", "1")
        .variable("RETTER_", "1")
        .variable("RETTER_COMPLETELY_UNKNOWN", "1")
        .mistakes();
    assert_eq!(
        mistakes,
        [
            "RETTER_: there is no such setting",
            "RETTER_CACHE.TTL: there is no such setting; did you mean RETTER_CACHE_TTL?",
            "RETTER_COMPLETELY_UNKNOWN: there is no such setting",
            "RETTER_cache_ttl: there is no such setting; did you mean RETTER_CACHE_TTL?",
        ]
    );
}

#[cfg(unix)]
#[test]
fn variables_that_are_no_text_are_mistakes() {
    use std::os::unix::ffi::OsStringExt;
    let odd = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let mistakes = Operator::new()
        .variable("RETTER_STORE_PATH", odd(b"caf\xe9"))
        .variable(odd(b"RETTER_CACHE_TT\xcc"), "1")
        .mistakes();
    assert_eq!(
        mistakes,
        [
            "RETTER_CACHE_TT\\u{fffd}: there is no such setting; did you mean RETTER_CACHE_TTL?",
            "RETTER_STORE_PATH: \"caf\\u{fffd}\": it is not UTF-8",
        ]
    );
}

#[test]
fn a_file_with_wrong_types_and_places_is_refused_key_by_key() {
    let mistakes = Operator::new()
        .file(
            r#"
            "store.ttl" = 5
            [cache]
            ttl = true
            maxbody = { bytes = 5 }
            detect.query = 2
            statuses = [[200]]
            [log]
            filter = 3
            [store]
            ttl = 1979-05-27
            [empty]
            "#,
        )
        .mistakes();
    let blamed: Vec<_> =
        mistakes.iter().map(|line| line.split(" (allowed").next().unwrap()).collect();
    assert_eq!(
        blamed,
        [
            "retter.toml: cache.detect.query: 2: it is neither yes nor no",
            "retter.toml: cache.maxbody: {...}: it is a table or a date",
            "retter.toml: cache.statuses: [[200]]: it is a list",
            "retter.toml: cache.ttl: true: it is a boolean",
            "retter.toml: empty: there is no such setting",
            "retter.toml: log.filter: 3: it is a number",
            "retter.toml: store.ttl: {...}: it is a table or a date",
            "retter.toml: \"store.ttl\": there is no such setting; did you mean store.ttl?",
        ]
    );
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let mistakes = Operator::new().file("[cache]\nttl = 5\nttl == 6\n").mistakes();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].starts_with("retter.toml: line 3: "), "{mistakes:?}");
    let mistakes = Operator::new().file(b"[cache]\n# caf\xe9\n").mistakes();
    assert_eq!(mistakes, ["retter.toml: line 2: it is not UTF-8"]);
    let mistakes = Operator::new().file("#".repeat((1 << 20) + 1)).mistakes();
    assert_eq!(mistakes, ["retter.toml: it is longer than 1 MiB"]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (assignments, mistake) in [
        (
            &["breaker.open.min=61s"][..],
            "--set breaker.open.min and breaker.open.max (default): the shortest open time is above the longest",
        ),
        (
            &["backend.baseurl=http://127.0.0.1:8089"],
            "--set backend.baseurl and server.listen (default): the application would be RETTER itself",
        ),
        (
            &["cache.statuses=200 503"],
            "--set cache.statuses and breaker.statuses (default): 503 is in both, and a failure is never kept as a copy",
        ),
    ] {
        let operator = assignments.iter().fold(Operator::new(), |operator, set| operator.set(set));
        assert_eq!(operator.mistakes(), [mistake]);
    }
}

#[test]
fn a_contradiction_with_a_value_that_is_none_is_not_told() {
    let mistakes =
        Operator::new().set("breaker.open.min=2 min").set("breaker.open.max=banana").mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
}

#[test]
fn only_our_own_listener_is_refused_as_the_application() {
    for (listen, base, is_us) in [
        (":8089", "http://localhost:8089", true),
        (":8089", "http://LOCALHOST.:8089/x", true),
        (":8089", "http://[::1]:8089", true),
        (":8089", "http://0.0.0.0:8089", true),
        ("127.0.0.1:8089", "http://localhost:8089", true),
        ("localhost:8089", "http://127.0.0.1:8089", true),
        ("0.0.0.0:8089", "http://127.0.0.1:8089", true),
        ("app:8089", "http://app:8089", true),
        ("192.0.2.1:8089", "http://192.0.2.1:8089", true),
        (":8089", "http://localhost:8088", false),
        (":8089", "http://app:8089", false),
        ("127.0.0.1:8089", "http://127.0.0.2:8089", false),
        ("192.0.2.1:8089", "http://localhost:8089", false),
        (":0", "http://localhost:80", false),
        (":8089", "https://localhost:8089", true),
        (":8089", "unix:/run/localhost:/8089", false),
    ] {
        let operator = Operator::new()
            .set(&format!("server.listen={listen}"))
            .set(&format!("backend.baseurl={base}"));
        assert_eq!(operator.load().is_err(), is_us, "{listen} {base}");
    }
}

#[test]
fn what_was_seen_is_cut_and_harmless() {
    let long = format!("cache.ttl=\x1b[2J\u{202e}{}", "x".repeat(500));
    let mistakes = Operator::new().set(&long).mistakes();
    assert!(mistakes[0].starts_with("--set cache.ttl: \"\\u{1b}[2J\\u{202e}xxx"), "{mistakes:?}");
    assert!(!mistakes[0].contains('\x1b') && mistakes[0].len() < 400, "{mistakes:?}");
    let mistakes = Operator::new().set(&format!("{}\x07=1", "x".repeat(500))).mistakes();
    assert!(!mistakes[0].contains('\x07') && mistakes[0].len() < 200, "{mistakes:?}");
}

#[test]
fn a_contradiction_with_a_file_that_cannot_be_read_is_not_told() {
    let mistakes = Operator::new().file("?").set("breaker.open.min=2 min").mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
}

/// Their reasons are their rooms' to word.
#[test]
fn an_address_that_is_none_is_refused() {
    for key in ["server.listen", "backend.baseurl"] {
        let mistakes = Operator::new().set(&format!("{key}=banana")).mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(&format!("--set {key}: \"banana\": ")), "{mistakes:?}");
    }
}
