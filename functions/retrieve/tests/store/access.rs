//! Whose documents: what another principal owns and does not share is not there.

use retrieve::{
    error::Error,
    store::{Nearest, Position, Scope},
};
use shared::contract::retrieve::{Filter, Visibility};

use crate::support::{MODEL, document, put, soon, vector, with_database};

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
                assert_eq!(lexical.unwrap()[0].len(), expected, "{principal} {filter:?}");
                assert_eq!(dense.unwrap()[0].len(), expected, "{principal} {filter:?}");
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
        assert_eq!(found[0].len(), 2, "two owners, two documents");
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
