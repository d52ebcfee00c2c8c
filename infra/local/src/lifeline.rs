//! Nothing that the stack starts may outlive it, not even when it is killed.
//!
//! A function whose Runtime API is gone polls it for ever, and Postgres would go on serving. A shell therefore waits
//! at the other end of a pipe: the pipe closes when this process ends, however it ends, and the shell then signals
//! every process that is still held. Unlike a parent-death signal this works on every Unix and survives a change of
//! user namespace.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The pipe to the shell. Dropping it signals whatever is still held.
#[derive(Debug)]
pub struct Lifeline {
    shell: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

/// What an orphaned process gets.
#[derive(Clone, Copy, Debug)]
pub enum LastSignal {
    /// SIGKILL to the whole process group: for processes that keep nothing on disk.
    KillGroup,
    /// SIGINT, Postgres' fast shutdown.
    Interrupt,
}

impl Lifeline {
    /// Starts the shell.
    ///
    /// # Errors
    /// When there is no `sh`.
    pub fn start() -> io::Result<Arc<Self>> {
        let mut shell = Command::new("sh")
            .args(["-c", include_str!("lifeline.sh")])
            .process_group(0) // Ctrl-C of the terminal must not reach it
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Arc::new(Self { shell, pipe }))
    }

    /// Holds a process until the returned value is dropped.
    #[must_use]
    pub fn hold(self: &Arc<Self>, process_id: u32, signal: LastSignal) -> Held {
        let target = match signal {
            LastSignal::KillGroup => format!("KILL -{process_id}"),
            LastSignal::Interrupt => format!("INT {process_id}"),
        };
        self.tell("hold", &target);
        Held { lifeline: Arc::clone(self), target }
    }

    fn tell(&self, verb: &str, target: &str) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A shell that someone killed cannot be told anything, and nothing here depends on it.
            let _ = writeln!(pipe, "{verb} {target}");
        }
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.shell.wait();
    }
}

/// A process under the lifeline. Drop it once the process is known to be gone.
#[derive(Debug)]
pub struct Held {
    lifeline: Arc<Lifeline>,
    target: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.lifeline.tell("drop", &self.target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    }

    #[test]
    fn signals_what_is_held_when_the_pipe_closes() {
        let lifeline = Lifeline::start().unwrap();
        let mut sleeper = sleeper();
        std::mem::forget(lifeline.hold(sleeper.id(), LastSignal::Interrupt));
        // A killed process closes its end of the pipe without a word: so does this.
        lifeline.pipe.lock().unwrap().take();
        assert_eq!(sleeper.wait().unwrap().signal(), Some(2));
    }

    #[test]
    fn spares_what_was_let_go() {
        let lifeline = Lifeline::start().unwrap();
        let mut spared = sleeper();
        let mut killed = sleeper();
        drop(lifeline.hold(spared.id(), LastSignal::KillGroup));
        std::mem::forget(lifeline.hold(killed.id(), LastSignal::KillGroup));
        lifeline.pipe.lock().unwrap().take();
        assert_eq!(killed.wait().unwrap().signal(), Some(9));
        assert!(spared.try_wait().unwrap().is_none());
        spared.kill().unwrap();
        spared.wait().unwrap();
    }
}
