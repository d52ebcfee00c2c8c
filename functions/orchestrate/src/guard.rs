//! The guardrails on the way in and out, and the vault that puts the patient's own data back at the end.

use std::collections::BTreeMap;

use shared::{
    contract::{
        chat::{FindingCount, Safety},
        sanitize::{Action, Direction, SanitizeReply, SanitizeRequest},
    },
    deadline::Deadline,
    invoke::Caller,
    phi::{Scope, Strangers, Vault, mask_with},
    problem::Problem,
};

use crate::{config::Config, error::PeerError};

/// What the guardrails have seen of one request.
#[derive(Clone, Debug)]
pub struct Guard {
    vault: Vault,
    action: Action,
    found: BTreeMap<(String, String), usize>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { vault: Vault::new(), action: Action::Allow, found: BTreeMap::new() }
    }
}

impl Guard {
    /// Checks `text` and gives back what may be used of it. Required: what was not checked goes no further.
    ///
    /// # Errors
    /// `blocked` when the verdict is a block, and the peer's problem when there is no verdict.
    pub async fn check(
        &mut self,
        config: &Config,
        caller: Caller<'_>,
        deadline: Deadline,
        direction: Direction,
        text: &str,
    ) -> Result<String, Problem> {
        let peer = config.sanitize.as_ref().ok_or(PeerError::NotConfigured("sanitize"))?;
        let request = SanitizeRequest { text: text.to_owned(), direction, vault: Some(self.vault.to_map()) };
        let verdict: Result<SanitizeReply, _> = peer.post(deadline, caller, "/v1/sanitize", &request).await;
        let verdict = verdict.map_err(PeerError::from)?;
        self.note(&verdict);
        if let Some(vault) = verdict.vault {
            self.vault = Vault::from_map(vault).map_err(|_| Problem::internal())?;
        }
        match verdict.action {
            Action::Block | Action::Human => Err(blocked(direction)),
            Action::Allow | Action::Redact | Action::Flag => Ok(verdict.text),
        }
    }

    /// Masks what a source says, on the request's own vault: a page that says `[SSN_1]` is not given the patient's
    /// number, and what was masked in a document comes back for those who may read it.
    pub fn mask_source(&mut self, text: &str) -> String {
        mask_with(text, &mut self.vault, Scope::Public, Strangers::EscapeAll).text.into_string()
    }

    /// Puts the values back. Only for text on its way to the patient who gave them.
    pub fn unmask(&self, text: &str) -> String {
        self.vault.unmask(text)
    }

    /// What the reply says of it: kinds and counts, never values.
    pub fn summary(&self) -> Safety {
        let findings = self.found.iter().map(|((kind, category), count)| FindingCount {
            kind: kind.clone(),
            category: category.clone(),
            count: *count,
        });
        Safety { action: self.action, findings: findings.collect() }
    }

    fn note(&mut self, verdict: &SanitizeReply) {
        if severity(verdict.action) > severity(self.action) {
            self.action = verdict.action;
        }
        for finding in &verdict.findings {
            *self.found.entry((finding.kind.clone(), finding.category.clone())).or_default() += 1;
        }
    }
}

fn severity(action: Action) -> u8 {
    match action {
        Action::Allow => 0,
        Action::Redact => 1,
        Action::Flag => 2,
        Action::Human => 3,
        Action::Block => 4,
    }
}

fn blocked(direction: Direction) -> Problem {
    match direction {
        Direction::Output => Problem::blocked("the answer did not pass the safety check and was not sent"),
        _ => Problem::blocked("the message was refused by the safety check; please ask your question in other words"),
    }
}
