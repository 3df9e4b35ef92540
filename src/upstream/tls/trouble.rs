//! What is wrong with the application's TLS, and what to do about it, in words.

use rustls::CertificateError as Certificate;
use rustls::Error;
use std::io;

/// What was seen, and the remedy. `reason` is what rustls says, if it is rustls that does.
pub(super) fn words(error: &io::Error, reason: Option<&Error>) -> (String, &'static str) {
    let Some(reason) = reason else {
        let what = match error.kind() {
            io::ErrorKind::TimedOut => "it took the connection and did not shake hands in time",
            _ => "it ended the connection while shaking hands",
        };
        return (what.to_owned(), SPEAKS_IT);
    };
    (reason.to_string(), remedy(reason))
}

fn remedy(reason: &Error) -> &'static str {
    match reason {
        Error::InvalidCertificate(certificate) => for_certificate(certificate),
        Error::InvalidMessage(_) => SPEAKS_IT,
        Error::PeerIncompatible(_) => "let the application speak TLS 1.2 or 1.3",
        Error::AlertReceived(_) | Error::NoApplicationProtocol => {
            "the application turns RETTER away, its own log may say why: RETTER speaks HTTP/1.1, and \
             has no certificate to show if it wants one"
        }
        _ => "look at the application's TLS settings",
    }
}

fn for_certificate(certificate: &Certificate) -> &'static str {
    match certificate {
        Certificate::UnknownIssuer | Certificate::BadSignature => {
            "name a file with the certificate of the CA that signed it in backend.ca, and let the \
             application send the certificates in between"
        }
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            "renew the application's certificate, or set this machine's clock"
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            "set the clock of this machine or of the one that made the certificate"
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            "write a name the certificate is for in backend.baseurl, or, if the address must stay, in \
             backend.sni"
        }
        Certificate::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the application shows a CA's own certificate (`openssl req -x509` makes such): make it \
             anew with `-addext basicConstraints=critical,CA:FALSE`, or sign one with it"
        }
        _ => "give the application another certificate",
    }
}

const SPEAKS_IT: &str = "is TLS spoken at this port? If not, write http:// in backend.baseurl, or the \
                         port where it is";
