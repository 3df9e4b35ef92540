//! Which of a page's variants a request asks for (`Vary`, RFC 9111 section 4.1).

use super::identity::{Identity, Secret};
use super::{EntryId, StoreKey, first_16};
use http::{HeaderMap, HeaderName};

/// The request's values of the fields that choose among the variants of a page, as a keyed hash:
/// they may hold cookies. Names a variant within one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant(pub [u8; 16]);

impl Variant {
    /// Two requests have the same variant if these fields say the same in both, in however many
    /// lines and with whatever blanks around them; a field that is missing is not an empty one.
    pub fn of(names: &[HeaderName], request: &HeaderMap, secret: &Secret) -> Self {
        let mut sorted: Vec<_> = names.iter().map(HeaderName::as_str).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut said = DOMAIN.to_vec();
        for name in sorted {
            let lines = request.get_all(name).iter().map(|line| line.as_bytes().trim_ascii());
            let lines: Vec<_> = lines.collect();
            said.push(u8::from(!lines.is_empty()));
            for part in [name.as_bytes(), &lines.join(&b","[..])] {
                said.extend_from_slice(&(part.len() as u64).to_be_bytes());
                said.extend_from_slice(part);
            }
        }
        Self(first_16(&blake3::keyed_hash(&secret.0, &said)))
    }
}

impl StoreKey {
    /// The name of one variant of the page that this key is of.
    pub fn varying(&self, variant: Variant) -> Self {
        self.marked(&[VARIANT, &variant.0])
    }

    /// The name of the list of the variants of this page.
    pub fn list(&self) -> Self {
        self.marked(&[LIST])
    }

    /// The id of [`StoreKey::list`], mostly without making it.
    pub fn list_id(&self) -> EntryId {
        match (&self.identity, &*self.variant) {
            (Identity::Anonymous, b"") => self.place.list_id(),
            _ => self.list().id(),
        }
    }

    fn marked(&self, marks: &[&[u8]]) -> Self {
        // What was told begins with the length of a name, which is never this long.
        let variant = [&marks.concat(), self.variant.as_slice()].concat();
        Self { variant, ..self.clone() }
    }
}

const DOMAIN: &[u8] = b"retter variant v1";
const VARIANT: &[u8] = b"vary";
pub(super) const LIST: &[u8] = b"list";

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::{ACCEPT_LANGUAGE, COOKIE, ORIGIN};

    fn of(names: &[HeaderName], lines: &[(HeaderName, &'static str)]) -> Variant {
        let mut request = HeaderMap::new();
        for (name, value) in lines {
            request.append(name, HeaderValue::from_static(value));
        }
        Variant::of(names, &request, &Secret([7; 32]))
    }

    #[test]
    fn only_the_fields_named_choose_and_their_order_does_not() {
        let both = [ACCEPT_LANGUAGE, ORIGIN];
        let asked = [(ACCEPT_LANGUAGE, "de"), (ORIGIN, "https://a"), (COOKIE, "a=b")];
        let [language, origin, _] = asked.clone();
        assert_eq!(of(&both, &asked), of(&[ORIGIN, ACCEPT_LANGUAGE, ORIGIN], &[origin, language]));
        assert_ne!(of(&both, &asked), of(&[ACCEPT_LANGUAGE], &asked));
    }

    #[test]
    fn every_difference_in_them_makes_another_variant() {
        let names = [ACCEPT_LANGUAGE, ORIGIN];
        let asked: [&[(HeaderName, &str)]; 6] = [
            &[],
            &[(ACCEPT_LANGUAGE, "")],
            &[(ORIGIN, "")],
            &[(ACCEPT_LANGUAGE, "de")],
            &[(ORIGIN, "de")],
            &[(ACCEPT_LANGUAGE, "de"), (ORIGIN, "de")],
        ];
        for (i, one) in asked.iter().enumerate() {
            for other in &asked[i + 1..] {
                assert_ne!(of(&names, one), of(&names, other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn lines_and_blanks_do_not_matter() {
        let names = [ACCEPT_LANGUAGE];
        let one = of(&names, &[(ACCEPT_LANGUAGE, "de,en")]);
        assert_eq!(one, of(&names, &[(ACCEPT_LANGUAGE, " de"), (ACCEPT_LANGUAGE, "en ")]));
    }

    #[test]
    fn another_file_has_other_variants() {
        let request = HeaderMap::new();
        let of = |secret| Variant::of(&[COOKIE], &request, &Secret(secret));
        assert_ne!(of([1; 32]), of([2; 32]));
    }
}
