//! The program `ingest`, killed at random points: whatever it was doing, running it again ends in the state of a run that
//! nobody disturbed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use shared::clock;
use tokio::process::{Child, Command};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    embedder::embedder,
    ingest::{State, complete},
    support::{TestDatabase, with_database},
};

const TIMES: usize = 20;
const DOCUMENTS: usize = 30;
/// Between two looks at how far a run has come.
const LOOK: Duration = Duration::from_millis(1);

/// Two editions of a folder: half of the documents differ, so that each run replaces what the other wrote. They are in two
/// languages, and some of the second are longer.
fn edition(number: usize) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("navigator-edition-{number}-{}", Uuid::new_v4()));
    fs::create_dir_all(&folder).unwrap();
    let mut lines = String::new();
    for n in 0..DOCUMENTS {
        let year = if n % 2 == 0 { 2020 } else { 2025 + number };
        let (language, more) =
            (["en", "es"][n % 3 % 2], "A longer text says more of it. ".repeat(number * 30 * usize::from(n % 9 == 0)));
        lines.push_str(&format!(
            "{{\"id\": \"p{n}\", \"title\": \"Plan {n} of {year}\", \"lang\": \"{language}\", \
             \"text\": \"In {year} plan {n} has a copay of {n} dollars. {more}\"}}\n"
        ));
    }
    fs::write(folder.join("plans.jsonl"), lines).unwrap();
    fs::write(
        folder.join("appeals.md"),
        format!("# Appeals {number}\n\nYou may appeal.\n\n## Deadlines\n\nSixty days."),
    )
    .unwrap();
    folder
}

fn started(database: &TestDatabase, folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ingest"))
        .arg("--from")
        .arg(folder)
        .args(["--collection", "plans"])
        .env("DATABASE_URL", database.app_url())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Documents that are stored as `edition` has them.
async fn written(admin: &Client, edition: usize) -> usize {
    let sql = "SELECT count(*) FROM documents WHERE title LIKE '%' || $1";
    let row = admin.query_one(sql, &[&(2025 + edition).to_string()]).await.unwrap();
    usize::try_from(row.get::<_, i64>(0)).unwrap()
}

/// Where a run is killed.
#[derive(Debug)]
enum Point {
    /// So long after its start: in the middle of loading, reading or embedding, mostly.
    After(Duration),
    /// When so many documents were written, and so much later: in the middle of writing.
    Written(usize, Duration),
}

impl Point {
    fn random(random: &mut fastrand::Rng, whole_run: Duration) -> Self {
        match random.bool() {
            true => Self::After(whole_run.mul_f64(random.f64())),
            false => Self::Written(random.usize(0..DOCUMENTS / 3), Duration::from_micros(random.u64(0..20_000))),
        }
    }

    /// Ends at this point, or with the run. Says whether the run was killed.
    async fn kill(&self, mut run: Child, admin: &Client, edition: usize) -> bool {
        let reached = async {
            match *self {
                Self::After(time) => tokio::time::sleep(time).await,
                Self::Written(documents, more) => {
                    while written(admin, edition).await < documents {
                        tokio::time::sleep(LOOK).await;
                    }
                    tokio::time::sleep(more).await;
                }
            }
        };
        tokio::select! {
            ended = run.wait() => {
                assert!(ended.unwrap().success());
                false
            }
            () = reached => {
                run.kill().await.unwrap();
                true
            }
        }
    }
}

#[tokio::test]
async fn an_ingest_that_is_killed_twenty_times_ends_in_the_state_of_one_that_was_not() {
    let (embedder, editions) = (embedder(), [edition(0), edition(1)]);
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    with_database("ingest_killed", async |database| {
        let start = clock::now();
        assert!(started(&database, &editions[0]).wait().await.unwrap().success());
        let whole_run = clock::now() - start;
        let mut expected = vec![State::of(&database).await];
        complete(&database, &embedder, &editions[1]).await;
        expected.push(State::of(&database).await);
        let (admin, _driver) = database.superuser().await;
        let (mut killed, mut halfway) = (0, 0);
        for time in 0..TIMES {
            let edition = time % 2;
            let point = Point::random(&mut random, whole_run);
            let was_killed = point.kill(started(&database, &editions[edition]), &admin, edition).await;
            let documents = written(&admin, edition).await;
            let summary = complete(&database, &embedder, &editions[edition]).await;
            killed += usize::from(was_killed);
            halfway += usize::from(summary.written > 0 && documents > 0);
            let when = format!("seed {seed}, time {time}, {point:?}");
            State::of(&database).await.assert_is(&expected[edition], &when);
        }
        println!(
            "{killed} of {TIMES} runs were killed, {halfway} of them when some documents were written and some not"
        );
        assert!(killed > 0, "seed {seed}: no run was killed");
    })
    .await;
    editions.iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
}
