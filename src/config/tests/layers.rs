//! Which layer wins, what it may say and what `--check` says of it.

use super::*;
use crate::upstream::Hedge;
use http::Method;
use std::time::Duration;

#[test]
fn retter_starts_with_no_configuration_at_all() {
    let config = Operator::new().config();
    assert_eq!(config.server.listen.to_string(), ":8089");
    assert_eq!(config.backend.base.to_string(), "http://localhost:8088");
    assert_eq!(config.proxy.ttl, Duration::from_secs(5));
    assert!(
        config.proxy.key.detect_query
            && config.proxy.key.detect_session
            && config.proxy.policy.detect_session
    );
    assert_eq!(config.server.trusted.len(), 2);
    assert_eq!(config.breaker.lease, Duration::from_secs(15));
    assert_eq!(config.breaker.statuses, [500..=500, 502..=504, 506..=599]);
    assert_eq!(config.store.maxsize, 1 << 30);
    assert_eq!((config.backend.retry.attempts, config.backend.hedge), (2, Hedge::Off));
    assert_eq!(config.backend.retry.statuses, [502..=504]);
    assert!(config.backend.retry.methods.is_empty());
    assert!(config.proxy.policy.public.is_empty() && config.proxy.key.query_ignore.is_empty());
}

/// The eleven variables of the Go program.
#[test]
fn the_go_programs_variables_are_understood() {
    let config = Operator::new()
        .variable("RETTER_CACHE_TTL", "7")
        .variable("RETTER_CACHE_DETECT_QUERY", "false")
        .variable("RETTER_CACHE_DETECT_SESSION", "0")
        .variable("RETTER_BACKEND_BASEURL", "http://app:9000/shop/")
        .variable("RETTER_SERVER_LISTEN", "127.0.0.1:0")
        .variable("RETTER_BREAKER_FAIL_RATE", "0.5")
        .variable("RETTER_BREAKER_CONSECUTIVE_FAIL", "0")
        .variable("RETTER_SERVER_TIMEOUT_WRITE", "15 seconds")
        .variable("RETTER_SERVER_TIMEOUT_READ", "0")
        .variable("RETTER_SERVER_TIMEOUT_IDLE", "1m")
        .variable("RETTER_SERVER_TIMEOUT_GRACESHUT", "2.5")
        .config();
    assert_eq!(config.proxy.ttl, Duration::from_secs(7));
    assert!(
        !config.proxy.key.detect_query
            && !config.proxy.key.detect_session
            && !config.proxy.policy.detect_session
    );
    assert_eq!(config.backend.base.prefix, "/shop");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:0");
    assert_eq!((config.breaker.fail_rate, config.breaker.consecutive_fail), (0.5, 0));
    assert_eq!(config.server.read, Duration::ZERO);
    assert_eq!(config.server.idle, Duration::from_secs(60));
    assert_eq!(config.server.graceshut, Duration::from_millis(2_500));
}

#[test]
fn later_layers_win_and_check_names_the_winner() {
    let key = "cache.ttl";
    let operator = Operator::new();
    assert_eq!(origin(&operator.effective(), key), ("5 seconds".into(), "default".into()));

    let operator = operator.file("[cache]\nttl = 6\n");
    let file = format!("{}/retter.toml: cache.ttl", operator.folder.path().display());
    assert_eq!(origin(&operator.effective(), key), ("6 seconds".into(), file));

    let operator = operator.variable("RETTER_CACHE_TTL", "7");
    let variable = ("7 seconds".into(), "RETTER_CACHE_TTL".into());
    assert_eq!(origin(&operator.effective(), key), variable);

    let operator = operator.set("cache.ttl=8").set("cache.ttl=1 minute 9 s");
    let set = ("1 minute 9 seconds".into(), "--set cache.ttl".into());
    assert_eq!(origin(&operator.effective(), key), set);
    assert_eq!(operator.config().proxy.ttl, Duration::from_secs(69));
}

