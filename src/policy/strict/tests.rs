//! RFC 9111 and RFC 5861, sentence by sentence.

use super::*;
use http::{HeaderName, HeaderValue, Request, Response};
use std::time::UNIX_EPOCH;

type Lines<'a> = &'a [(&'static str, &'a str)];

const START: Duration = Duration::from_secs(1_700_000_000);

fn map(lines: Lines<'_>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    fields
}

fn at(seconds: i64) -> String {
    let moment = START.as_secs().saturating_add_signed(seconds);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(moment))
}

fn stored(asked: Lines<'_>, said: Lines<'_>, status: u16) -> Option<&'static str> {
    let mut request = Request::new(()).into_parts().0;
    request.headers = map(asked);
    let mut response = Response::new(()).into_parts().0;
    response.headers = map(said);
    response.status = StatusCode::from_u16(status).unwrap();
    may_store(&request, &response).err().map(SkipReason::as_str)
}

#[test]
fn what_a_shared_cache_may_store() {
    let cc = |value| ("cache-control", value);
    let auth = ("authorization", "Bearer t");
    for (asked, said, status, refused) in [
        (&[][..], &[][..], 200, None),
        // 3: "the no-store cache directive is not present in the response"
        (&[], &[cc("no-store")][..], 200, Some("no-store")),
        (&[], &[cc("max-age=60"), cc("no-store")], 200, Some("no-store")),
        // 5.2.2.3: a cache may go on obeying `no-store` beside `must-understand`
        (&[], &[cc("must-understand, no-store")], 200, Some("no-store")),
        // 3: "if the response status code is 206 or 304, or the must-understand directive is
        // present: the cache understands the response status code"
        (&[], &[cc("must-understand, max-age=60")], 200, None),
        (&[], &[cc("must-understand, max-age=60")], 299, Some("status")),
        (&[], &[cc("max-age=60")], 299, None),
        // 3: "if the cache is shared: the private response directive is either not present or ..."
        (&[], &[cc("private")], 200, Some("private")),
        (&[], &[cc("private=\"x-user\"")], 200, Some("private")),
        // 5.2.1.5: "a cache MUST NOT store any part of either this request or any response to it"
        (&[cc("no-store")], &[cc("max-age=60")], 200, Some("no-store")),
        // 5.2.2.4: never used without asking, so never kept
        (&[], &[cc("no-cache")], 200, Some("no-cache")),
        (&[], &[cc("no-cache=\"x-user\", max-age=60")], 200, Some("no-cache")),
        // 3.5
        (&[auth], &[], 200, Some("authorization")),
        (&[auth], &[cc("max-age=60")], 200, Some("authorization")),
        (&[auth], &[cc("public")], 200, None),
        (&[auth], &[cc("must-revalidate")], 200, None),
        (&[auth], &[cc("s-maxage=60")], 200, None),
        (&[auth], &[cc("ext=\"public, s-maxage=1\"")], 200, Some("authorization")),
        (&[auth], &[cc("proxy-revalidate")], 200, Some("authorization")),
        // 3: at least one of public, Expires, max-age, s-maxage, a status that is cacheable by itself
        (&[], &[], 301, None),
        (&[], &[], 302, Some("status")),
        (&[], &[cc("max-age=60")], 302, None),
        (&[], &[cc("s-maxage=60")], 302, None),
        (&[], &[cc("public")], 302, None),
        (&[], &[("expires", "0")], 302, None),
    ] {
        assert_eq!(stored(asked, said, status), refused, "{asked:?} {said:?} {status}");
    }
}

/// A copy stored at the start, and asked for so many seconds later.
fn given(asked: Lines<'_>, said: Lines<'_>, age: u64, distress: Distress) -> &'static str {
    let (request, fields) = (map(asked), map(said));
    let offer = Offer {
        request: &request,
        fields: &fields,
        stored_at: UNIX_EPOCH + START,
        age: Duration::from_secs(age),
        purged: false,
        distress,
    };
    strict_refusal(&offer).map_or("given", RefuseReason::as_str)
}

const FAILED: Distress = Distress::Status(StatusCode::SERVICE_UNAVAILABLE);
const ALL: [Distress; 4] = [FAILED, Distress::NotAsked, Distress::Broken, Distress::Unreachable];

