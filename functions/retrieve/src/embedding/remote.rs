//! An embedding service: `POST /embeddings` in OpenAI's form, which most servers speak.
//!
//! It is told masked questions and shared passages, cut to a bounded length. Its vectors are brought to unit length; a
//! vector too few or too many, of another dimension, or without a direction is a fault.

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use shared::{
    core::Core,
    deadline::{Deadline, Elapsed},
    dependency::CallError,
    gate::Overloaded,
    http::{BadAddress, HttpFault},
    phi::Masked,
};

use super::{DIMENSION, EmbeddingError, EmbeddingModel};
use crate::service::{self, Names, Service, Settings};

/// What the service is called.
pub const NAMES: Names =
    Names { dependency: "embeddings", url: "EMBEDDING_URL", key: "EMBEDDING_API_KEY", model: "EMBEDDING_MODEL" };

/// Passages of one request: their vectors are some 300 kB of JSON.
const BATCH: usize = 32;
/// Requests for one document at once; `per_request` of the policy counts with it.
const AT_ONCE: usize = 2;
/// Characters of a text that are sent: a passage has fewer, and few models read more.
const LONGEST: usize = 4_000;

/// A client of the service.
#[derive(Clone, Debug)]
pub struct Remote(Service);

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    input: &'a [Masked],
    dimensions: usize,
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Embedded>,
}

#[derive(Debug, Deserialize)]
struct Embedded {
    index: usize,
    embedding: Vec<f32>,
}

impl Remote {
    /// The service of `settings`. Fails when its address is not one; connects to nothing.
    pub fn new(settings: Settings, core: &Core) -> Result<Self, BadAddress> {
        Service::new(&NAMES, settings, core).map(Self)
    }

    async fn embed(&self, deadline: Deadline, input: Vec<Masked>) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let (dimensions, encoding_format) = (DIMENSION, "float");
        let question = Question { model: self.0.model(), input: &input, dimensions, encoding_format };
        let weight = service::tokens(input.iter().map(Masked::as_str));
        let understand = |reply: Reply| vectors(reply.data, input.len());
        Ok(self.0.post(deadline, "embeddings", (&question, weight), understand).await?)
    }
}

impl EmbeddingModel for Remote {
    fn name(&self) -> &str {
        self.0.model()
    }

    /// Which languages it knows is not known; who chooses a service chooses one for the languages at hand.
    fn knows(&self) -> fn(&str) -> bool {
        |_| true
    }

    fn stays_here(&self) -> bool {
        false
    }

    fn count_tokens(&self, text: &str) -> usize {
        service::tokens_of(text)
    }

    fn question<'a>(&'a self, deadline: Deadline, text: &'a str) -> BoxFuture<'a, Result<Vec<f32>, EmbeddingError>> {
        Box::pin(async move {
            let vectors = self.embed(deadline, vec![Masked::of(text).truncated(LONGEST)]).await?;
            vectors.into_iter().next().ok_or(EmbeddingError::Failed)
        })
    }

    fn passages<'a>(
        &'a self,
        deadline: Deadline,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, EmbeddingError>> {
        let told = |batch: &[String]| batch.iter().map(|text| Masked::of_public(text).truncated(LONGEST)).collect();
        let batches = stream::iter(texts.chunks(BATCH)).map(move |batch| self.embed(deadline, told(batch)));
        Box::pin(batches.buffered(AT_ONCE).try_concat())
    }
}

impl From<CallError<HttpFault>> for EmbeddingError {
    fn from(error: CallError<HttpFault>) -> Self {
        match error {
            CallError::Expired { dependency } => Self::Late(Elapsed(dependency)),
            CallError::Refused { retry_after, .. } => Self::Overloaded(Overloaded { retry_after }),
            error => Self::Service { reason: service::reason(&error), retry_after: error.retry_after() },
        }
    }
}

/// The vectors in the order of the `sent` texts, one for each.
fn vectors(data: Vec<Embedded>, sent: usize) -> Option<Vec<Vec<f32>>> {
    if data.len() != sent {
        return None;
    }
    let mut vectors = vec![Vec::new(); sent];
    for Embedded { index, embedding } in data {
        let place = vectors.get_mut(index).filter(|place| place.is_empty())?;
        *place = unit(embedding)?;
    }
    Some(vectors)
}

/// `vector` with length one; none when it has another dimension or no direction.
fn unit(vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
    let scaled = |value: f32| (f64::from(value) / length) as f32;
    (vector.len() == DIMENSION && length.is_normal()).then(|| vector.into_iter().map(scaled).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(index: usize, embedding: Vec<f32>) -> Embedded {
        Embedded { index, embedding }
    }

    fn filled(value: f32) -> Vec<f32> {
        vec![value; DIMENSION]
    }

    #[test]
    fn vectors_come_in_the_order_of_their_texts_with_length_one() {
        let found = vectors(vec![embedded(1, filled(-3e38)), embedded(0, filled(1e-30))], 2).unwrap();
        let expected = (DIMENSION as f32).sqrt().recip();
        assert!((found[0][7] - expected).abs() < 1e-6 && (found[1][7] + expected).abs() < 1e-6, "{:?}", found[0][7]);
    }

    #[test]
    fn what_is_no_vector_for_each_text_is_refused() {
        for wrong in [
            vec![],
            vec![embedded(0, filled(1.0))],
            vec![embedded(0, filled(1.0)), embedded(0, filled(1.0))],
            vec![embedded(0, filled(1.0)), embedded(2, filled(1.0))],
            vec![embedded(0, filled(1.0)), embedded(1, filled(1.0)), embedded(1, filled(1.0))],
            vec![embedded(0, filled(1.0)), embedded(1, vec![1.0; DIMENSION - 1])],
            vec![embedded(0, filled(1.0)), embedded(1, vec![1.0; 1_536])],
            vec![embedded(0, filled(1.0)), embedded(1, vec![])],
            vec![embedded(0, filled(1.0)), embedded(1, filled(0.0))],
            vec![embedded(0, filled(1.0)), embedded(1, filled(f32::INFINITY))],
            vec![embedded(0, filled(1.0)), embedded(1, filled(f32::NAN))],
        ] {
            assert!(vectors(wrong, 2).is_none());
        }
    }
}