#[test]
fn check_lists_every_key_in_columns() {
    let printed = Operator::new().effective().to_string();
    assert_eq!(printed.lines().count(), keys::TABLE.len());
    let short = printed.lines().filter(|line| line.len() < 100);
    let columns: Vec<_> = short.map(|line| line.rfind("default").unwrap()).collect();
    assert!(columns.iter().all(|column| *column == columns[0]), "{printed}");
}

/// What `--check` says can be written back, and says the same then.
#[test]
fn check_speaks_the_words_that_are_read() {
    let once = Operator::new().effective();
    let again = once.settings.iter().fold(Operator::new(), |operator, setting| {
        operator.set(&format!("{}={}", setting.key, setting.value))
    });
    let values = |effective: Effective| -> Vec<_> {
        effective.settings.into_iter().map(|setting| setting.value).collect()
    };
    assert_eq!(values(again.effective()), values(once));
}

/// An array can say what words need a sign for.
#[test]
fn check_keeps_members_apart_that_have_a_comma_or_are_called_none() {
    let keys = ["cache.public", "cache.session.cookies"];
    let said = |operator: Operator| {
        let settings = operator.effective().settings;
        keys.map(|key| settings.iter().find(|it| it.key == key).unwrap().value.clone())
    };
    let [globs, cookies] = said(Operator::new().file(
        r#"
        cache.public = ["/a,b", "/{c,d}", '/e\,f', "/[{],g"]
        cache.session.cookies = ["none"]
        "#,
    ));
    assert_eq!([&*globs, &*cookies], [r"/a\,b /{c,d} /e\,f /[{],g", "none,"]);
    let again = Operator::new()
        .set(&format!("cache.public={globs}"))
        .set(&format!("cache.session.cookies={cookies}"));
    assert!(again.config().proxy.policy.public[0].is_match("/a,b"));
    assert_eq!(said(again), [globs, cookies]);
}

#[test]
fn a_file_says_times_sizes_booleans_and_lists_in_its_own_types() {
    let config = Operator::new()
        .file(
            r#"
            [cache]
            ttl = 0.5
            maxbody = 1024
            memory = "2 MiB"
            detect = { query = false, session = "no" }
            statuses = [200, "301"]
            public = ["/feed", "/*.{css,js}"]
            [cache.session]
            cookies = ["sid", "shop_*"]
            harmless = []
            [server]
            trusted = ["10.1.2.3/8", "::1"]
            [breaker]
            statuses = [500, "502-504"]
            minimum = 9
            fail.rate = 1
            "#,
        )
        .config();
    assert_eq!(config.proxy.ttl, Duration::from_millis(500));
    assert_eq!((config.proxy.policy.maxbody, config.store.memory), (1024, 2 << 20));
    assert!(!config.proxy.key.detect_query && !config.proxy.key.detect_session);
    assert_eq!(config.proxy.policy.statuses, [200, 301]);
    assert_eq!(config.proxy.key.session_cookies, ["sid", "shop_*"]);
    assert!(config.proxy.key.session_harmless.is_empty());
    let trusted: Vec<_> = config.server.trusted.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.breaker.statuses, [500..=500, 502..=504]);
    assert_eq!((config.breaker.minimum, config.breaker.fail_rate), (9, 1.0));
    assert!(config.proxy.policy.public[1].is_match("/a.css"));
    assert!(!config.proxy.policy.public[1].is_match("/deep/a.css"));
}

