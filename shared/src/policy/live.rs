//! New policies for a running process.
//!
//! Looks at the file of `NAVIGATOR_POLICY`, and at AppConfig when `NAVIGATOR_APPCONFIG` names a configuration. What has
//! changed and is good is adopted; what is bad is refused, said once, and the policy before it goes on.
//!
//! It looks instead of being told: inotify sees no change on network file systems, does not follow the link that
//! Kubernetes swaps to replace a file, and does not exist on macOS; one small read every two seconds always works.

#[cfg(feature = "http")]
mod appconfig;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{PolicyFile, Sources};
use crate::{clock, core::Core};

/// How often the file is looked at.
const FILE_PERIOD: Duration = Duration::from_secs(2);
/// A changed file is read again after this, and believed when it is the same: nobody is still writing it.
const SETTLED: Duration = Duration::from_millis(100);
/// Larger files are no policies.
const LARGEST_FILE: u64 = 1 << 20;

/// Whatever may bring new policies. Its owner drives [`Live::follow`]; dropped, it looks no more.
#[derive(Debug)]
pub struct Live {
    core: Core,
    sources: Sources,
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    origin: Origin,
    due: Instant,
    /// What the last look found: the text, or why there was none.
    seen: Option<Result<String, String>>,
    /// The last text that was there; laid over the layers before it.
    text: Option<String>,
}

#[derive(Debug)]
enum Origin {
    File(PathBuf),
    #[cfg(feature = "http")]
    AppConfig(appconfig::AppConfig),
}

impl Live {
    /// What the environment names. Looks once: a policy of AppConfig holds from the first request on.
    ///
    /// # Errors
    /// When `NAVIGATOR_APPCONFIG` or its port is not understood; the error names the variable.
    pub async fn from_env(core: &Core) -> Result<Self, String> {
        let mut live = Self::new(core, Sources::from_env());
        if let Some(path) = PolicyFile::named() {
            live.add(Origin::File(path.into()));
            // The core began with it.
            live.watched[0].begin().await;
        }
        #[cfg(feature = "http")]
        if let Some(configuration) = appconfig::AppConfig::from_env(core)? {
            live.add(Origin::AppConfig(configuration));
            live.look(live.watched.len() - 1).await;
        }
        Ok(live)
    }

    fn new(core: &Core, sources: Sources) -> Self {
        Self { core: core.clone(), sources, watched: Vec::new() }
    }

    fn add(&mut self, origin: Origin) {
        let due = clock::now() + origin.period();
        self.watched.push(Watched { origin, due, seen: None, text: None });
    }

    /// Looks for as long as it is driven. On Lambda that is while a request is served: between, the process is frozen.
    pub async fn follow(mut self) -> Infallible {
        loop {
            let next = self.watched.iter().enumerate().min_by_key(|(_, watched)| watched.due);
            let Some((place, watched)) = next else { return std::future::pending().await };
            sleep_until(watched.due).await;
            self.look(place).await;
            self.watched[place].due = clock::now() + self.watched[place].origin.period();
        }
    }

    /// Looks once, and adopts or refuses what is new.
    async fn look(&mut self, place: usize) {
        let Some(watched) = self.watched.get_mut(place) else { return };
        match watched.news().await {
            None => {}
            Some(Err(why)) => self.refuse(&format!("{}: {why}", self.watched[place].origin.name())),
            Some(Ok(text)) => {
                watched.text = Some(text);
                self.renew();
            }
        }
    }

    fn renew(&self) {
        match self.layered().policy() {
            Ok(policy) => {
                self.core.adopt(policy);
                tracing::info!("a new policy was adopted");
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn layered(&self) -> Sources {
        let file = |watched: &Watched| Some(PolicyFile { name: watched.origin.name(), text: watched.text.clone()? });
        self.watched.iter().filter_map(file).fold(self.sources.clone(), Sources::with)
    }

    fn refuse(&self, why: &str) {
        self.core.refuse(why);
        tracing::warn!(why, "a new policy was refused; the one before goes on");
    }
}

impl Watched {
    /// Takes what is there as known.
    async fn begin(&mut self) {
        let found = self.origin.read().await;
        self.text = found.clone().ok();
        self.seen = Some(found);
    }

    /// What is there now, when that is another than before.
    async fn news(&mut self) -> Option<Result<String, String>> {
        let found = self.origin.read().await;
        if self.seen.as_ref() == Some(&found) {
            return None;
        }
        if self.origin.may_be_half_written() {
            sleep(SETTLED).await;
            if self.origin.read().await != found {
                return None;
            }
        }
        self.seen = Some(found.clone());
        // Away for a while and back as it was: nothing new.
        if self.text.is_some() && found.as_ref().ok() == self.text.as_ref() { None } else { Some(found) }
    }
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            #[cfg(feature = "http")]
            Self::AppConfig(configuration) => configuration.name().to_owned(),
        }
    }

    fn period(&self) -> Duration {
        match self {
            Self::File(_) => FILE_PERIOD,
            #[cfg(feature = "http")]
            Self::AppConfig(_) => appconfig::PERIOD,
        }
    }

    fn may_be_half_written(&self) -> bool {
        matches!(self, Self::File(_))
    }

    async fn read(&self) -> Result<String, String> {
        match self {
            Self::File(path) => read(path).await,
            #[cfg(feature = "http")]
            Self::AppConfig(configuration) => configuration.read().await,
        }
    }
}

/// The content itself is compared: its time has a grain of up to two seconds, and its length may stay the same.
async fn read(path: &std::path::Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let bytes = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
    if bytes > LARGEST_FILE {
        return Err(format!("has {bytes} bytes; expected at most {LARGEST_FILE}"));
    }
    tokio::fs::read_to_string(path).await.map_err(unreadable)
}
