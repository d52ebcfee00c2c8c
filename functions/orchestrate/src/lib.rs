//! Answers a question: plan, waves of tools, composition with citations
