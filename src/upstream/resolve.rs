//! The addresses of the application's name.
//!
//! The system's resolver holds a thread for as long as it waits for a name server, and these threads
//! are the ones that read the file of copies. There is one application, so one question is enough: who
//! comes while it is asked waits for the same answer, each as long as he may.

use super::failure::Failure;
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is being asked.
#[derive(Default)]
pub(super) struct Resolver {
    running: Mutex<Option<Question>>,
}

struct Question {
    answer: watch::Receiver<Option<Found>>,
    began: Instant,
}

type Found = Result<Arc<[SocketAddr]>, Failure>;

impl Resolver {
    /// `localhost` is both loopback addresses, whatever the resolver says of it (RFC 6761 section
    /// 6.3): half of the frameworks listen on one family only.
    ///
    /// # Errors
    /// [`Failure::Dns`]
    pub(super) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        if host == "localhost" {
            let both: [IpAddr; 2] = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
            return Ok(both.map(|ip| SocketAddr::new(ip, port)).to_vec());
        }
        if let Ok(address) = host.parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        self.join(|| ask(host.to_owned(), port)).await.map(|found| found.to_vec())
    }

    /// The answer to the question that is being asked, or else to this one.
    async fn join<F>(&self, question: impl FnOnce() -> F) -> Found
    where
        F: Future<Output = Found> + Send + 'static,
    {
        let mut answer = self.begin(question);
        // Without an answer whoever asked is gone.
        let found = answer.wait_for(Option::is_some).await;
        found.ok().and_then(|found| found.clone()).unwrap_or(Err(Failure::Dns))
    }

    fn begin<F>(&self, question: impl FnOnce() -> F) -> watch::Receiver<Option<Found>>
    where
        F: Future<Output = Found> + Send + 'static,
    {
        let mut running = self.running.lock();
        let is_asked = |question: &&Question| {
            question.answer.has_changed().is_ok() && question.began.elapsed() < LOST_AFTER
        };
        if let Some(question) = running.as_ref().filter(is_asked) {
            return question.answer.clone();
        }
        let (sender, answer) = watch::channel(None);
        let question = question();
        // It goes on when nobody waits any more: the thread is held in any case.
        tokio::spawn(async move {
            sender.send_replace(Some(question.await));
        });
        running.insert(Question { answer, began: Instant::now() }).answer.clone()
    }
}

async fn ask(host: String, port: u16) -> Found {
    let found = lookup_host((host, port)).await.map_err(|_| Failure::Dns)?;
    let found: Arc<[SocketAddr]> = found.take(MAX_ADDRESSES).collect();
    if found.is_empty() { Err(Failure::Dns) } else { Ok(found) }
}

/// A question that has no answer by then may never have one; the next one is asked beside it. Name
/// servers that are gone take glibc 30 seconds at most, with what it comes with.
const LOST_AFTER: Duration = Duration::from_secs(40);

/// A name with more addresses than this is tried on the first ones only.
const MAX_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::{sleep, timeout};

    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 80);

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_ask_one_question_and_each_as_long_as_he_may() {
        let (resolver, asked) = (Resolver::default(), AtomicUsize::new(0));
        let ask = async |patience: u64| {
            let question = || {
                asked.fetch_add(1, Ordering::Relaxed);
                async {
                    sleep(Duration::from_secs(30)).await;
                    Ok(Arc::from([HERE]))
                }
            };
            timeout(Duration::from_secs(patience), resolver.join(question)).await
        };
        let (first, second, third) = tokio::join!(ask(3), ask(40), ask(40));
        assert!(first.is_err());
        assert_eq!([second, third].map(|it| it.unwrap().unwrap().to_vec()), [[HERE], [HERE]]);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // What was true then need not be true now.
        assert!(ask(40).await.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_without_an_answer_does_not_keep_others_from_asking() {
        let resolver = Resolver::default();
        let never = timeout(LOST_AFTER, resolver.join(std::future::pending));
        assert!(never.await.is_err());
        assert!(resolver.join(|| async { Ok(Arc::from([HERE])) }).await.is_ok());
    }

    #[tokio::test]
    async fn who_asks_and_is_lost_keeps_nobody_from_asking_again() {
        let resolver = Resolver::default();
        let lost = resolver.join(|| async { panic!("the question is lost") }).await;
        assert_eq!(lost, Err(Failure::Dns));
        assert!(resolver.join(|| async { Ok(Arc::from([HERE])) }).await.is_ok());
    }

    #[tokio::test]
    async fn addresses_and_localhost_are_asked_of_nobody() {
        let resolver = Resolver::default();
        assert_eq!(resolver.resolve("127.0.0.1", 80).await, Ok(vec![HERE]));
        let both = resolver.resolve("localhost", 80).await.unwrap();
        assert_eq!(both, ["[::1]:80".parse().unwrap(), HERE]);
        assert!(resolver.running.lock().is_none());
    }
}
