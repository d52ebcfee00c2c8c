//! The graph beside exact search, on vectors that cluster as those of texts do, in a table that two collections share.

use std::collections::HashSet;

use fastrand::Rng;
use pgvector::HalfVector;
use retrieve::store::{Nearest, Scope, Store};
use shared::contract::retrieve::Filter;
use tokio_postgres::Client;

use crate::support::{MODEL, before_the_graph, ids_of, near, random, soon, with_database};

/// More than are searched exactly.
const PASSAGES: usize = 6_500;
const CLUSTERS: usize = 150;
const QUESTIONS: usize = 40;
const DEPTH: usize = 50;
const LEAST: f64 = 0.98;
/// Every tenth document has an address that begins so, the others another; few are looked at one by one.
const TENTH: &str = "https://tenth.example/";
const ANY: &str = "https://";

/// Documents of one passage, by SQL: writing them one by one would take minutes.
const DOCUMENTS: &str =
    "INSERT INTO documents (shelf, owner, collection, id, url, language, visibility, sha256, chunks)
    SELECT shelf, owner, collection, n::text, CASE WHEN n % 10 = 0 THEN $2 ELSE 'https://other.example/' END, language, visibility,
           sha256(n::text::bytea), 1
    FROM shelves, generate_series(0, $3::int4 - 1) AS n WHERE collection = $1";
const CHUNKS: &str = "INSERT INTO chunks
        (document, shelf, ordinal, heading, text, start_char, end_char, length, terms, embedding, embedding_model)
    SELECT d.document, d.shelf, 0, '', 'Words.', 0, 6, 1, '', v.embedding, $2
    FROM unnest($3::halfvec[]) WITH ORDINALITY AS v (embedding, n)
    JOIN documents d ON d.collection = $1 AND d.id = (v.n - 1)::text";

async fn fill(admin: &Client, collection: &str, vectors: &[Vec<f32>]) {
    let shelf = "INSERT INTO shelves (owner, collection, visibility, language) VALUES ('system', $1, 'shared', 'en')";
    admin.execute(shelf, &[&collection]).await.unwrap();
    let count = i32::try_from(vectors.len()).unwrap();
    admin.execute(DOCUMENTS, &[&collection, &TENTH, &count]).await.unwrap();
    let vectors: Vec<HalfVector> = vectors.iter().map(|vector| HalfVector::from_f32_slice(vector)).collect();
    admin.execute(CHUNKS, &[&collection, &MODEL, &vectors]).await.unwrap();
}

/// The share of the true nearest that the store finds.
async fn recall(store: &Store, vectors: &[Vec<f32>], questions: &[Vec<f32>], step: usize, filter: Filter) -> f64 {
    let scope = Scope { collection: "plans".into(), filter, per_document: 1, depth: DEPTH, least: DEPTH };
    let mut found = 0;
    for question in questions {
        let cosine = |n: usize| vectors[n].iter().zip(question).map(|(a, b)| a * b).sum::<f32>();
        let mut exact: Vec<(f32, usize)> = (0..vectors.len()).step_by(step).map(|n| (cosine(n), n)).collect();
        exact.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let exact: HashSet<String> = exact[..DEPTH].iter().map(|(_, n)| n.to_string()).collect();
        let nearest = [Nearest { vector: question.clone(), model: MODEL.into() }];
        let hits = store.dense(soon(), "ana", &scope, &nearest).await.unwrap().lists;
        assert_eq!(hits[0].len(), DEPTH, "as many as there are");
        found += ids_of(store, "ana", &hits[0]).await.iter().filter(|id| exact.contains(*id)).count();
    }
    found as f64 / (questions.len() * DEPTH) as f64
}

#[tokio::test]
async fn the_graph_finds_what_exact_search_finds() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let centres: Vec<Vec<f32>> = (0..CLUSTERS).map(|_| random(&mut rng)).collect();
    let mut some =
        |count: usize| -> Vec<Vec<f32>> { (0..count).map(|n| near(&mut rng, &centres[n % CLUSTERS])).collect() };
    let (vectors, others, questions) = (some(PASSAGES), some(PASSAGES), some(QUESTIONS));
    with_database("the_graph_finds_what_exact_search_finds", async |database| {
        let (admin, _driver) = database.superuser().await;
        before_the_graph(&admin, fill(&admin, "plans", &vectors)).await;
        let store = database.store();
        let alone = recall(&store, &vectors, &questions, 1, Filter::default()).await;
        before_the_graph(&admin, fill(&admin, "others", &others)).await;
        let all = recall(&store, &vectors, &questions, 1, Filter::default()).await;
        let with = |prefix: &str| Filter { url_prefix: Some(prefix.into()), ..Filter::default() };
        let many = recall(&store, &vectors, &questions, 1, with(ANY)).await;
        let few = recall(&store, &vectors, &questions, 10, with(TENTH)).await;
        println!(
            "recall alone {alone:.4}, beside others {all:.4}, with a filter that leaves many {many:.4}, few {few:.4}"
        );
        let least = alone.min(all).min(many).min(few);
        assert!(least >= LEAST, "recall {alone:.4}, {all:.4}, filtered {many:.4} and {few:.4}, seed {seed}");
    })
    .await;
}
