//! The pieces of one request and how far each has come. Plain data: the router decides, the board remembers.

use crate::{
    language::Pair,
    protect::Sealed,
    provider::{Failure, Opened},
};

/// A piece to translate.
#[derive(Clone, Debug)]
pub struct Job {
    /// From and into which language.
    pub pair: Pair,
    /// What.
    pub text: Sealed,
}

/// A translated piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The translation, protected parts restored; still masked.
    pub text: String,
    /// The place of its provider in the order that was asked.
    pub provider: usize,
    /// Whether it was made before.
    pub cached: bool,
}

/// All pieces of a request.
#[derive(Debug)]
pub struct Board {
    jobs: Vec<Job>,
    results: Vec<Result<Rendered, Failure>>,
}

/// Pieces that travel in one call: the same pair, within the provider's limits.
#[derive(Debug)]
pub struct Batch {
    /// Their common pair.
    pub pair: Pair,
    /// Their places on the board.
    pub places: Vec<usize>,
    /// The pieces.
    pub texts: Vec<Sealed>,
}

impl Board {
    /// A board on which nothing is translated yet, because nobody was there to do it.
    #[must_use]
    pub fn new(jobs: Vec<Job>) -> Self {
        let results = vec![Err(Failure::NotConfigured); jobs.len()];
        Self { jobs, results }
    }

    /// Whether every piece is translated.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(Result::is_ok)
    }

    /// The places that are still to be translated, with their jobs.
    pub fn open(&self) -> impl Iterator<Item = (usize, &Job)> {
        self.jobs.iter().enumerate().filter(|(place, _)| self.results[*place].is_err())
    }

    /// The open pieces in batches of at most `texts` pieces and `bytes` bytes, in order.
    #[must_use]
    pub fn batches(&self, texts: usize, bytes: usize) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for (place, job) in self.open() {
            match batches.last_mut().filter(|batch| batch.has_room(job, texts, bytes)) {
                Some(batch) => batch.add(place, job),
                None => batches.push(Batch { pair: job.pair, places: vec![place], texts: vec![job.text.clone()] }),
            }
        }
        batches
    }

    /// Records a translation.
    pub fn settle(&mut self, place: usize, rendered: Rendered) {
        self.results[place] = Ok(rendered);
    }

    /// Records a failure. A pair that the next provider does not serve says less than what happened before.
    pub fn fail(&mut self, place: usize, failure: Failure) {
        let informative =
            matches!(self.results[place], Err(Failure::NotConfigured)) || failure != Failure::UnsupportedPair;
        if self.results[place].is_err() && informative {
            self.results[place] = Err(failure);
        }
    }

    /// The job at `place`.
    #[must_use]
    pub fn job(&self, place: usize) -> &Job {
        &self.jobs[place]
    }

    /// What became of each piece, in order.
    #[must_use]
    pub fn into_results(self) -> Vec<Result<Rendered, Failure>> {
        self.results
    }
}

impl Batch {
    /// What each of its places got: the provider's answers, or its failure for all.
    pub fn answers(&self, outcome: Result<Vec<Opened>, Failure>) -> Vec<(usize, Opened)> {
        match outcome {
            Ok(opened) if opened.len() == self.places.len() => self.places.iter().copied().zip(opened).collect(),
            Ok(_) => self.places.iter().map(|place| (*place, Err(Failure::Malformed))).collect(),
            Err(failure) => self.places.iter().map(|place| (*place, Err(failure))).collect(),
        }
    }

    fn has_room(&self, job: &Job, texts: usize, bytes: usize) -> bool {
        let used: usize = self.texts.iter().map(|text| text.plain().len()).sum();
        self.pair == job.pair && self.texts.len() < texts && used + job.text.plain().len() <= bytes
    }

    fn add(&mut self, place: usize, job: &Job) {
        self.places.push(place);
        self.texts.push(job.text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use shared::phi::Masked;

    const INTO_SPANISH: Pair = Pair { source: Language::ENGLISH, target: Language::SPANISH };
    const INTO_ENGLISH: Pair = Pair { source: Language::SPANISH, target: Language::ENGLISH };

    fn board(jobs: &[(Pair, &str)]) -> Board {
        let job = |(pair, text): &(Pair, &str)| Job { pair: *pair, text: Sealed::of(&Masked::of(text), 0..text.len()) };
        Board::new(jobs.iter().map(job).collect())
    }

    fn rendered(text: &str) -> Rendered {
        Rendered { text: text.to_owned(), provider: 0, cached: false }
    }

    #[test]
    fn batches_hold_one_pair_and_keep_within_both_limits() {
        let board = board(&[(INTO_SPANISH, "aaaa"), (INTO_SPANISH, "bbbb"), (INTO_SPANISH, "c"), (INTO_ENGLISH, "d")]);
        let places =
            |texts, bytes| board.batches(texts, bytes).into_iter().map(|batch| batch.places).collect::<Vec<_>>();
        assert_eq!(places(10, 8), [vec![0, 1], vec![2], vec![3]]);
        assert_eq!(places(1, 100), [vec![0], vec![1], vec![2], vec![3]]);
    }

    #[test]
    fn what_is_settled_is_not_asked_again() {
        let mut board = board(&[(INTO_SPANISH, "a"), (INTO_SPANISH, "b")]);
        board.settle(0, rendered("A"));
        assert_eq!(board.batches(10, 100)[0].places, [1]);
        board.fail(0, Failure::Malformed);
        board.settle(1, rendered("B"));
        assert!(board.is_complete());
    }

    #[test]
    fn the_most_telling_failure_is_kept() {
        let mut board = board(&[(INTO_SPANISH, "a")]);
        board.fail(0, Failure::UnsupportedPair);
        board.fail(0, Failure::TIMEOUT);
        board.fail(0, Failure::UnsupportedPair);
        assert_eq!(board.into_results(), [Err(Failure::TIMEOUT)]);
    }

    #[test]
    fn an_answer_of_another_length_is_malformed() {
        let board = board(&[(INTO_SPANISH, "a"), (INTO_SPANISH, "b")]);
        let batch = &board.batches(10, 100)[0];
        assert!(
            batch.answers(Ok(vec![Ok("A".to_owned())])).iter().all(|(_, opened)| *opened == Err(Failure::Malformed))
        );
    }
}
