//! Identities: credentials turned into hashes that cannot be turned back.

use super::credentials::Credential;
use super::{first_16, write_hex};
use std::fmt;

/// The 32 random bytes of one file (table `meta.v1`) that key the hashes of identities.
#[derive(Clone)]
pub struct Secret(pub [u8; 32]);

/// Whose copy it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody's in particular.
    Anonymous,
    /// This visitor's.
    Person(Person),
}

/// A visitor with credentials, as a keyed hash, and the key that seals his copies on disk.
/// Neither can be turned back into the credentials. No `Debug` output of the seal.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Names him, within one file.
    pub tag: [u8; 16],
    /// Opens his copies. Made from the credentials *and* the file's secret: who has only the file
    /// cannot open them, and neither can who has only a cookie from elsewhere. Never stored.
    pub seal: [u8; 32],
}

impl Person {
    /// The same credentials make the same person whatever order their names come in; the order of
    /// repeated names counts, since applications take the first or the last of them.
    pub(super) fn of<'a>(
        credentials: impl Iterator<Item = &'a Credential>,
        secret: &Secret,
    ) -> Self {
        let material = material(credentials);
        let tag = blake3::keyed_hash(&secret.0, &material);
        let mut seal = blake3::Hasher::new_derive_key(SEAL_CONTEXT);
        seal.update(&secret.0).update(&material);
        Self { tag: first_16(&tag), seal: *seal.finalize().as_bytes() }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(")?;
        write_hex(f, &self.tag)?;
        f.write_str(")")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn material<'a>(credentials: impl Iterator<Item = &'a Credential>) -> Vec<u8> {
    let mut sorted: Vec<_> = credentials.collect();
    sorted.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let mut material = Vec::with_capacity(128);
    for credential in sorted {
        material.push(credential.kind as u8);
        for part in [&credential.name, &credential.value] {
            material.extend_from_slice(&(part.len() as u64).to_be_bytes());
            material.extend_from_slice(part);
        }
    }
    material
}

/// blake3's key derivation wants a sentence that no other program uses.
const SEAL_CONTEXT: &str = "retter 2026-01-01 seal of one visitor's copies v1";

#[cfg(test)]
mod tests {
    use super::super::credentials::Kind;
    use super::*;

    fn credential(kind: Kind, name: &str, value: &str) -> Credential {
        Credential { kind, name: name.into(), value: value.into(), named: true }
    }

    fn person(credentials: &[Credential]) -> Person {
        Person::of(credentials.iter(), &Secret([7; 32]))
    }

    #[test]
    fn names_may_come_in_any_order_but_repeated_ones_may_not() {
        let [a, b] = ["a", "b"].map(|name| credential(Kind::Cookie, name, "1"));
        let again = credential(Kind::Cookie, "a", "2");
        assert!(person(&[a.clone(), b.clone()]) == person(&[b, a.clone()]));
        assert!(person(&[a.clone(), again.clone()]) != person(&[again, a]));
    }

    #[test]
    fn no_border_moves_between_name_value_kind_and_neighbour() {
        let people = [
            person(&[credential(Kind::Cookie, "ab", "c")]),
            person(&[credential(Kind::Cookie, "a", "bc")]),
            person(&[credential(Kind::Header, "a", "bc")]),
            person(&[credential(Kind::QueryId, "a", "bc")]),
            person(&[credential(Kind::Cookie, "a", ""), credential(Kind::Cookie, "b", "c")]),
            person(&[credential(Kind::Cookie, "a", "b"), credential(Kind::Cookie, "", "c")]),
        ];
        for (i, one) in people.iter().enumerate() {
            for other in &people[i + 1..] {
                assert!(one.tag != other.tag && one.seal != other.seal, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn another_file_has_other_tags_and_other_seals() {
        let credential = credential(Kind::Cookie, "sid", "x");
        let [one, other] =
            [[1; 32], [2; 32]].map(|s| Person::of([&credential].into_iter(), &Secret(s)));
        assert!(one.tag != other.tag && one.seal != other.seal);
        assert!(one.seal[..16] != one.tag);
    }
}