#[test]
fn lists_in_words_stand_apart_by_commas_or_spaces() {
    let config = Operator::new()
        .variable("RETTER_CACHE_STATUSES", "200, 301 308")
        .variable("RETTER_CACHE_PUBLIC", "/feed,/*.{css,js} /blog/**")
        .variable("RETTER_SERVER_TRUSTED", "none")
        .variable("RETTER_CACHE_QUERY_SECRET", "")
        .variable("RETTER_RETRY_METHODS", "put,DELETE")
        .variable("RETTER_LOG_FILTER", "")
        .config();
    assert_eq!(config.backend.retry.methods, [Method::PUT, Method::DELETE]);
    assert_eq!(config.proxy.policy.statuses, [200, 301, 308]);
    assert_eq!(config.proxy.policy.public.len(), 3);
    assert!(config.proxy.policy.public[2].is_match("/blog/2021/may"));
    assert!(config.server.trusted.is_empty() && config.proxy.key.query_secret.is_empty());
    assert_eq!(config.log.filter, "");
}

#[test]
fn what_kubernetes_sets_is_passed_over_with_one_notice() {
    let operator = Operator::new()
        .variable("RETTER_SERVICE_HOST", "10.0.0.1")
        .variable("RETTER_SERVICE_PORT_HTTP", "80")
        .variable("RETTER_PORT", "tcp://10.0.0.1:80")
        .variable("RETTER_PORT_80_TCP", "tcp://10.0.0.1:80")
        .variable("RETTER_PORT_80_TCP_ADDR", "10.0.0.1")
        .variable("RETTER_PORT_80_TCP_PROTO", "tcp");
    let notices = operator.effective().notices;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("RETTER_PORT, RETTER_PORT_80_TCP, "), "{notices:?}");
    let mistakes = Operator::new().variable("RETTER_PORT", "8080").mistakes();
    assert_eq!(mistakes, ["RETTER_PORT: there is no such setting"]);
}

#[test]
fn a_file_that_is_asked_for_must_exist_and_replaces_the_default_one() {
    let mut operator = Operator::new().file("[cache]\nttl = 6\n");
    operator.sources.config = Some(operator.folder.path().join("other.toml"));
    let mistakes = operator.mistakes();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].starts_with("--config other.toml: No such file"), "{mistakes:?}");
    fs::write(operator.folder.path().join("other.toml"), "[store]\nttl = 60\n").unwrap();
    assert_eq!(operator.config().proxy.ttl, Duration::from_secs(5));
    assert_eq!(operator.config().store.ttl, Duration::from_secs(60));
}

#[test]
fn a_file_in_a_parent_folder_is_none_of_ours() {
    let operator = Operator::new().file("[cache]\nttl = 6\n");
    let below = operator.folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let sources = Sources { folder: below, ..Sources::default() };
    assert_eq!(Config::load(&sources).unwrap().0.proxy.ttl, Duration::from_secs(5));
}

fn origin(effective: &Effective, key: &str) -> (String, String) {
    let setting = effective.settings.iter().find(|setting| setting.key == key).unwrap();
    (setting.value.clone(), setting.origin.clone())
}

#[test]
fn texts_are_apart_by_commas_alone_and_come_back_as_they_are_shown() {
    let texts = |operator: &Operator| operator.config().proxy.policy.reject_text;
    let name = "RETTER_CACHE_REJECT_TEXT";
    for (words, read) in [
        ("none", vec![]),
        (" , ", vec![]),
        ("none,", vec!["none"]),
        ("Fatal error:, it broke ,", vec!["Fatal error:", "it broke"]),
        (r"sorry\, friend, a\\b, a\b", vec!["sorry, friend", r"a\b", r"a\b"]),
    ] {
        let operator = Operator::new().variable(name, words);
        assert_eq!(texts(&operator), read, "{words}");
        let (shown, _) = origin(&operator.effective(), "cache.reject.text");
        assert_eq!(texts(&Operator::new().variable(name, &shown)), read, "{shown}");
    }
    let array = Operator::new().file(r#"cache.reject.text = ["sorry, friend", 'a\b', 500]"#);
    assert_eq!(texts(&array), ["sorry, friend", r"a\b", "500"]);
    let wrong = Operator::new().file(r#"cache.reject.text = ["", "a\u0007"]"#);
    assert_eq!(wrong.mistakes().len(), 1);
}
