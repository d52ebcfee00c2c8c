//! Which providers there are, and where each of them is found.

use std::str::FromStr;

use super::{openai, received::Received, reply::Reply, rerank, tavily, translation};

/// A simulated third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Chat completions and embeddings, base path `/openai/v1`.
    OpenAi,
    /// Embeddings alone, as OpenAI has them, base path `/embeddings/v1`.
    Embeddings,
    /// Reranking in Cohere's shape, base path `/rerank/v2`.
    Rerank,
    /// Web search, base path `/tavily`.
    Tavily,
    /// Translation in LibreTranslate's shape, base path `/libretranslate`.
    LibreTranslate,
    /// Translation in Apertium APy's shape, base path `/apertium`.
    Apertium,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::OpenAi, Self::Embeddings, Self::Rerank, Self::Tavily, Self::LibreTranslate, Self::Apertium];

    /// The name in paths, e.g. in `/_faults/tavily`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::Tavily => "tavily",
            Self::LibreTranslate => "libretranslate",
            Self::Apertium => "apertium",
        }
    }

    /// The path under which the provider's own routes begin, without a trailing slash.
    #[must_use]
    pub fn base_path(self) -> &'static str {
        match self {
            Self::OpenAi => "/openai/v1",
            Self::Embeddings => "/embeddings/v1",
            Self::Rerank => "/rerank/v2",
            Self::Tavily => "/tavily",
            Self::LibreTranslate => "/libretranslate",
            Self::Apertium => "/apertium",
        }
    }

    /// The provider that serves `path`, and the rest of the path.
    pub(super) fn route(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|provider| {
            let rest = path.strip_prefix(provider.base_path())?;
            rest.starts_with('/').then_some((provider, rest))
        })
    }

    /// What the provider answers when it is well.
    pub(super) fn answer(self, request: &Received) -> Reply {
        match self {
            Self::OpenAi | Self::Embeddings => openai::answer(request),
            Self::Rerank => rerank::answer(request),
            Self::Tavily => tavily::answer(request),
            Self::LibreTranslate => translation::libretranslate::answer(request),
            Self::Apertium => translation::apertium::answer(request),
        }
    }

    /// An answer of the right form that cannot be true: indexes that were not sent, vectors of another dimension. Of
    /// providers without such, the right answer.
    pub(super) fn nonsense(self, request: &Received) -> Reply {
        match self {
            Self::Embeddings => openai::nonsense(),
            Self::Rerank => rerank::nonsense(request),
            _ => self.answer(request),
        }
    }

    /// An error in the provider's own envelope.
    pub(super) fn error(self, status: u16, message: &str) -> Reply {
        match self {
            Self::OpenAi | Self::Embeddings => openai::error(status, message, None),
            Self::Rerank => rerank::error(status, message),
            Self::Tavily => tavily::error(status, message),
            Self::LibreTranslate => translation::libretranslate::error(status, message),
            Self::Apertium => translation::apertium::error(status, message),
        }
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter();
        known.clone().find(|provider| provider.name() == name).ok_or_else(|| {
            let names: Vec<_> = known.map(Self::name).collect();
            format!("no provider `{name}`: one of {}", names.join(", "))
        })
    }
}
