//! Names of header fields that an application may take for other names.

use super::{asked, before};
use crate::support::client::get;
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;

const ODD: [&str; 3] = ["X_Trace", "X.Trace", "Build!Number"];

#[test]
fn odd_names_stay_behind_unless_the_operator_lets_them_pass() {
    let origin = Origin::new().elsewhere(ok("1"));
    let visit = ODD.iter().fold(get("/"), |visit, name| visit.header(name, "1"));
    before(&origin).visit(&visit);
    for name in ODD {
        assert_eq!(asked(&origin).all(name), [""; 0], "{name}");
    }
    all(&origin).start().visit(&visit);
    for name in ODD {
        assert_eq!(asked(&origin).all(name), ["1"], "{name}");
    }
}

/// An application reads them as what RETTER says to it.
#[test]
fn what_passes_for_a_claim_is_a_claim() {
    let origin = Origin::new().elsewhere(ok("1"));
    let names = [
        "X_Forwarded_For",
        "X-Forwarded_For",
        "X.Forwarded.Proto",
        "X_Real_IP",
        "X_Forwarded_Host",
        "Transfer_Encoding",
        "Content_Length",
        "Proxy_Authorization",
    ];
    let visit = names.iter().fold(get("/"), |visit, name| visit.header(name, "7"));
    for trusted in ["none", "loopback"] {
        all(&origin).set("SERVER_TRUSTED", trusted).start().visit(&visit);
        for name in names {
            assert_eq!(asked(&origin).all(name), [""; 0], "{name}");
        }
    }
}

#[test]
fn what_passes_for_another_page_or_person_is_never_for_everybody() {
    for name in
        ["X_HTTP_METHOD_OVERRIDE", "X_Original_URL", "X_Api_Key", "X.Forwarded.User", "X_Host"]
    {
        let origin = Origin::new().elsewhere(ok("his own"));
        let retter = all(&origin).start();
        assert_eq!(retter.visit(&get("/").header(name, "/admin")).status, 200);
        assert_eq!(asked(&origin).all(name), ["/admin"], "{name}");
        origin.down();
        assert_eq!(retter.get("/").status, 502, "{name}: somebody else's page");
    }
}

fn all(origin: &Origin) -> Setup {
    Setup::before(origin).set("BACKEND_NAMES", "all")
}
