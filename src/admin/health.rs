//! `/health`: the Go program's fields under their names, and every counter there is.
//!
//! | field | what it says |
//! |---|---|
//! | `status` | `OK`: RETTER itself answers; how the application is, `circuit` says |
//! | `server-uptime` | full seconds since the start |
//! | `cache-count` | copies in the file, or in memory if those are more (a new copy is in the file some milliseconds later) |
//! | `ttl-timer-count` | copies with an expiry: all of them |
//! | `breaker-count` | the application's breaker and those of single paths |
//! | `total-request-served`, `...-response-time-ms` | requests, and the time to the head of their answers |
//! | `memory` | `sys-memory-byte`: resident now; `alloc-memory-byte`: of that the process's own; `total-alloc-memory-byte`: the most that was ever resident. The Go program gave its runtime's figures under these names; these are the system's (Linux; zero elsewhere) |
//! | `served`, `skipped`, `withheld`, `refused` | answers by `X-Retter`; answers no copy was made of, by reason; copies not given to who asked, by reason; connections and requests turned away, by reason |
//! | `gate-limit`, `gate-inside`, `gate-waiting`, `gate-refreshes-wanted` | how many calls may be inside the application, and are; requests that wait for a slot; copies that are to be refreshed when there is one. All zero with `gate.mode = off` |
//! | `gate` | requests at the full gate: `rescued`; `joined` to another's call; `queue-full`, `displaced`, `waited-too-long`; and copies `refreshed` with what was left |
//! | `tunnels` | WebSocket connections: `open` now, `all` since the start, those of them that `tunnel.idle` ended (`idle`) |
//! | `store`, `application` | the file's figures; the connections' figures, and what was sent again |

use super::Admin;
use super::memory::Memory;
use crate::meter::TimesRead;
use crate::store::{Dropped, Snapshot};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn text(admin: &Admin) -> String {
    let mut text = figures(admin).to_string();
    text.push('\n');
    text
}

fn figures(admin: &Admin) -> Value {
    let figures = admin.proxy.figures();
    let TimesRead { count, total, average, slowest, fastest } = figures.times;
    let again = figures.upstream.again;
    let copies = admin.store.copies();
    let memory = Memory::read();
    let gate = figures.gate.unwrap_or_default();
    let mut refused = admin.front.read();
    refused.extend(figures.refused);
    json!({
        "status": "OK",
        "server-uptime": admin.started.elapsed().as_secs(),
        "cache-count": copies,
        "ttl-timer-count": copies,
        "breaker-count": figures.breakers,
        "total-request-served": count,
        "total-response-time-ms": total,
        "average-response-time-ms": average,
        "slowest-response-time-ms": slowest,
        "fastest-response-time-ms": fastest,
        "memory": {
            "sys-memory-byte": memory.resident,
            "alloc-memory-byte": memory.own,
            "total-alloc-memory-byte": memory.peak,
        },
        "served": figures.served,
        "skipped": figures.skipped,
        "withheld": figures.withheld,
        "refused": refused,
        "gate-limit": gate.limit,
        "gate-inside": gate.inside,
        "gate-waiting": gate.waiting,
        "gate-refreshes-wanted": gate.refreshes,
        "gate": figures.at_the_gate,
        "tunnels": {
            "open": figures.tunnels.open,
            "all": figures.tunnels.all,
            "idle": figures.tunnels.idle,
        },
        "application": {
            "connections-opened": figures.upstream.opened,
            "connections-idle": figures.upstream.idle,
            "requests-on-kept-connection": figures.upstream.reused,
            "resends": figures.upstream.resends,
            "retries": again.retries,
            "retry-wins": again.retry_wins,
            "hedges": again.hedges,
            "hedge-wins": again.hedge_wins,
            "retry-budget-exhausted": again.exhausted,
        },
        "store": file(&admin.store.counters()),
    })
}

fn file(store: &Snapshot) -> Value {
    let dropped: BTreeMap<_, _> =
        Dropped::ALL.iter().map(|reason| reason.as_str()).zip(store.dropped).collect();
    json!({
        "copies": store.copies,
        "live-byte": store.live_bytes,
        "queued": store.queued,
        "dropped": dropped,
        "damaged": store.damaged,
        "rows-written": store.writes,
        "commits": store.commits,
        "last-commit-ms": store.last_commit.as_secs_f64() * 1000.0,
        "memory-byte": store.memory_bytes,
        "memory-hits": store.memory_hits,
        "memory-misses": store.memory_misses,
        "disk-reads": store.disk_reads,
        "disk-hits": store.disk_hits,
        "expired": store.expired,
        "evicted": store.evicted,
        "faults": store.faults,
        "set-aside": store.set_aside,
        "brought-back": store.brought_back,
        "no-room": store.no_room,
    })
}
