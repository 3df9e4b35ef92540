use crate::{key, policy};
use std::time::Duration;

/// What the operator says about the story of a request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `cache.ttl`: a copy no older than this is called `cache`, an older one
    /// `last-known-success`.
    pub ttl: Duration,
    pub key: key::Settings,
    pub policy: policy::Settings,
}
