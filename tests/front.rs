//! The ways in: TLS and HTTP/2 towards visitors, whose a connection is by a proxy's word, a socket at a
//! path, and how much may be sent.

mod body;
mod floods;
mod http2;
mod limits;
mod load;
mod malformed;
mod preface;
mod proxied;
mod renewal;
mod secured;
mod tls;
mod unix;
mod windows;
mod wrong;
