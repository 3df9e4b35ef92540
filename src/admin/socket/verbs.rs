//! What can be asked over the socket. A new verb is a line in [`run`] and a function here.

use super::{Levers, breaker};
use crate::clock::Now;
use crate::control::VERSION;
use crate::store::select::Words;
use crate::store::{Purged, Store};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tracing::info;

/// The value of `done`, or the error in words. What is under way is told through `tell`.
pub(super) async fn run(
    line: Vec<u8>,
    levers: Levers,
    tell: watch::Sender<Value>,
) -> Result<Value, String> {
    let mut request = read(&line)?;
    match request.remove("verb").as_ref().and_then(Value::as_str) {
        Some("ping") => ping(what(request)?),
        Some("purge") => purge(what(request)?, levers.store, tell).await,
        Some("status") => {
            let Nothing {} = what(request)?;
            Ok(breaker::status(&levers))
        }
        Some("mode") => breaker::mode(what(request)?, &levers),
        Some(other) => Err(format!("no verb is called {other:?}: there are {VERBS}")),
        None => Err(format!("the request has no verb: there are {VERBS}")),
    }
}

/// An object of this protocol's version.
fn read(line: &[u8]) -> Result<Map<String, Value>, String> {
    let request: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("no JSON object: {error}"))?;
    let mut request = request;
    match request.remove("v") {
        Some(version) if version == VERSION => Ok(request),
        Some(other) => Err(format!(
            "protocol version {other}, and this RETTER speaks {VERSION}: use the retter-db or retter beside it"
        )),
        None => Err(format!("the request has no version: \"v\": {VERSION}")),
    }
}

/// What a verb needs, and nothing that it does not know: a selector that is not understood must not
/// be passed over.
fn what<T: DeserializeOwned>(request: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(request)).map_err(|error| error.to_string())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn ping(_: Nothing) -> Result<Value, String> {
    Ok(json!({ "retter": env!("CARGO_PKG_VERSION"), "pid": std::process::id() }))
}

/// Goes on to its end even if who asked has left: half a purge is what nobody asked for.
async fn purge(words: Words, store: Store, tell: watch::Sender<Value>) -> Result<Value, String> {
    let purge = words.read().map_err(|error| error.to_string())?;
    let dry_run = purge.dry_run;
    let so_far = move |purged| drop(tell.send_replace(figures(purged)));
    let work = move || store.purge(&purge, Now::read().wall, so_far);
    let done = tokio::task::spawn_blocking(work).await.map_err(|died| died.to_string())?;
    let purged = done.map_err(|error| error.to_string())?;
    let Purged { copies, bytes } = purged;
    if !dry_run {
        info!(copies, bytes, ?words, "purged by the operator");
    }
    Ok(figures(purged))
}

fn figures(purged: Purged) -> Value {
    json!({ "copies": purged.copies, "bytes": purged.bytes })
}

const VERBS: &str = "ping, purge, status and mode";

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let request = read(line.as_bytes());
        let words = request.and_then(|mut request| {
            request.remove("verb");
            what::<Words>(request)
        });
        words.expect_err("it is refused")
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        for (line, said) in [
            ("what?", "no JSON object"),
            ("[1]", "no JSON object"),
            ("", "no JSON object"),
            ("{}", "no version"),
            (r#"{"v":2,"verb":"purge"}"#, "protocol version 2"),
            (r#"{"v":"1","verb":"purge"}"#, "protocol version \"1\""),
            (r#"{"v":1,"verb":"purge","pth":"/a"}"#, "pth"),
            (r#"{"v":1,"verb":"purge","path":7}"#, "expected a string"),
        ] {
            let error = refused(line);
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
