//! Certificates and keys that cannot be used: told before anything starts.

use crate::support::origin::{Origin, ok};
use crate::support::pair::{Pair, made};
use crate::support::retter::Setup;
use std::fs;

#[test]
fn a_pair_that_cannot_be_used_is_a_mistake_with_its_file_and_reason() {
    let ((certificate, key), (_, other)) = (made(), made());
    let missing = "no-such-file.pem";
    for (certificate, key, said) in [
        (Some(&certificate), None, vec![missing, "cannot read"]),
        (None, Some(&key), vec![missing, "cannot read"]),
        (Some(&"nothing".to_owned()), Some(&key), vec!["a.pem", "no certificate"]),
        (Some(&certificate), Some(&certificate), vec!["b.pem", "no private key"]),
        (Some(&certificate), Some(&other), vec!["a.pem", "another key", "b.pem"]),
        (Some(&broken(&certificate)), Some(&key), vec!["a.pem"]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: Option<&String>| match text {
            None => missing.to_owned(),
            Some(text) => {
                fs::write(folder.path().join(name), text).expect("written");
                name.to_owned()
            }
        };
        let setup = Setup::bare()
            .set("TLS_CERTIFICATE", file("a.pem", certificate))
            .set("TLS_KEY", file("b.pem", key));
        let output = setup.run_in(&folder);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{told}");
        for word in [vec!["RETTER_TLS_CERTIFICATE", "RETTER_TLS_KEY"], said].concat() {
            assert!(told.contains(word), "{word} is not in {told}");
        }
    }
}

#[test]
fn one_without_the_other_is_a_mistake() {
    let pair = Pair::new();
    for (name, file) in [("TLS_CERTIFICATE", pair.certificate()), ("TLS_KEY", pair.key())] {
        let output = Setup::bare().set(name, file.display()).argument("--check").run();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{told}");
        assert!(told.contains("needs both") && told.contains(name), "{told}");
    }
}

#[test]
fn none_is_no_tls() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).set("TLS_CERTIFICATE", "none").set("TLS_KEY", "").start();
    assert_eq!(retter.get("/").status, 200);
}

/// PEM around bytes that are no certificate.
fn broken(certificate: &str) -> String {
    let mut lines: Vec<_> = certificate.lines().collect();
    lines[1] = "AAAA";
    lines.join("\n")
}
