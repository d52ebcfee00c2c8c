//! The binary `local`: one line for what is wrong, and nothing left behind.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use local::state::Scratch;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

fn command(state: &Path, ports: [u16; 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("services").arg("--state").arg(state);
    command.args(["--postgres-port", &ports[0].to_string(), "--dynamo-port", &ports[1].to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn free_ports() -> [u16; 2] {
    let listeners = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

struct Services {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Services {
    async fn start(state: &Path, ports: [u16; 2]) -> Self {
        let mut child = command(state, ports).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        while output.next_line().await.unwrap().expect("the services did not start") != "ready" {}
        Self { child, output }
    }

    async fn end_with(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
        let status = self.child.wait().await.unwrap();
        assert_eq!(self.output.next_line().await.unwrap(), None);
        status
    }
}

/// What `local` says on standard error when it refuses.
async fn refusal(mut command: Command) -> String {
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
    said
}

#[tokio::test]
async fn a_killed_stack_leaves_nothing_and_starts_again() {
    let (scratch, ports) = (Scratch::create().unwrap(), free_ports());
    let services = Services::start(&scratch.path("s"), ports).await;
    let mut connection = TcpStream::connect(("127.0.0.1", ports[0])).await.unwrap();
    assert_eq!(services.end_with(rustix::process::Signal::KILL).await.signal(), Some(9));
    // Postgres closes the connection when it ends, and not before: nobody has authenticated on it yet.
    let _ = connection.read_to_end(&mut Vec::new()).await;
    let services = Services::start(&scratch.path("s"), ports).await;
    assert_eq!(services.end_with(rustix::process::Signal::TERM).await.code(), Some(0));
    for port in ports {
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    }
}

#[tokio::test]
async fn one_line_says_what_is_in_the_way() {
    let (scratch, ports) = (Scratch::create().unwrap(), free_ports());
    let taken = TcpListener::bind(("127.0.0.1", ports[1])).unwrap();
    let said = refusal(command(&scratch.path("s"), ports)).await;
    assert!(said.contains(&format!("port {} ", ports[1])) && said.contains("--dynamo-port"), "{said}");
    assert_eq!(said.lines().count(), 1);
    drop(taken);

    let mut without_postgres = command(&scratch.path("s"), ports);
    without_postgres.args(["--postgres-home", "/nowhere"]);
    let said = refusal(without_postgres).await;
    assert_eq!(said, "local: there is no PostgreSQL in /nowhere: run `make setup`, or set --postgres-home\n");

    let services = Services::start(&scratch.path("s"), ports).await;
    let said = refusal(command(&scratch.path("s"), free_ports())).await;
    assert!(said.starts_with("local: another local stack runs on "), "{said}");
    services.end_with(rustix::process::Signal::TERM).await;
}
