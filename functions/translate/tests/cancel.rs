//! A request that is given up takes its calls with it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use shared::{core::Core, deadline::Deadline};
use translate::{
    desk::Desk,
    detect::Detector,
    language::{Language, Pair},
    protect::Sealed,
    provider::{Failure, Opened, Translator},
    router::Router,
};

/// Never answers, and counts its calls while they last.
#[derive(Debug)]
struct Silent {
    running: Arc<AtomicUsize>,
}

/// One call, as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Translator for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn translate<'a>(&'a self, _: &'a [Sealed], _: Pair, _: Deadline) -> BoxFuture<'a, Result<Vec<Opened>, Failure>> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(self.running.clone());
        Box::pin(async move {
            let _running = running;
            std::future::pending().await
        })
    }

    fn dependency(&self) -> &'static str {
        "apertium"
    }
}

fn desk(running: &Arc<AtomicUsize>) -> Desk {
    let core = Core::embedded().unwrap();
    let silent = Silent { running: running.clone() };
    Desk::new(Detector::new(), Router::new(vec![Arc::new(silent)], &core))
}

fn texts() -> Vec<String> {
    (0..9).map(|number| format!("text number {number}")).collect()
}

/// Aborted tasks end when the runtime next looks at them.
async fn all_ended(running: &AtomicUsize) {
    while running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_cancels_its_calls() {
    let running = Arc::new(AtomicUsize::new(0));
    let (desk, texts) = (desk(&running), texts());
    let request =
        desk.translate(&texts, Some(Language::ENGLISH), Language::SPANISH, Deadline::within(Duration::from_secs(60)));
    assert!(tokio::time::timeout(Duration::from_millis(100), request).await.is_err());
    all_ended(&running).await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_before_the_deadline_and_says_so() {
    let running = Arc::new(AtomicUsize::new(0));
    let (desk, texts) = (desk(&running), texts());
    let deadline = Deadline::within(Duration::from_millis(800));
    let translations = desk.translate(&texts, Some(Language::ENGLISH), Language::SPANISH, deadline).await;
    assert!(!deadline.expired());
    assert!(translations.iter().all(|translation| translation.reason.as_deref() == Some("timeout")));
    all_ended(&running).await;
}
