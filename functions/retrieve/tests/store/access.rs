//! Whose documents: what another principal owns and does not share is not there.

use std::collections::BTreeMap;

use fastrand::Rng;
use retrieve::{
    error::Error,
    store::{Found, Hit, Nearest, Position, Scope, Store, Subject},
};
use shared::contract::retrieve::{Filter, Visibility};

use crate::support::{MODEL, document, ids_of, put, soon, vector, with_database};

fn scope(filter: Filter) -> Scope {
    Scope { collection: "plans".into(), filter, per_document: 10, depth: 50, least: 50 }
}

fn filters() -> Vec<Filter> {
    vec![
        Filter::default(),
        Filter { document_ids: Some(vec!["secret".into(), "open".into()]), ..Filter::default() },
        Filter { url_prefix: Some("https://example.org/".into()), ..Filter::default() },
        Filter { language: Some("en".into()), ..Filter::default() },
    ]
}

#[tokio::test]
async fn a_private_document_is_found_by_its_owner_only() {
    with_database("a_private_document_is_found_by_its_owner_only", async |database| {
        let store = database.store();
        put(&store, "ana", &document("plans", "secret", "Zanzibar deductible.", Visibility::Private), 0.0).await;
        put(&store, "ana", &document("plans", "open", "Shared deductible.", Visibility::Shared), 10.0).await;
        let nearest = [Nearest { vector: vector(0.0), model: MODEL.into() }];
        for filter in filters() {
            for (principal, expected) in [("ana", 2), ("ben", 1), ("", 1), ("ana' OR true --", 1)] {
                let lexical = store.lexical(soon(), principal, &scope(filter.clone()), &["zanzibar deductible"]).await;
                let dense = store.dense(soon(), principal, &scope(filter.clone()), &nearest).await;
                assert_eq!(lexical.unwrap().lists[0].len(), expected, "{principal} {filter:?}");
                assert_eq!(dense.unwrap().lists[0].len(), expected, "{principal} {filter:?}");
            }
        }
        let visible = store.list(soon(), "ben", "plans", &Position::default(), 10).await.unwrap();
        assert_eq!(visible.len(), 1);
        assert!(store.known(soon(), "ben", "plans", &["secret", "open"]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_writes_over_or_deletes_what_another_owns() {
    with_database("nobody_writes_over_or_deletes_what_another_owns", async |database| {
        let store = database.store();
        let shared = document("plans", "open", "Written by Ana.", Visibility::Shared);
        put(&store, "ana", &shared, 0.0).await;
        assert!(!store.delete(soon(), "ben", &shared.key).await.unwrap());
        put(&store, "ben", &document("plans", "open", "Written by Ben.", Visibility::Shared), 0.0).await;
        let found = store.lexical(soon(), "cleo", &scope(Filter::default()), &["written"]).await.unwrap();
        assert_eq!(found.lists[0].len(), 2, "two owners, two documents");
    })
    .await;
}

#[tokio::test]
async fn raw_statements_of_the_application_are_bound_too() {
    with_database("raw_statements_of_the_application_are_bound_too", async |database| {
        let store = database.store();
        put(&store, "ana", &document("plans", "secret", "Zanzibar.", Visibility::Private), 0.0).await;
        for table in ["shelves", "documents", "chunks", "postings", "terms"] {
            let sql = format!("SELECT count(*) FROM {table}");
            let count = async |principal: &str| {
                let work =
                    async |transaction: &deadpool_postgres::Transaction<'_>| transaction.query_one(&sql, &[]).await;
                database.database().read(soon(), principal, work).await.unwrap().get::<_, i64>(0)
            };
            assert!(count("ana").await > 0, "{table}");
            assert_eq!(count("ben").await, 0, "{table}");
        }
        let forge = async |transaction: &deadpool_postgres::Transaction<'_>| {
            transaction.execute("UPDATE terms SET chunks = 1000", &[]).await
        };
        assert!(database.database().write(soon(), "ana", forge).await.is_err(), "statistics are not the application's");
        let empty = async |transaction: &deadpool_postgres::Transaction<'_>| {
            transaction.execute("UPDATE postings SET entries = ''", &[]).await
        };
        let changed = database.database().write(soon(), "ben", empty).await.unwrap();
        assert_eq!(changed, 0, "nobody changes the index of what another owns");
        let steal = async |transaction: &deadpool_postgres::Transaction<'_>| {
            transaction
                .execute(
                    "INSERT INTO shelves (owner, collection, visibility, language) VALUES ('ben', 'x', 'shared', 'en')",
                    &[],
                )
                .await
        };
        assert!(database.database().write(soon(), "ana", steal).await.is_err(), "nobody writes as another");
    })
    .await;
}

#[tokio::test]
async fn a_collection_exists_for_those_who_see_a_document_in_it() {
    with_database("a_collection_exists_for_those_who_see_a_document_in_it", async |database| {
        let store = database.store();
        put(&store, "ana", &document("plans", "secret", "Zanzibar.", Visibility::Private), 0.0).await;
        assert!(store.lexical(soon(), "ana", &scope(Filter::default()), &["zanzibar"]).await.is_ok());
        let hidden = store.lexical(soon(), "ben", &scope(Filter::default()), &["zanzibar"]).await;
        assert!(matches!(hidden, Err(Error::NotFound(_))), "{hidden:?}");
    })
    .await;
}

/// Owners, who are principals as well, and others.
const OWNERS: [&str; 3] = ["ana", "ben", "cleo"];
const PRINCIPALS: [&str; 6] = ["ana", "ben", "cleo", "", "ana' OR true --", "ANA"];
const COLLECTIONS: [&str; 2] = ["plans", "letters"];
const STEPS: usize = 60;

/// Who keeps which document, how: the truth that searches are compared with.
type Kept = BTreeMap<(&'static str, &'static str, String), (Visibility, &'static str)>;

/// Writes and deletes at random; ids of different owners collide.
async fn kept(store: &Store, random: &mut Rng) -> Kept {
    let mut kept = Kept::new();
    for _ in 0..STEPS {
        let (owner, collection) = (OWNERS[random.usize(..3)], COLLECTIONS[random.usize(..2)]);
        let visibility = if random.bool() { Visibility::Private } else { Visibility::Shared };
        let mut document = document(collection, &format!("p{}", random.u8(..9)), "Zanzibar plan.", visibility);
        let key = (owner, collection, document.key.id.clone());
        if random.u8(..5) == 0 {
            let was_there = kept.remove(&key).is_some();
            assert_eq!(store.delete(soon(), owner, &document.key).await.unwrap(), was_there, "{key:?}");
        } else {
            let language = if random.bool() { "en" } else { "es" };
            document.language = language.to_owned();
            put(store, owner, &document, 0.0).await;
            kept.insert(key, (visibility, language));
        }
    }
    kept
}

/// The ids of `collection` that `principal` may read and `filter` leaves.
fn readable(kept: &Kept, principal: &str, collection: &str, filter: &Filter) -> Vec<String> {
    let fits = |id: &String, language: &str| {
        filter.document_ids.as_ref().is_none_or(|ids| ids.contains(id))
            && filter.language.as_deref().is_none_or(|wanted| wanted == language)
            && filter
                .url_prefix
                .as_deref()
                .is_none_or(|prefix| format!("https://example.org/{collection}/{id}").starts_with(prefix))
    };
    let readable = kept.iter().filter(|((owner, place, id), (visibility, language))| {
        *place == collection && (*owner == principal || *visibility == Visibility::Shared) && fits(id, language)
    });
    let mut ids: Vec<String> = readable.map(|((_, _, id), _)| id.clone()).collect();
    ids.sort();
    ids
}

/// The ids of what was found; of a collection without anything for this principal, none.
async fn ids(store: &Store, principal: &str, found: Result<Vec<Found>, Error>) -> Vec<String> {
    let hits = match found {
        Ok(lists) => lists.concat(),
        Err(Error::NotFound(_)) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    let mut ids = ids_of(store, principal, &hits).await;
    assert_eq!(ids.len(), hits.len(), "{principal} may see what was found");
    ids.sort();
    ids
}

/// All passages that there are, whoever owns them, as if they had been found.
async fn everything(admin: &tokio_postgres::Client) -> Vec<(Hit, [String; 3])> {
    let sql = "SELECT c.chunk, c.document, d.id, d.owner, d.collection FROM chunks c JOIN documents d USING (document)";
    let hit = |row: &tokio_postgres::Row| {
        let hit = Hit { chunk: row.get("chunk"), document: row.get("document"), ..Hit::default() };
        (hit, [row.get("id"), row.get("owner"), row.get("collection")])
    };
    admin.query(sql, &[]).await.unwrap().iter().map(hit).collect()
}

#[tokio::test]
async fn every_way_of_reading_shows_what_is_readable_and_nothing_else() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    with_database("every_way_of_reading_shows_what_is_readable_and_nothing_else", async |database| {
        let store = database.store();
        let kept = kept(&store, &mut Rng::with_seed(seed)).await;
        let (admin, _driver) = database.superuser().await;
        let everything = everything(&admin).await;
        let hits: Vec<&Hit> = everything.iter().map(|(hit, _)| hit).collect();
        let nearest = [Nearest { vector: vector(0.0), model: MODEL.into() }];
        let mut filters = filters();
        filters.push(Filter { document_ids: Some((0..5).map(|n| format!("p{n}")).collect()), ..Filter::default() });
        filters.push(Filter { url_prefix: Some("https://example.org/plans/p1".into()), ..Filter::default() });
        filters.push(Filter { language: Some("es".into()), ..Filter::default() });
        for (principal, collection) in PRINCIPALS.iter().flat_map(|one| COLLECTIONS.map(|other| (*one, other))) {
            let of = format!("{principal} in {collection}, seed {seed}");
            let all = readable(&kept, principal, collection, &Filter::default());
            for filter in &filters {
                let expected = readable(&kept, principal, collection, filter);
                let scope = Scope { collection: collection.into(), ..scope(filter.clone()) };
                let lexical = store.lexical(soon(), principal, &scope, &["zanzibar"]).await;
                let lexical = ids(&store, principal, lexical.map(|found| found.lists)).await;
                assert_eq!(lexical, expected, "lexical, {of}, {filter:?}");
                let dense = store.dense(soon(), principal, &scope, &nearest).await;
                let dense = ids(&store, principal, dense.map(|found| found.lists)).await;
                assert_eq!(dense, expected, "dense, {of}, {filter:?}");
            }
            let listed = store.list(soon(), principal, collection, &Position::default(), 100).await.unwrap();
            assert_eq!(listed.into_iter().map(|(at, _)| at.id).collect::<Vec<_>>(), all, "list, {of}");
            let scope = Scope { collection: collection.into(), per_document: 1, ..scope(Filter::default()) };
            let chunks: Vec<i64> = hits.iter().map(|hit| hit.chunk).collect();
            let shown = store.shown(soon(), principal, &chunks).await.unwrap();
            let queries = ["zanzibar"];
            let subject = Subject { queries: &queries, known: None, hits: &hits, model: None, beginnings: true };
            let evidence = store.evidence(soon(), principal, &scope, subject).await.unwrap();
            for (hit, [id, owner, place]) in &everything {
                let mine = kept.iter().any(|((keeper, at, kept), (visibility, _))| {
                    (*keeper, *at, kept) == (owner.as_str(), place.as_str(), id)
                        && (*keeper == principal || *visibility == Visibility::Shared)
                });
                assert!(mine || !evidence.contains_key(&hit.chunk), "evidence on {owner}'s {id}, {of}");
                assert_eq!(mine, shown.contains_key(&hit.chunk), "{owner}'s {id} is shown, {of}");
            }
        }
    })
    .await;
}
