//! TLS and HTTP/2 towards visitors.

mod floods;
mod http2;
mod limits;
mod preface;
mod tls;
mod wrong;