#[test]
fn how_long_a_copy_is_fresh() {
    let cc = |value| ("cache-control", value);
    let (now, later, before) = (at(0), at(60), at(-10));
    let date = ("date", now.as_str());
    let expires = ("expires", later.as_str());
    for (said, last) in [
        // 4.2: "fresh if its freshness lifetime is greater than its current age"
        (&[cc("max-age=60")][..], Some(59)),
        // 4.2.1: s-maxage, then max-age, then Expires minus Date
        (&[cc("max-age=60, s-maxage=10")], Some(9)),
        (&[cc("max-age=10, s-maxage=60")], Some(59)),
        (&[cc("max-age=10"), expires, date], Some(9)),
        (&[expires, date], Some(59)),
        (&[expires], Some(59)),
        // 4.2.1: of several the most restrictive, invalid ones are stale
        (&[cc("max-age=60"), cc("max-age=30")], Some(29)),
        (&[cc("max-age=x"), expires, date], None),
        (&[cc("ext=\"open"), expires, date], None),
        (&[expires, ("expires", "0"), date], None),
        // 5.3: "invalid date formats, especially the value 0, as in the past"
        (&[("expires", "0"), date], None),
        (&[("expires", &now), date], None),
        (&[expires, ("date", "yesterday")], None),
        // no heuristics
        (&[("last-modified", "Fri, 31 Dec 1999 23:59:59 GMT"), date], None),
        (&[], None),
        // 4.2.3: the larger of apparent age and Age, and the time it has been here
        (&[cc("max-age=60"), ("date", &before)], Some(49)),
        (&[cc("max-age=60"), date, ("age", "20")], Some(39)),
        (&[cc("max-age=60"), ("date", &before), ("age", "20")], Some(39)),
        (&[cc("max-age=60"), ("date", &later)], Some(59)),
        (&[cc("max-age=60"), ("age", "old")], Some(59)),
        (&[cc("max-age=60"), ("age", "20, 30")], Some(39)),
    ] {
        for distress in ALL.into_iter().filter(|distress| *distress != Distress::Unreachable) {
            if let Some(last) = last {
                assert_eq!(given(&[], said, last, distress), "given", "{said:?}");
            }
            let stale = given(&[], said, last.map_or(0, |last| last + 1), distress);
            assert!(matches!(stale, "strict-stale" | "s-maxage"), "{said:?}: {stale}");
        }
    }
}

#[test]
fn when_a_stale_copy_may_be_given() {
    let cc = |value| ("cache-control", value);
    let other = Distress::Status(StatusCode::INSUFFICIENT_STORAGE);
    for (asked, said, distress, expected) in [
        // 4.2.4: "MUST NOT generate a stale response unless it is disconnected or doing so is
        // explicitly permitted"
        (&[][..], &[cc("max-age=10")][..], Distress::Unreachable, "given"),
        (&[], &[], Distress::Unreachable, "given"),
        (&[], &[cc("max-age=10")], FAILED, "strict-stale"),
        (&[], &[cc("max-age=10")], Distress::NotAsked, "strict-stale"),
        (&[], &[cc("max-age=10")], Distress::Broken, "strict-stale"),
        // 4.2.4: "if it is prohibited by an explicit in-protocol directive"
        (&[], &[cc("max-age=10, must-revalidate")], Distress::Unreachable, "must-revalidate"),
        (&[], &[cc("max-age=10, proxy-revalidate")], Distress::Unreachable, "proxy-revalidate"),
        (&[], &[cc("s-maxage=10")], Distress::Unreachable, "s-maxage"),
        (&[], &[cc("no-cache")], Distress::Unreachable, "no-cache"),
        (&[], &[cc("must-revalidate, stale-if-error=900")], FAILED, "must-revalidate"),
        (&[cc("max-stale")], &[cc("must-revalidate")], FAILED, "must-revalidate"),
        // RFC 5861 section 4
        (&[], &[cc("max-age=10, stale-if-error=90")], FAILED, "given"),
        (&[], &[cc("max-age=10, stale-if-error=89")], FAILED, "strict-stale"),
        (&[], &[cc("max-age=10, stale-if-error=x")], FAILED, "strict-stale"),
        (&[], &[cc("max-age=10, stale-if-error=90")], Distress::NotAsked, "given"),
        (&[], &[cc("max-age=10, stale-if-error=90")], Distress::Broken, "given"),
        (&[], &[cc("max-age=10, stale-if-error=90")], other, "strict-stale"),
        (&[cc("stale-if-error=90")], &[cc("max-age=10")], FAILED, "given"),
        (&[cc("stale-if-error=90")], &[cc("max-age=10, stale-if-error=5")], FAILED, "given"),
        (&[cc("stale-if-error=89")], &[cc("max-age=10")], FAILED, "strict-stale"),
        // 5.2.1.2
        (&[cc("max-stale")], &[cc("max-age=10")], FAILED, "given"),
        (&[cc("max-stale=90")], &[cc("max-age=10")], FAILED, "given"),
        (&[cc("max-stale=89")], &[cc("max-age=10")], FAILED, "request-max-stale"),
        (&[cc("max-stale=89")], &[cc("max-age=10")], Distress::Unreachable, "request-max-stale"),
        // It should not be here at all.
        (&[], &[cc("no-store")], Distress::Unreachable, "no-store"),
        (&[], &[cc("private")], Distress::Unreachable, "private"),
        (&[("authorization", "Bearer t")], &[], Distress::Unreachable, "authorization"),
    ] {
        assert_eq!(given(asked, said, 100, distress), expected, "{asked:?} {said:?} {distress:?}");
    }
}

