//! The names RETTER writes that the `http` crate does not know.

use http::header::HeaderName;

/// Where the answer comes from: `backend`, `cache`, `last-known-success` or `no-cache`.
pub const X_RETTER: HeaderName = HeaderName::from_static("x-retter");

/// The stricter of the two breakers: `CLOSED`, `HALF-OPEN` or `OPEN`.
pub const X_CIRCUIT: HeaderName = HeaderName::from_static("x-circuit");

/// RFC 9211.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
