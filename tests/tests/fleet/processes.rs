//! Eight real processes, one table in the emulator, and a provider that breaks and recovers.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use local::dynamo::{CONTROL, Dynamo, DynamoConfig};
use shared::{clock, deadline::Deadline};
use tests::parts;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
    time::Instant,
};

const PROCESSES: usize = 8;
/// Shorter than shipped, so that the test is too; `RECOVERY_S=30` shows the shipped one.
const RECOVERY_S: u64 = 4;

/// Who came when.
#[derive(Debug, Default)]
struct Provider {
    broken: AtomicBool,
    arrivals: Mutex<Vec<Instant>>,
}

impl Provider {
    async fn answer(self: Arc<Self>) -> StatusCode {
        self.arrivals.lock().unwrap().push(clock::now());
        tokio::time::sleep(Duration::from_millis(200)).await;
        if self.broken.load(Ordering::Relaxed) { StatusCode::BAD_GATEWAY } else { StatusCode::OK }
    }

    /// How many came after `from`, in groups that are further apart than `gap`.
    fn rounds(&self, from: Instant, gap: Duration) -> Vec<usize> {
        let mut rounds: Vec<usize> = Vec::new();
        let mut last: Option<Instant> = None;
        for at in self.arrivals.lock().unwrap().iter().filter(|at| **at >= from) {
            match rounds.last_mut().filter(|_| last.is_some_and(|last| *at - last < gap)) {
                Some(round) => *round += 1,
                None => rounds.push(1),
            }
            last = Some(*at);
        }
        rounds
    }
}

/// The processes, and their words as they come.
struct Fleet {
    words: mpsc::Receiver<(usize, String)>,
    _children: Vec<Child>,
    _tasks: JoinSet<()>,
}

impl Fleet {
    fn start(dynamo: &str, provider: &str, recovery: Duration) -> Self {
        let policy = std::env::temp_dir().join(format!("navigator-fleet-{}.yaml", std::process::id()));
        let overrides = format!(
            "dependencies: {{overrides: {{tavily: {{retry: {{attempts: 1}}, breaker: {{recovery_timeout: {}s, permit_ttl: 4s, probe_timeout: 800ms}}}}}}}}",
            recovery.as_secs()
        );
        std::fs::write(&policy, overrides).unwrap();
        let (sender, words) = mpsc::channel(1_024);
        let (mut children, mut tasks) = (Vec::new(), JoinSet::new());
        for number in 0..PROCESSES {
            let mut child = Command::new(env!("CARGO_BIN_EXE_environment"))
                .env("CONTROL_TABLE", CONTROL)
                .env("AWS_ENDPOINT_URL_DYNAMODB", dynamo)
                .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
                .env("PROVIDER_URL", provider)
                .env("NAVIGATOR_POLICY", &policy)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let sender = sender.clone();
            tasks.spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    let word = line.split(' ').next_back().unwrap_or_default().to_owned();
                    let _ = sender.send((number, word)).await;
                }
            });
            children.push(child);
        }
        Self { words, _children: children, _tasks: tasks }
    }

    /// Waits until every process has said `word`, heard after now.
    async fn all_say(&mut self, word: &str) {
        while self.words.try_recv().is_ok() {}
        let mut said = BTreeSet::new();
        let heard = async {
            while said.len() < PROCESSES {
                let (number, heard) = self.words.recv().await.unwrap();
                if heard == word {
                    said.insert(number);
                }
            }
        };
        let patience = Deadline::within(Duration::from_secs(90)).bound("the fleet", heard).await;
        patience.unwrap_or_else(|_| panic!("not all say {word}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_leave_a_broken_provider_alone_and_come_back() {
    parts::used("dynamodb");
    let recovery = std::env::var("RECOVERY_S").map_or(RECOVERY_S, |seconds| seconds.parse().unwrap());
    let recovery = Duration::from_secs(recovery);
    let dynamo = Dynamo::start(DynamoConfig::default()).await.unwrap();
    let provider = Arc::new(Provider::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = provider.clone();
    let mut serving = JoinSet::new();
    let router = Router::new().route("/", get(move || answering.clone().answer()));
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });

    let mut fleet = Fleet::start(&dynamo.url(), &url, recovery);
    fleet.all_say("ok").await;
    provider.broken.store(true, Ordering::Relaxed);
    fleet.all_say("circuit_open").await;
    // Two failed rounds, and it is well again.
    let opened = clock::now();
    let gap = recovery / 2;
    while provider.rounds(opened, gap).len() < 2 {
        fleet.all_say("circuit_open").await;
    }
    fleet.all_say("circuit_open").await;
    let failed = provider.rounds(opened, gap);
    provider.broken.store(false, Ordering::Relaxed);
    let well = clock::now();
    fleet.all_say("ok").await;
    eprintln!(
        "{PROCESSES} processes, recovery {recovery:?}: probes of failed rounds {failed:?}; all answered {:?} after the provider was well",
        well.elapsed()
    );
    assert!(failed.iter().all(|probes| *probes <= 3), "{failed:?}");
}