#[test]
fn what_a_visitor_wants_of_a_copy_is_obeyed() {
    let cc = |value| ("cache-control", value);
    let fresh = [cc("max-age=60")];
    for (asked, age, expected) in [
        // 5.2.1.4
        ("no-cache", 0, "request-no-cache"),
        // 5.2.1.1
        ("max-age=0", 0, "given"),
        ("max-age=0", 1, "request-max-age"),
        ("max-age=20", 20, "given"),
        ("max-age=20", 21, "request-max-age"),
        ("max-age=x", 1, "request-max-age"),
        ("max-age=900", 60, "request-max-age"),
        ("max-age=900, max-stale", 60, "given"),
        ("max-age=900, max-stale=10", 70, "given"),
        ("max-age=900, max-stale=10", 71, "request-max-stale"),
        // 5.2.1.3
        ("min-fresh=20", 40, "given"),
        ("min-fresh=20", 41, "request-min-fresh"),
        // 5.2.1.5: it "does not apply to the already stored response"
        ("no-store", 10, "given"),
        ("no-transform, only-if-cached", 10, "given"),
    ] {
        assert_eq!(given(&[cc(asked)], &fresh, age, Distress::Unreachable), expected, "{asked}");
    }
}

#[test]
fn a_purged_copy_is_stale_whatever_it_says() {
    let (request, fields) = (map(&[]), map(&[("cache-control", "max-age=60")]));
    let offer = Offer {
        request: &request,
        fields: &fields,
        stored_at: UNIX_EPOCH + START,
        age: Duration::ZERO,
        purged: true,
        distress: FAILED,
    };
    assert_eq!(strict_refusal(&offer), Some(RefuseReason::StrictStale));
    let unreachable = Offer { distress: Distress::Unreachable, ..offer };
    assert_eq!(strict_refusal(&unreachable), None);
}

proptest::proptest! {
    #[test]
    fn a_word_that_forbids_is_heard_whatever_stands_around_it(
        lines in proptest::collection::vec("[ -~]{0,30}", 0..3),
        before in "([ -~]{0,10}[ ,;=\"])?",
        after in "([ ,;=\"][ -~]{0,10})?",
        word in 0..6_usize,
        distress in 0..4_usize,
    ) {
        let words = ["no-store", "private", "no-cache", "must-revalidate", "proxy-revalidate", "s-maxage"];
        let forbids = format!("{before}{}{after}", words[word]);
        let mut said: Vec<_> = lines.iter().map(|line| ("cache-control", line.as_str())).collect();
        said.insert(said.len() / 2, ("cache-control", &forbids));
        // Longer than any lifetime can be.
        let decided = given(&[("cache-control", "max-stale")], &said, 1 << 32, ALL[distress]);
        proptest::prop_assert!(decided != "given", "{said:?}");
    }
}
