//! The pool: bounded, and never lends a connection that is in a transaction.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Transaction;
use secrecy::SecretString;
use shared::{
    core::Core,
    deadline::Deadline,
    dependency::CallError,
    policy::Policy,
    postgres::{Database, DatabaseFault},
};
use tokio::task::JoinSet;

use crate::support::{TestDatabase, soon, with_database};

fn database(database: &TestDatabase, connections: usize) -> Database {
    let overlay = format!("postgres: {{ connections_on_a_server: {connections} }}");
    Database::new(&SecretString::from(database.app_url()), &Core::new(Policy::overlaid(&overlay).unwrap())).unwrap()
}

async fn sleep(transaction: &Transaction<'_>, seconds: f64) -> Result<(), tokio_postgres::Error> {
    transaction.query_one("SELECT pg_sleep($1)", &[&seconds]).await.map(drop)
}

/// What the connections of the application do, as the server sees it.
async fn states(database: &TestDatabase) -> Vec<String> {
    let (admin, _driver) = database.superuser().await;
    let sql =
        "SELECT state FROM pg_stat_activity WHERE application_name = 'navigator' AND datname = current_database()";
    admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back_before_its_connection_is_lent_again() {
    with_database("a_transaction_that_is_dropped", async |test| {
        let database = database(&test, 1);
        for polls in 0..30 {
            let work = async |transaction: &Transaction<'_>| {
                transaction.batch_execute("CREATE TEMPORARY TABLE leftover (n int)").await?;
                sleep(transaction, 0.02).await
            };
            let mut cut = Box::pin(database.write(soon(), "ana", work));
            for _ in 0..polls {
                let _ = futures_util::poll!(&mut cut);
                tokio::task::yield_now().await;
            }
            drop(cut);
            let clean = async |transaction: &Transaction<'_>| {
                transaction.query_one("SELECT to_regclass('pg_temp.leftover') IS NULL", &[]).await
            };
            let row = database.read(soon(), "ben", clean).await.unwrap();
            assert!(row.get::<_, bool>(0), "cut after {polls} polls");
        }
        assert_eq!(states(&test).await, ["idle"], "one connection, in no transaction");
        assert_eq!(database.status().in_use, 0, "{:?}", database.status());
    })
    .await;
}

#[tokio::test]
async fn a_statement_is_cut_by_the_server_at_the_deadline() {
    with_database("a_statement_is_cut_by_the_server_at_the_deadline", async |test| {
        let database = database(&test, 1);
        let work = async |transaction: &Transaction<'_>| {
            let row = transaction.query_one("SELECT current_setting('statement_timeout')", &[]).await?;
            Ok(row.get::<_, String>(0))
        };
        let limit = database.read(Deadline::within(Duration::from_millis(500)), "ana", work).await.unwrap();
        let limit: u64 = limit.trim_end_matches("ms").parse().unwrap();
        assert!((10..=510).contains(&limit), "{limit}");
        let outside = database.ping(soon()).await;
        assert!(outside.is_ok());
    })
    .await;
}

#[tokio::test]
async fn there_are_never_more_connections_than_the_policy_says() {
    with_database("there_are_never_more_connections", async |test| {
        let database = database(&test, 3);
        let mut callers = JoinSet::new();
        for _ in 0..40 {
            let database = database.clone();
            callers.spawn(async move {
                database.read(soon(), "ana", async |t: &Transaction<'_>| sleep(t, 0.01).await).await
            });
        }
        let mut exhausted = 0;
        while let Some(outcome) = callers.join_next().await {
            assert!(states(&test).await.len() <= 3);
            match outcome.unwrap() {
                Ok(()) | Err(CallError::Refused { .. }) => {}
                Err(CallError::Fault { source: DatabaseFault::Exhausted, .. }) => exhausted += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(exhausted < 40, "some got through");
        assert!(states(&test).await.iter().all(|state| state == "idle"));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_drops_connections_is_found_again_without_an_error() {
    with_database("a_server_that_drops_connections", async |test| {
        let database = database(&test, 2);
        database.ping(soon()).await.unwrap();
        let (admin, _driver) = test.superuser().await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'navigator' AND datname = current_database()";
        admin.query(sql, &[]).await.unwrap();
        let work = async |transaction: &Transaction<'_>| transaction.query_one("SELECT 1", &[]).await;
        assert!(database.read(soon(), "ana", work).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_full_pool_says_which_wait_ran_out() {
    with_database("a_full_pool_says_which_wait_ran_out", async |test| {
        let database = Arc::new(database(&test, 1));
        let holder = Arc::clone(&database);
        let hold = async move { holder.read(soon(), "ana", async |t: &Transaction<'_>| sleep(t, 0.6).await).await };
        let wait = async { database.read(soon(), "ben", async |t: &Transaction<'_>| sleep(t, 0.0).await).await };
        let (held, waited) = tokio::join!(hold, wait);
        assert!(held.is_ok());
        assert!(matches!(waited, Err(CallError::Fault { source: DatabaseFault::Exhausted, .. })), "{waited:?}");
        let status = database.status();
        assert_eq!((status.in_use, status.lent, status.exhausted), (0, 1, 1), "{status:?}");
        assert!(status.waited_us > 0);
    })
    .await;
}

#[tokio::test]
async fn a_new_policy_changes_the_size_of_the_pool_while_transactions_run() {
    with_database("a_new_policy_changes_the_size_of_the_pool", async |test| {
        let policy = |size: usize| {
            Policy::overlaid(&format!("postgres: {{ connections_on_a_server: {size}, wait: 2s }}")).unwrap()
        };
        let core = Core::new(policy(4));
        let database = Database::new(&SecretString::from(test.app_url()), &core).unwrap();
        let mut running = JoinSet::new();
        for round in 0..24 {
            let database = database.clone();
            running
                .spawn(async move { database.read(soon(), "ana", async |it| sleep(it, 0.05).await).await.map(drop) });
            if round % 6 == 5 {
                core.adopt(policy([1, 4, 2, 3][round / 6]));
                tokio::task::yield_now().await;
            }
        }
        for outcome in running.join_all().await {
            outcome.unwrap();
        }
        database.ping(soon()).await.unwrap();
        assert_eq!(database.status().max_connections, 3);
    })
    .await;
}
