//! What a client can read: `Accept-Encoding` with its quality values (RFC 9110 section 12.5.3).

use super::{Coding, DECODABLE};
use http::HeaderValue;

/// The codings a client takes, as it said them: what is asked of them is looked up in the field
/// itself, since most answers ask little.
#[derive(Clone, Copy, Debug)]
pub struct Accepts<'a>(&'a str);

impl<'a> Accepts<'a> {
    /// Without the field the RFC allows any coding; many a simple client means none, so we
    /// take it as `identity` alone, which everybody can read. At most 32 members are looked at.
    pub fn of(accept_encoding: Option<&'a str>) -> Self {
        Self(accept_encoding.unwrap_or_default())
    }

    /// May an answer in this coding be sent?
    pub fn accepts(&self, coding: &str) -> bool {
        self.quality(coding) > 0.0
    }

    /// How welcome this coding is, from 0 (not at all) to 1. `identity` (or an empty name) is
    /// accepted unless it was refused by name or by `*;q=0`; unsaid, it comes after all others.
    pub fn quality(&self, coding: &str) -> f32 {
        let wanted = canonical(coding);
        let unsaid = if wanted.eq_ignore_ascii_case("identity") { UNSAID } else { 0.0 };
        self.said_of(wanted).or_else(|| self.said_of("*")).unwrap_or(unsaid)
    }

    /// The coding to put on, if one is at least as welcome as none.
    pub fn best(&self) -> Option<Coding> {
        // Nothing was asked for, and this is on the way of every answer.
        if self.0.is_empty() {
            return None;
        }
        let quality = |coding: Coding| self.quality(coding.as_str());
        let (zstd, gzip) = (quality(Coding::Zstd), quality(Coding::Gzip));
        let (best, quality) =
            if zstd >= gzip { (Coding::Zstd, zstd) } else { (Coding::Gzip, gzip) };
        (quality > 0.0 && quality >= self.quality("identity")).then_some(best)
    }

    fn said_of(&self, coding: &str) -> Option<f32> {
        let mut members = self.0.split(',').filter_map(member).take(MEMBERS_MAX);
        let of = |name: &str| canonical(name).eq_ignore_ascii_case(coding);
        members.find(|(name, _)| of(name)).map(|(_, quality)| quality)
    }
}

/// A client's `Accept-Encoding` cut down to what we can decode ourselves, for the application: what
/// it answers may be stored, and given to another reader later. `*` is spelled out. `None` only
/// when the client sent no such field.
pub fn narrowed(accept_encoding: Option<&str>) -> Option<HeaderValue> {
    let mut said = [None; ASKED_FOR.len()];
    let mut any = None;
    for (coding, quality) in accept_encoding?.split(',').filter_map(member).take(MEMBERS_MAX) {
        let coding = if coding.eq_ignore_ascii_case("x-gzip") { "gzip" } else { coding };
        if let Some(at) = ASKED_FOR.iter().position(|name| name.eq_ignore_ascii_case(coding)) {
            said[at].get_or_insert(quality);
        } else if coding == "*" {
            any.get_or_insert(quality);
        }
    }
    let mut text = String::with_capacity(USUAL_BYTES);
    for (coding, said) in ASKED_FOR.into_iter().zip(said) {
        if let Some(quality) = said.or(any) {
            add(&mut text, coding, quality);
        }
    }
    HeaderValue::try_from(if text.is_empty() { "identity".to_owned() } else { text }).ok()
}

fn add(text: &mut String, coding: &str, quality: f32) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push_str(coding);
    if quality < 1.0 {
        text.push_str(";q=");
        text.push_str(&quality.to_string());
    }
}

/// Coding and quality of one member. A quality that is none counts as 0: what we cannot read we do
/// not take for a yes.
fn member(text: &str) -> Option<(&str, f32)> {
    let Some((coding, parameters)) = text.split_once(';') else {
        return Some((text.trim(), 1.0)).filter(|(coding, _)| !coding.is_empty());
    };
    let quality = parameters.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| quality(value.trim()))
    });
    Some((coding.trim(), quality.unwrap_or(1.0))).filter(|(coding, _)| !coding.is_empty())
}

