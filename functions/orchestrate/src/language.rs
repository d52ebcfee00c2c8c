//! Into English and back. Either way the chat goes on when nobody can translate, and says so.

use shared::{
    contract::{
        Degradation,
        translate::{Quality, TranslateReply, TranslateRequest, Translation},
    },
    deadline::Deadline,
    invoke::Caller,
};

use crate::{answer::Sentence, config::Config, error::PeerError};

/// The language that documents are searched and answers are composed in.
pub const PIVOT: &str = "en";

/// Below this confidence a detected language is a guess, and nobody is answered in a guessed language.
const SURE: f64 = 0.65;

/// A question in the pivot language, as far as that went.
#[derive(Clone, Debug)]
pub struct Understood {
    /// The question in English, or as it was asked.
    pub query: String,
    /// The language it was asked in.
    pub language: String,
    /// Whether `query` is a translation.
    pub translated: bool,
    /// Why it is not, or not a good one.
    pub degraded: Option<Degradation>,
}

/// Brings a masked question into English. `hint` is the language that the client says it is in.
pub async fn understand(
    config: &Config,
    caller: Caller<'_>,
    deadline: Deadline,
    masked: &str,
    hint: Option<&str>,
) -> Understood {
    let as_asked = |degraded| Understood {
        query: masked.to_owned(),
        language: hint.unwrap_or(PIVOT).to_owned(),
        translated: false,
        degraded,
    };
    if hint == Some(PIVOT) {
        return as_asked(None);
    }
    let request = TranslateRequest {
        text: Some(masked.to_owned()),
        texts: None,
        target: PIVOT.to_owned(),
        source: hint.map(str::to_owned),
    };
    match translate(config, caller, deadline, &request).await {
        Ok(mut translations) => match translations.pop() {
            Some(translation) if translation.confidence >= SURE => understood(translation),
            Some(_) => as_asked(None),
            None => as_asked(Some(Degradation::new("translate", "fault"))),
        },
        Err(error) => as_asked(Some(Degradation::new("translate", error.reason()))),
    }
}

fn understood(translation: Translation) -> Understood {
    let needed = translation.source != PIVOT;
    let degraded = needed.then(|| degradation(&translation)).flatten();
    Understood {
        translated: needed && translation.quality != Quality::Original,
        query: translation.text,
        language: translation.source,
        degraded,
    }
}

/// Brings the sentences of an answer into `target`. Those that stay as they are keep their own language.
pub async fn bring_back(
    config: &Config,
    caller: Caller<'_>,
    deadline: Deadline,
    sentences: &mut [Sentence],
    target: &str,
) -> Option<Degradation> {
    let mut degraded = None;
    let mut languages: Vec<String> = sentences.iter().map(|sentence| sentence.language.clone()).collect();
    languages.sort_unstable();
    languages.dedup();
    for source in languages.into_iter().filter(|source| source != target) {
        let mut foreign: Vec<&mut Sentence> =
            sentences.iter_mut().filter(|sentence| sentence.language == source).collect();
        let problem = bring_back_from(config, caller, deadline, &mut foreign, &source, target).await;
        degraded = degraded.or(problem);
    }
    degraded
}

async fn bring_back_from(
    config: &Config,
    caller: Caller<'_>,
    deadline: Deadline,
    sentences: &mut [&mut Sentence],
    source: &str,
    target: &str,
) -> Option<Degradation> {
    let texts = sentences.iter().map(|sentence| sentence.text.clone()).collect();
    let request =
        TranslateRequest { text: None, texts: Some(texts), target: target.to_owned(), source: Some(source.to_owned()) };
    match translate(config, caller, deadline, &request).await {
        Ok(translations) if translations.len() == sentences.len() => {
            let mut degraded = None;
            for (sentence, translation) in sentences.iter_mut().zip(translations) {
                degraded = degraded.or(degradation(&translation));
                if translation.quality != Quality::Original {
                    (sentence.text, sentence.language) = (translation.text, target.to_owned());
                }
            }
            degraded
        }
        Ok(_) => Some(Degradation::new("translate", "fault")),
        Err(error) => Some(Degradation::new("translate", error.reason())),
    }
}

/// What a reply says of a translation that is less than `ok`.
fn degradation(translation: &Translation) -> Option<Degradation> {
    match translation.quality {
        Quality::Ok => None,
        Quality::Degraded => {
            Some(Degradation::because("translate", "degraded", "translated by a basic engine; check what matters"))
        }
        Quality::Original => {
            Some(Degradation { detail: translation.reason.clone(), ..Degradation::new("translate", "original") })
        }
    }
}

async fn translate(
    config: &Config,
    caller: Caller<'_>,
    deadline: Deadline,
    request: &TranslateRequest,
) -> Result<Vec<Translation>, PeerError> {
    let peer = config.translate.as_ref().ok_or(PeerError::NotConfigured("translate"))?;
    let reply: TranslateReply = peer.post(deadline, caller, "/v1/translate", request).await?;
    Ok(reply.translations)
}
