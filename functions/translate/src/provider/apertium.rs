//! Apertium APy: rule-based, offline, quick, and basic. It marks no doubt and gets idioms wrong, so what it says is
//! `degraded`; insurance terms are put in from the [`Glossary`].
//!
//! API: `POST /translate` as a form, `GET /listPairs` (apertium-apy 0.11, `handlers/translate.py`, `list_modes.py`).

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use futures_util::future::BoxFuture;
use lambda_http::http::Method;
use regex::Regex;
use serde::{Deserialize, Serialize};
use shared::{
    clock,
    contract::translate::Quality,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Effect},
    http::{Ask, BadAddress, HttpFault, Partner, Payload},
};
use tokio::{sync::Mutex, time::Instant};

use super::{Failure, Opened, Translator};
use crate::{glossary::Glossary, language::Pair, protect::Sealed};

/// Its name in the policy.
const DEPENDENCY: &str = "apertium";

/// Installed pairs change with a deployment of the engine, not with a request.
const PAIRS_TTL: Duration = Duration::from_secs(600);

/// An APy server.
#[derive(Debug)]
pub struct Apertium {
    partner: Partner,
    pairs: Mutex<Option<Installed>>,
}

#[derive(Debug)]
struct Installed {
    pairs: HashSet<(String, String)>,
    until: Instant,
}

#[derive(Serialize)]
struct Form<'a> {
    langpair: &'a str,
    q: &'a str,
    format: &'static str,
    #[serde(rename = "markUnknown")]
    mark_unknown: &'static str,
}

#[derive(Deserialize)]
struct Reply<T> {
    #[serde(rename = "responseData")]
    data: T,
}

#[derive(Deserialize)]
struct Translated {
    #[serde(rename = "translatedText")]
    text: String,
}

#[derive(Deserialize)]
struct ListedPair {
    #[serde(rename = "sourceLanguage")]
    source: String,
    #[serde(rename = "targetLanguage")]
    target: String,
}

impl Apertium {
    /// The server at `url` (variable `APERTIUM_URL`).
    ///
    /// # Errors
    /// When `url` is not an address.
    pub fn new(url: &str, core: &Core) -> Result<Self, BadAddress> {
        Ok(Self { partner: Partner::new(DEPENDENCY, "APERTIUM_URL", url, core)?, pairs: Mutex::new(None) })
    }

    async fn translate_one(&self, text: &Sealed, pair: Pair, deadline: Deadline) -> Result<String, Failure> {
        if !self.serves(pair, deadline).await? {
            return Err(Failure::UnsupportedPair);
        }
        let Some(glossary) = Glossary::of(pair) else {
            return Ok(text.open(&self.ask(text.opaque(), pair, deadline).await?)?);
        };
        let substituted = glossary.substitute(text.opaque(), text.count());
        let answer = self.ask(&substituted.text, pair, deadline).await?;
        if !substituted.is_complete(&answer) {
            return Err(Failure::Broken(crate::protect::Broken::Tokens));
        }
        Ok(text.open(&substituted.restore(&answer))?)
    }

    async fn ask(&self, text: &str, pair: Pair, deadline: Deadline) -> Result<String, Failure> {
        let langpair = format!("{}|{}", pair.source.iso639_3(), pair.target.iso639_3());
        let form = Form { langpair: &langpair, q: text, format: "txt", mark_unknown: "no" };
        let ask = Ask {
            method: Method::POST,
            path: "translate",
            headers: Vec::new(),
            body: Payload::Form(&form),
            effect: Effect::Idempotent,
        };
        let reply: Reply<Translated> = self.partner.json(deadline, &ask).await.map_err(refused)?;
        Ok(without_marks(&reply.data.text, text))
    }

    /// Whether the pair is installed; the list is fetched once for all who wait for it.
    async fn serves(&self, pair: Pair, deadline: Deadline) -> Result<bool, Failure> {
        let wanted = (pair.source.iso639_3().to_owned(), pair.target.iso639_3().to_owned());
        let mut installed =
            deadline.bound("the list of pairs", self.pairs.lock()).await.map_err(|_| Failure::TIMEOUT)?;
        if let Some(known) = installed.as_ref().filter(|known| known.until > clock::now()) {
            return Ok(known.pairs.contains(&wanted));
        }
        let pairs = self.list(deadline).await?;
        let serves = pairs.contains(&wanted);
        *installed = Some(Installed { pairs, until: clock::now() + PAIRS_TTL });
        Ok(serves)
    }

    async fn list(&self, deadline: Deadline) -> Result<HashSet<(String, String)>, CallError<HttpFault>> {
        let ask: Ask<'_, ()> = Ask {
            method: Method::GET,
            path: "listPairs",
            headers: Vec::new(),
            body: Payload::Nothing,
            effect: Effect::Idempotent,
        };
        let reply: Reply<Vec<ListedPair>> = self.partner.json(deadline, &ask).await?;
        Ok(reply.data.into_iter().map(|pair| (pair.source, pair.target)).collect())
    }
}

impl Translator for Apertium {
    fn name(&self) -> &'static str {
        "apertium"
    }

    fn quality(&self) -> Quality {
        Quality::Degraded
    }

    fn translate<'a>(
        &'a self,
        texts: &'a [Sealed],
        pair: Pair,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Opened>, Failure>> {
        Box::pin(async move {
            let mut opened = Vec::with_capacity(texts.len());
            for text in texts {
                opened.push(self.translate_one(text, pair, deadline).await);
            }
            Ok(opened)
        })
    }

    fn reachable(&self, deadline: Deadline) -> BoxFuture<'_, bool> {
        Box::pin(async move { self.list(deadline).await.is_ok() })
    }

    fn dependency(&self) -> &'static str {
        DEPENDENCY
    }
}

/// APy answers 400 to a pair that it does not have.
fn refused(error: CallError<HttpFault>) -> Failure {
    match error {
        CallError::Fault { source: HttpFault::Status { status: 400, .. }, .. } => Failure::UnsupportedPair,
        other => other.into(),
    }
}

/// Without the engine's marks for words that it could not inflect (`#gerente`), and the spaces of words that it left
/// out: `markUnknown=no` covers unknown words only.
fn without_marks(translated: &str, original: &str) -> String {
    let spaced =
        if original.contains("  ") { translated.to_owned() } else { SPACES.replace_all(translated, " ").into_owned() };
    if original.contains(['#', '@']) {
        return spaced;
    }
    MARKS.replace_all(&spaced, "$1$2").into_owned()
}

#[expect(clippy::expect_used, reason = "constant patterns; a test compiles them")]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

static MARKS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(^|\s)[#@](\p{L})"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| pattern(" {2,}"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_marks_are_taken_away_but_not_the_authors() {
        assert_eq!(without_marks("#Gerente de  caso @x", "case manager x"), "Gerente de caso x");
        assert_eq!(without_marks("#Uno  dos", "#One  two"), "#Uno  dos");
    }
}
