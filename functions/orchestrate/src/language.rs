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
    pub degraded: Vec<Degradation>,
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
        return as_asked(vec![]);
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
            Some(_) => as_asked(vec![]),
            None => as_asked(vec![Degradation::new("translate", "fault")]),
        },
        Err(error) => as_asked(vec![Degradation::new("translate", error.reason())]),
    }
}

fn understood(translation: Translation) -> Understood {
    let needed = translation.source != PIVOT;
    let degraded = if needed { degradations(&translation) } else { vec![] };
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
) -> Vec<Degradation> {
    let mut degraded = vec![];
    let mut languages: Vec<String> = sentences.iter().map(|sentence| sentence.language.clone()).collect();
    languages.sort_unstable();
    languages.dedup();
    for source in languages.into_iter().filter(|source| source != target) {
        let mut foreign: Vec<&mut Sentence> =
            sentences.iter_mut().filter(|sentence| sentence.language == source).collect();
        degraded.extend(bring_back_from(config, caller, deadline, &mut foreign, &source, target).await);
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
) -> Vec<Degradation> {
    let texts = sentences.iter().map(|sentence| sentence.text.clone()).collect();
    let request =
        TranslateRequest { text: None, texts: Some(texts), target: target.to_owned(), source: Some(source.to_owned()) };
    match translate(config, caller, deadline, &request).await {
        Ok(translations) if translations.len() == sentences.len() => {
            let mut degraded = vec![];
            for (sentence, translation) in sentences.iter_mut().zip(translations) {
                degraded.extend(degradations(&translation));
                if translation.quality != Quality::Original {
                    (sentence.text, sentence.language) = (translation.text, target.to_owned());
                }
            }
            degraded
        }
        Ok(_) => vec![Degradation::new("translate", "fault")],
        Err(error) => vec![Degradation::new("translate", error.reason())],
    }
}

/// What a reply says of a translation that is less than `ok`: what the text is, and why nobody translated it.
fn degradations(translation: &Translation) -> Vec<Degradation> {
    match translation.quality {
        Quality::Ok => vec![],
        Quality::Degraded => {
            vec![Degradation::because("translate", "degraded", "translated by a basic engine; check what matters")]
        }
        Quality::Original => {
            let why = translation.reason.as_deref().map(|reason| Degradation::new("translate", reason));
            let original =
                Degradation { detail: translation.reason.clone(), ..Degradation::new("translate", "original") };
            [original].into_iter().chain(why).collect()
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
