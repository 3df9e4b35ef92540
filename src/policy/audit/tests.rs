//! What each setting has against which copy.

use super::*;
use globset::Glob;
use http::HeaderName;

/// A plain page of nobody in particular, under the default settings, unless told otherwise.
struct Case {
    place: Place,
    personal: bool,
    sealed: bool,
    why: Why,
    status: u16,
    bytes: u64,
    coding: &'static str,
    head: HeaderMap,
    key: key::Settings,
    policy: Settings,
}

impl Case {
    fn of(path: &str, query: &str) -> Self {
        Self {
            place: Place {
                scheme: "http".into(),
                host: "shop.test:81".into(),
                path: path.into(),
                query: query.into(),
            },
            personal: false,
            sealed: false,
            why: Why::Anonymous,
            status: 200,
            bytes: 10,
            coding: "",
            head: HeaderMap::new(),
            key: key::Settings::default(),
            policy: Settings::default(),
        }
    }

    fn somebodys(why: Why) -> Self {
        Self { personal: true, sealed: true, why, ..Self::of("/a", "") }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn says(self, name: &'static str, value: &'static str) -> Self {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        self.with(|case| {
            case.head.append(name, value);
        })
    }

    fn word(&self) -> Option<&'static str> {
        let facts = Facts {
            place: &self.place,
            personal: self.personal,
            sealed: self.sealed,
            why: self.why,
            status: self.status,
            bytes: self.bytes,
            content_encoding: self.coding,
            head: (!self.sealed).then_some(&self.head),
        };
        objection(&facts, &self.key, &self.policy).map(Objection::as_str)
    }
}

#[test]
fn what_the_present_settings_would_keep_has_no_objection() {
    let plain = || Case::of("/a%2Fb/\u{e4}", "?q=1&x=%20");
    assert_eq!(plain().word(), None);
    assert_eq!(plain().says("cache-control", "public").with(|c| c.why = Why::Public).word(), None);
    assert_eq!(plain().says("content-encoding", "gzip").word(), None);
    assert_eq!(plain().says("vary", "accept-encoding").word(), None);
    assert_eq!(plain().with(|case| case.status = 301).word(), None);
    let glob = Glob::new("/a").unwrap().compile_matcher();
    let declared = Case::of("/a", "").with(|c| c.why = Why::DeclaredPublic);
    let declared = declared.with(|c| c.policy.public = vec![glob]).says("vary", "cookie");
    assert_eq!(declared.word(), None);
    for why in [Why::Identity, Why::IdentityPrivate, Why::IdentityNoStore] {
        assert_eq!(Case::somebodys(why).with(|case| case.coding = "gzip").word(), None);
    }
}

#[test]
fn settings_that_have_changed_object_to_the_answer() {
    let plain = || Case::of("/a", "");
    assert_eq!(plain().with(|case| case.policy.statuses = vec![301]).word(), Some("status"));
    assert_eq!(plain().with(|case| case.status = 404).word(), Some("status"));
    assert_eq!(plain().with(|case| case.policy.maxbody = 9).word(), Some("too-large"));
    assert_eq!(plain().with(|case| case.policy.maxbody = 10).word(), None);
    let strict = |case: Case| case.with(|case| case.policy.strict = true).word();
    assert_eq!(strict(plain()), None);
    assert_eq!(strict(plain().says("cache-control", "no-cache")), Some("no-cache"));
    assert_eq!(strict(Case::somebodys(Why::IdentityPrivate)), Some("private"));
    assert_eq!(strict(Case::somebodys(Why::IdentityNoStore)), Some("no-store"));
    let below = |bytes| plain().with(|case| case.policy.reject_below = bytes).word();
    assert_eq!((below(11), below(10)), (Some("reject-below"), None));
    let declared = plain().with(|case| case.why = Why::DeclaredPublic);
    assert_eq!(declared.word(), Some("not-declared-public"));
    let other = Glob::new("/b").unwrap().compile_matcher();
    let declared = declared.with(|case| case.policy.public = vec![other]);
    assert_eq!(declared.word(), Some("not-declared-public"));
}

#[test]
fn settings_that_have_changed_object_to_the_visitor() {
    let no_store = || Case::somebodys(Why::IdentityNoStore);
    let said = |how| no_store().with(|case| case.policy.nostore = how).word();
    assert_eq!(said(NoStore::Memory), Some("no-store-on-disk"));
    assert_eq!(said(NoStore::Refuse), Some("no-store"));
    let other = Case::somebodys(Why::IdentityPrivate);
    assert_eq!(other.with(|case| case.policy.nostore = NoStore::Refuse).word(), None);
    let identified = Case::somebodys(Why::Identity);
    let identified = identified.with(|case| case.policy.detect_session = false);
    assert_eq!(identified.word(), Some("identified"));
    let sealed = Case::somebodys(Why::Identity).with(|case| case.policy.maxbody = 9);
    assert_eq!(sealed.word(), Some("too-large"));
    let coded = Case::somebodys(Why::Identity).with(|case| case.coding = "br");
    assert_eq!(coded.word(), Some("coding"));
}

#[test]
fn settings_that_have_changed_object_to_the_address() {
    let asked = |query: &str| Case::of("/a", query);
    let blind = asked("?q=1").with(|case| case.key.detect_query = false);
    assert_eq!(blind.word(), Some("query"));
    let secret = |path: &str, query: &str| {
        Case::of(path, query).with(|case| case.key.query_secret = vec!["pin".into()])
    };
    assert_eq!(secret("/a", "?x=1&pin=2").word(), Some("secret-parameter"));
    assert_eq!(secret("/a;pin=2", "").word(), Some("secret-parameter"));
    assert_eq!(secret("/a", "?x=1").word(), None);
    let ignored = asked("?utm_x=1").with(|case| case.key.query_ignore = vec!["utm_*".into()]);
    assert_eq!(ignored.word(), Some("other-address"));
    assert_eq!(Case::of("/a/../b", "").word(), Some("dot-segments"));
    assert_eq!(Case::of("/a b", "").word(), Some("target"));
    assert_eq!(Case::of("/%41", "").word(), Some("other-address"), "an odd spelling");
}

#[test]
fn heads_that_no_rule_keeps_are_seen() {
    let plain = || Case::of("/a", "");
    assert_eq!(plain().says("set-cookie", "a=b").word(), Some("field"));
    assert_eq!(plain().says("cache-control", "private").word(), Some("private"));
    assert_eq!(plain().says("cache-control", "no-store").word(), Some("no-store"));
    assert_eq!(plain().says("vary", "*").word(), Some("vary"));
    assert_eq!(plain().says("content-range", "bytes 0-1/2").word(), Some("partial"));
}

#[test]
fn a_row_that_contradicts_itself_is_seen() {
    assert_eq!(Case::somebodys(Why::Public).word(), Some("owner"));
    assert_eq!(Case::of("/a", "").with(|case| case.why = Why::Identity).word(), Some("owner"));
    let open = Case::somebodys(Why::Identity).with(|case| case.sealed = false);
    assert_eq!(open.word(), Some("unsealed"));
}
