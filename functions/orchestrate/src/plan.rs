//! Which tools run, and in which wave. Rules; a model that calls tools takes their place when one is configured for it.

/// A tool that brings sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Passages of the documents. The answer rests on them: without it there is none.
    Retrieve,
    /// Pages of the live web. The answer can do without.
    Search,
}

/// Tools that run at the same time.
pub type Wave = Vec<Tool>;

impl Tool {
    /// Its name in replies and in the policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrieve => "retrieve",
            Self::Search => "search",
        }
    }

    /// Whether the answer needs it.
    pub fn is_required(self) -> bool {
        self == Self::Retrieve
    }
}

/// Documents and web at once, in one wave, when the web is there at all.
pub fn plan(search_is_configured: bool) -> Vec<Wave> {
    let mut wave = vec![Tool::Retrieve];
    wave.extend(search_is_configured.then_some(Tool::Search));
    vec![wave]
}