fn quality(text: &str) -> f32 {
    let plain = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // A fourth digit is no quality (RFC 9110 section 12.4.2), and would not survive being said again.
    let plain = plain && text.split_once('.').is_none_or(|(_, thousandths)| thousandths.len() <= 3);
    let value = if plain { text.parse().unwrap_or(0.0) } else { 0.0 };
    f32::clamp(value, 0.0, 1.0)
}

/// By its registered name, in any case of letters.
fn canonical(coding: &str) -> &str {
    match coding.trim() {
        "" => "identity",
        old if old.eq_ignore_ascii_case("x-gzip") => "gzip",
        name => name,
    }
}

/// What the application is asked for, in this order.
const ASKED_FOR: [&str; 4] = [DECODABLE[0], DECODABLE[1], DECODABLE[2], "identity"];
/// Below every quality that can be said.
const UNSAID: f32 = 0.0001;
/// Of a narrowed field.
const USUAL_BYTES: usize = 48;
/// More than any client sends.
const MEMBERS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(text: &str) -> String {
        narrowed(Some(text)).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_coding_is_accepted_by_name_by_star_and_never_with_quality_zero() {
        let accepts = Accepts::of(Some("GZIP, zstd;q=0, br ; q=0.5"));
        assert!(accepts.accepts("gzip") && accepts.accepts("x-gzip") && accepts.accepts("br"));
        assert!(!accepts.accepts("zstd") && !accepts.accepts("deflate"));
        let star = Accepts::of(Some("gzip;q=0, *"));
        assert!(!star.accepts("gzip") && star.accepts("zstd"));
    }

    #[test]
    fn identity_is_accepted_unless_it_is_refused() {
        for text in [None, Some(""), Some("gzip"), Some("*"), Some("identity;q=0.1, *;q=0")] {
            assert!(Accepts::of(text).accepts("identity"), "{text:?}");
        }
        for text in ["identity;q=0", "*;q=0", "gzip, *;q=0.000"] {
            assert!(!Accepts::of(Some(text)).accepts("identity"), "{text}");
        }
    }

    #[test]
    fn the_best_coding_is_the_most_welcome_one_and_ours_among_equals() {
        for (said, best) in [
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("GZIP", Some(Coding::Gzip)),
            ("x-gzip;q=0.1", Some(Coding::Gzip)),
            ("gzip, zstd;q=0.9", Some(Coding::Gzip)),
            ("zstd;q=0, *", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("identity;q=0, gzip;q=0.001", Some(Coding::Gzip)),
            ("identity, gzip", Some(Coding::Gzip)),
            ("identity, gzip;q=0.9", None),
            ("gzip;q=0, zstd;q=0", None),
            ("br, deflate", None),
            ("*;q=0", None),
            ("", None),
        ] {
            assert_eq!(Accepts::of(Some(said)).best(), best, "{said}");
        }
        assert_eq!(Accepts::of(None).best(), None);
    }

    #[test]
    fn a_client_that_says_nothing_is_given_no_coding() {
        assert!(!Accepts::of(None).accepts("gzip"));
    }

    #[test]
    fn an_unreadable_quality_is_no_yes() {
        for text in
            ["gzip;q=banana", "gzip;q=-1", "gzip;q=NaN", "gzip;q=inf", "gzip;q=", "gzip;q=.0001"]
        {
            assert!(!Accepts::of(Some(text)).accepts("gzip"), "{text}");
        }
    }

    #[test]
    fn only_codings_we_can_decode_are_forwarded() {
        assert_eq!(narrow("gzip, deflate, br, zstd"), "gzip, deflate, zstd");
        assert_eq!(narrow("br"), "identity");
        assert_eq!(narrow(""), "identity");
        assert_eq!(narrow("br, identity;q=0"), "identity;q=0");
        assert_eq!(narrow("x-gzip;q=0.5"), "gzip;q=0.5");
        assert_eq!(narrow("*;q=0.5, gzip"), "gzip, deflate;q=0.5, zstd;q=0.5, identity;q=0.5");
        assert_eq!(narrowed(None), None);
    }

    proptest::proptest! {
        #[test]
        fn any_field_is_read_and_its_narrowed_form_is_stable(text in "\\PC*") {
            let once = narrowed(Some(&text)).unwrap();
            proptest::prop_assert_eq!(narrowed(once.to_str().ok()), Some(once));
        }
    }
}
