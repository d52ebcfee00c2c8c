//! A real PostgreSQL: made, migrated, crashed, stopped, and gone with whoever started it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use local::cluster::{Cluster, DATABASE};
use local::connection::connect;
use local::lifeline::Lifeline;
use local::migrate::{folder, migrate};
use local::postgres::{Postgres, PostgresConfig};
use local::stack::migrated;
use local::state::Scratch;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this through `local with-postgres`"))
}

fn config(state: &Path) -> PostgresConfig {
    let home = PathBuf::from(variable("POSTGRES_HOME"));
    PostgresConfig { home, state: state.to_owned(), port: 0, also_listen: None, durable: false }
}

async fn count(url: &str, query: &str) -> i64 {
    connect(url).await.unwrap().client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_cluster_survives_stops_and_crashes() {
    let scratch = Scratch::create().unwrap();
    let lifeline = Lifeline::start().unwrap();
    let postgres = migrated(config(&scratch.path("p")), &lifeline).await.unwrap();
    let owner = postgres.cluster().owner_url(DATABASE);
    connect(&owner).await.unwrap().client.batch_execute("CREATE TABLE t AS SELECT 1 AS a").await.unwrap();
    postgres.crash().await;
    assert!(connect(&owner).await.is_err());
    postgres.resume().await.unwrap();
    assert_eq!(count(&owner, "SELECT count(*) FROM t").await, 1);
    postgres.stop().await;
    drop(postgres);
    let again = Postgres::start(config(&scratch.path("p")), Arc::clone(&lifeline)).await.unwrap();
    assert_eq!(count(&again.cluster().owner_url(DATABASE), "SELECT count(*) FROM t").await, 1);
    again.stop().await;
}

#[tokio::test]
async fn a_stale_lock_does_not_block_the_next_start() {
    let scratch = Scratch::create().unwrap();
    let lifeline = Lifeline::start().unwrap();
    let postgres = Postgres::start(config(&scratch.path("p")), Arc::clone(&lifeline)).await.unwrap();
    postgres.stop().await;
    // The number of a process that lives and is no Postgres: this one.
    let lock = format!("{}\n/nowhere\n0\n1\n\n127.0.0.1\n0 0\nready\n", std::process::id());
    let of_socket = format!("p/.s.PGSQL.{}.lock", postgres.port());
    for path in ["p/data/postmaster.pid", &of_socket] {
        std::fs::write(scratch.path(path), &lock).unwrap();
    }
    postgres.resume().await.unwrap();
    postgres.stop().await;
}

#[tokio::test]
async fn the_functions_role_enters_by_the_socket_with_its_password_only() {
    let scratch = Scratch::create().unwrap();
    let lifeline = Lifeline::start().unwrap();
    let postgres = migrated(config(&scratch.path("p")), &lifeline).await.unwrap();
    let (nearby, far) = (postgres.nearby().app_url(DATABASE), postgres.cluster().app_url(DATABASE));
    let by_network = "SELECT count(inet_server_port())";
    assert_eq!((count(&nearby, by_network).await, count(&far, by_network).await), (0, 1));
    let folder = scratch.path("p").canonicalize().unwrap();
    let intruder = Cluster::on_port(postgres.port(), "wrong").by_socket(&folder, postgres.port()).app_url(DATABASE);
    assert!(connect(&intruder).await.is_err());
    postgres.stop().await;
}

#[tokio::test]
async fn the_functions_role_owns_nothing_and_obeys_row_level_security() {
    let cluster = Cluster::from_url(&variable("NAVIGATOR_TEST_POSTGRES")).unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let app = cluster.app_url(&database);
    let privileged = "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";
    assert_eq!(count(&app, privileged).await, 0);
    let owned =
        "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)";
    assert_eq!(count(&app, owned).await, 0);
    assert!(connect(&app).await.unwrap().client.batch_execute("CREATE TABLE x ()").await.is_err());
    cluster.drop_database(&database).await.unwrap();
    assert!(connect(&app).await.is_err());
}

#[tokio::test]
async fn migrations_are_applied_once_and_must_not_change() {
    let cluster = Cluster::from_url(&variable("NAVIGATOR_TEST_POSTGRES")).unwrap();
    let database = cluster.fresh_database().await.unwrap();
    let owner = cluster.owner_url(&database);
    // The template is migrated already.
    assert!(migrate(&owner, &folder()).await.unwrap().is_empty());

    let scratch = Scratch::create().unwrap();
    for file in std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap()) {
        std::fs::copy(file.path(), scratch.path(&file.file_name().to_string_lossy())).unwrap();
    }
    std::fs::write(scratch.path("9998_good.sql"), "CREATE TABLE good ()").unwrap();
    std::fs::write(scratch.path("9999_bad.sql"), "CREATE TABLE bad (); SELECT 1/0").unwrap();
    let refusal = format!("{:#}", migrate(&owner, &scratch.path("")).await.unwrap_err());
    assert!(refusal.starts_with("migration 9999_bad.sql failed"), "{refusal}");
    assert_eq!(count(&owner, "SELECT count(*) FROM pg_class WHERE relname IN ('good', 'bad')").await, 1);

    std::fs::remove_file(scratch.path("9999_bad.sql")).unwrap();
    assert!(migrate(&owner, &scratch.path("")).await.unwrap().is_empty());
    std::fs::write(scratch.path("9998_good.sql"), "CREATE TABLE better ()").unwrap();
    let refusal = migrate(&owner, &scratch.path("")).await.unwrap_err().to_string();
    assert!(refusal.starts_with("9998_good.sql changed after it was applied"), "{refusal}");
    cluster.drop_database(&database).await.unwrap();
}
