//! What searching takes beside its bare statements: `make bench`. Bare are the same prepared statements with the same
//! parameters, one after the other in a transaction that is open. What comes to it is a connection from the pool that is
//! known to live, a transaction of its own, the principal and the time limits.

#![expect(clippy::print_stdout, reason = "a report for the reader")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a measurement that fails says so by panicking")]
#![expect(clippy::disallowed_types, reason = "the set-up's connection has one driver")]

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use deadpool_postgres::Transaction;
use fastrand::Rng;
use retrieve::{
    chunker::Chunk,
    store::{IndexedChunk, Nearest, Scope, Store, by_meaning, by_words},
};
use shared::{
    clock,
    contract::retrieve::{Filter, Visibility},
    deadline::Deadline,
};
use support::{MODEL, TestDatabase, before_the_graph, document, near, random, with_database};
use tokio::runtime::Builder;

const DOCUMENTS: usize = 2_000;
const PASSAGES_OF_EACH: usize = 10;
const WORDS_OF_EACH: usize = 60;
/// Words of the language: the n-th is used 1/n as often as the first.
const VOCABULARY: f64 = 20_000.0;
const CLUSTERS: usize = 150;
const QUESTIONS: usize = 300;
const WORDS_OF_A_QUESTION: usize = 6;
const OWNER: &str = "system";
const COLLECTION: &str = "plans";
const PATIENCE: Duration = Duration::from_secs(300);

/// What is sought, both ways.
struct Question {
    text: String,
    nearest: [Nearest; 1],
}

/// Times of one way in milliseconds: by the store, and bare.
#[derive(Default)]
struct Times {
    whole: Vec<f64>,
    bare: Vec<f64>,
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(with_database("search", async |database| {
        let seed = fastrand::u64(..);
        println!("search in {} passages, seed {seed}", DOCUMENTS * PASSAGES_OF_EACH);
        let mut rng = Rng::with_seed(seed);
        let centres: Vec<Vec<f32>> = (0..CLUSTERS).map(|_| random(&mut rng)).collect();
        fill(&database, &mut rng, &centres).await;
        let questions: Vec<Question> = (0..QUESTIONS).map(|_| question(&mut rng, &centres)).collect();
        report(&database, &questions).await;
    }));
}

/// Each question by the store and bare, in turn, so that both meet the same machine. The first of them warm the caches up.
async fn report(database: &TestDatabase, questions: &[Question]) {
    let (store, beside) = (database.store(), database.database());
    let (filter, collection) = (Filter::default(), COLLECTION.to_owned());
    let scope = Scope { collection, filter, per_document: 1, depth: 50, least: 10 };
    let (mut words, mut meaning) = (Times::default(), Times::default());
    for Question { text, nearest } in questions {
        let text = [text.as_str()];
        words.whole.push(timed(store.lexical(later(), OWNER, &scope, &text)).await.unwrap());
        meaning.whole.push(timed(store.dense(later(), OWNER, &scope, nearest)).await.unwrap());
        let bare = async |transaction: &Transaction<'_>| {
            let words = timed(by_words(transaction, &scope, &text)).await?;
            Ok((words, timed(by_meaning(transaction, &scope, nearest)).await?))
        };
        let bare = beside.read(later(), OWNER, bare).await.unwrap();
        words.bare.push(bare.0);
        meaning.bare.push(bare.1);
    }
    words.print("by words");
    meaning.print("by meaning");
}

impl Times {
    fn print(self, way: &str) {
        let [whole, bare] = [self.whole, self.bare].map(median);
        println!("{way}: {whole:.2} ms; its bare statements {bare:.2} ms, ratio {:.2}", whole / bare);
    }
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<f64, E> {
    let began = clock::now();
    work.await?;
    Ok((clock::now() - began).as_secs_f64() * 1e3)
}

async fn fill(database: &TestDatabase, rng: &mut Rng, centres: &[Vec<f32>]) {
    let (store, (admin, _driver)) = (database.store(), database.superuser().await);
    let all = async {
        for number in 0..DOCUMENTS {
            put(&store, number, rng, centres).await;
        }
    };
    before_the_graph(&admin, all).await;
}

async fn put(store: &Store, number: usize, rng: &mut Rng, centres: &[Vec<f32>]) {
    let passage = |_| {
        let terms: Vec<String> = (0..WORDS_OF_EACH).map(|_| word(rng)).collect();
        let text = terms.join(" ");
        let chunk = Chunk { heading: String::new(), chars: 0..text.len(), text };
        IndexedChunk { chunk, terms, vector: near(rng, &centres[number % CLUSTERS]) }
    };
    let chunks: Vec<IndexedChunk> = (0..PASSAGES_OF_EACH).map(passage).collect();
    let document = document(COLLECTION, &number.to_string(), "Words.", Visibility::Shared);
    store.put(later(), OWNER, &document, MODEL, &chunks).await.unwrap();
}

fn question(rng: &mut Rng, centres: &[Vec<f32>]) -> Question {
    let words: Vec<String> = (0..WORDS_OF_A_QUESTION).map(|_| word(rng)).collect();
    let centre = rng.usize(..centres.len());
    let nearest = [Nearest { vector: near(rng, &centres[centre]), model: MODEL.into() }];
    Question { text: words.join(" "), nearest }
}

/// Letters alone: no stemmer changes them.
fn word(rng: &mut Rng) -> String {
    let rank = VOCABULARY.powf(rng.f64()).to_string();
    let letters = rank.chars().take_while(char::is_ascii_digit).map(|digit| char::from(digit as u8 - b'0' + b'k'));
    letters.collect::<String>() + "k"
}

fn later() -> Deadline {
    Deadline::within(PATIENCE)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
