//! Translates texts: finds out their language, sends what needs it to the router, and puts the answers together.
//!
//! A text that is already in the target language, or holds no words, comes back as it is: `quality: ok`, provider
//! `none`. A text that nobody could translate comes back as it is too, but as `original`, with the reason.

use shared::{
    contract::translate::{Quality, Translation},
    deadline::Deadline,
};

use crate::{
    board::{Job, Rendered},
    detect::{self, Detector},
    language::{Language, Pair},
    passage::Passage,
    provider::Failure,
    router::Router,
};

/// The reason when the language of a text is anybody's guess; naming `source` helps.
const UNCERTAIN: &str = "language_uncertain";
/// The reason when a rule-based engine did it.
const BASIC: &str = "basic_engine";
const NOBODY: &str = "none";

/// Detector and providers together.
#[derive(Debug)]
pub struct Desk {
    detector: Detector,
    router: Router,
}

/// A text and what is known of it before anybody is asked.
struct Request {
    source: &'static str,
    confidence: f64,
    way: Way,
}

enum Way {
    /// Nothing to translate.
    AsIs,
    /// The language is not known well enough.
    Uncertain,
    /// To be translated, in this many pieces.
    Translate(Pair, Box<Passage>),
}

impl Desk {
    /// A desk with these parts.
    #[must_use]
    pub fn new(detector: Detector, router: Router) -> Self {
        Self { detector, router }
    }

    /// Finds out languages.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Knows the providers.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Translates `texts` into `target`, in order. Without `source` the language of each is detected.
    pub async fn translate(
        &self,
        texts: &[String],
        source: Option<Language>,
        target: Language,
        deadline: Deadline,
    ) -> Vec<Translation> {
        let mut requests = Vec::with_capacity(texts.len());
        for text in texts {
            requests.push(self.examine(text, source, target));
            // Each takes about a millisecond: other requests get their turn in between.
            tokio::task::yield_now().await;
        }
        let mut results =
            self.router.translate(requests.iter().flat_map(Request::jobs).collect(), deadline).await.into_iter();
        let answer = |(text, request): (&String, &Request)| {
            let pieces: Vec<_> = results.by_ref().take(request.pieces()).collect();
            self.answer(text, request, &pieces)
        };
        texts.iter().zip(&requests).map(answer).collect()
    }

    fn examine(&self, text: &str, source: Option<Language>, target: Language) -> Request {
        let (code, confidence, accepted) = match source {
            Some(language) => (language.code(), 1.0, Some(language)),
            None => {
                let detection = self.detector.detect(text);
                (detection.code(), detect::rounded(detection.confidence()), detection.accepted())
            }
        };
        Request { source: code, confidence, way: way(text, accepted, target) }
    }

    fn answer(&self, text: &str, request: &Request, pieces: &[Result<Rendered, Failure>]) -> Translation {
        match &request.way {
            Way::AsIs => request.untranslated(text, Quality::Ok, None),
            Way::Uncertain => request.untranslated(text, Quality::Original, Some(UNCERTAIN)),
            Way::Translate(_, passage) => match pieces.iter().cloned().collect::<Result<Vec<_>, _>>() {
                Ok(pieces) => self.assembled(request, passage, &pieces),
                // Half a translation is worse than none.
                Err(failure) => request.untranslated(text, Quality::Original, Some(failure.reason())),
            },
        }
    }

    /// The whole is as good as its worst piece, which the last provider made.
    fn assembled(&self, request: &Request, passage: &Passage, pieces: &[Rendered]) -> Translation {
        let last = pieces.iter().map(|piece| piece.provider).max().unwrap_or_default();
        let quality = self.router.quality(last);
        Translation {
            text: passage.assemble(pieces.iter().map(|piece| piece.text.as_str())),
            source: request.source.to_owned(),
            confidence: request.confidence,
            provider: self.router.name(last).to_owned(),
            quality,
            cached: pieces.iter().all(|piece| piece.cached),
            reason: (quality == Quality::Degraded).then(|| BASIC.to_owned()),
        }
    }
}

impl Request {
    fn jobs(&self) -> Vec<Job> {
        match &self.way {
            Way::Translate(pair, passage) => passage.sealed().map(|text| Job { pair: *pair, text }).collect(),
            Way::AsIs | Way::Uncertain => Vec::new(),
        }
    }

    fn pieces(&self) -> usize {
        match &self.way {
            Way::Translate(_, passage) => passage.pieces(),
            Way::AsIs | Way::Uncertain => 0,
        }
    }

    fn untranslated(&self, text: &str, quality: Quality, reason: Option<&str>) -> Translation {
        Translation {
            text: text.to_owned(),
            source: self.source.to_owned(),
            confidence: self.confidence,
            provider: NOBODY.to_owned(),
            quality,
            cached: false,
            reason: reason.map(str::to_owned),
        }
    }
}

fn way(text: &str, source: Option<Language>, target: Language) -> Way {
    if source == Some(target) {
        return Way::AsIs;
    }
    let passage = Passage::new(text);
    match source {
        _ if passage.is_wordless() => Way::AsIs,
        Some(source) => Way::Translate(Pair { source, target }, Box::new(passage)),
        None => Way::Uncertain,
    }
}
