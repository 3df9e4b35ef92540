//! Names with anything but letters, digits and dashes. To a PHP or WSGI application `X_Forwarded_For` and
//! `X-Forwarded-For` are one name, so who sends the one says the other.

use super::forward::CLAIMS;
use super::{Meaning, is_hop_by_hop};
use http::header::{HeaderMap, HeaderName};

/// `backend.names`: which names the application gets to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Those of letters, digits and dashes.
    #[default]
    Plain,
    /// All others too, but for those that pass for a name RETTER answers for.
    All,
}

impl Names {
    /// May a field of this name go on?
    pub fn pass(self, name: &HeaderName) -> bool {
        is_plain(name) || (self == Self::All && !is_answered_for(&dashed(name)))
    }

    /// Could the application read one of these fields as another? Then nobody knows what its answer
    /// is to: a field it varies by may have been said in two spellings.
    pub fn are_ambiguous(self, fields: &HeaderMap) -> bool {
        self == Self::All && !fields.keys().all(is_plain)
    }

    /// What a field of this name means to an application that gets to see it.
    pub fn meaning(self, name: &HeaderName) -> Meaning {
        match Meaning::of(name) {
            Meaning::None if self == Self::All && !is_plain(name) && self.pass(name) => {
                Meaning::of(&dashed(name))
            }
            meaning => meaning,
        }
    }
}

fn is_plain(name: &HeaderName) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'-');
    // Without a way out in the middle the compiler looks at many at a time.
    name.as_str().bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// The name it passes for.
fn dashed(name: &HeaderName) -> HeaderName {
    let dash = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    let dashed: Vec<u8> = name.as_str().bytes().map(dash).collect();
    HeaderName::from_bytes(&dashed).unwrap_or_else(|_| name.clone())
}

/// RETTER says it itself, or decides by it what to say.
fn is_answered_for(name: &HeaderName) -> bool {
    is_hop_by_hop(name) || CLAIMS.iter().chain(&FRAMING).any(|known| name == known)
}

/// Of the body, and of the one that comes back.
const FRAMING: [&str; 3] = ["accept-encoding", "content-length", "content-type"];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_the_operator_lets_odd_names_pass() {
        for (text, plain, all) in [
            ("X-Ok-1", true, true),
            ("X_Ok", false, true),
            ("x.ok", false, true),
            ("X_Forwarded_For", false, false),
            ("X-Forwarded_For", false, false),
            ("X!Real.IP", false, false),
            ("Transfer_Encoding", false, false),
            ("Content_Length", false, false),
            ("X_Api_Key", false, true),
        ] {
            let name = name(text);
            assert_eq!((Names::Plain.pass(&name), Names::All.pass(&name)), (plain, all), "{text}");
        }
    }

    #[test]
    fn a_name_that_passes_for_another_means_the_same() {
        for (text, plain, all) in [
            ("X-Api-Key", Meaning::Credential, Meaning::Credential),
            ("X_Api_Key", Meaning::None, Meaning::Credential),
            ("X_HTTP_METHOD_OVERRIDE", Meaning::None, Meaning::Override),
            ("X.Original.URL", Meaning::None, Meaning::Override),
            ("Front_End_Https", Meaning::None, Meaning::Told),
            // It does not arrive.
            ("X_Forwarded_Host", Meaning::None, Meaning::None),
            ("X_Trace", Meaning::None, Meaning::None),
        ] {
            let name = name(text);
            let meant = (Names::Plain.meaning(&name), Names::All.meaning(&name));
            assert_eq!(meant, (plain, all), "{text}");
        }
    }
}
