//! Finds the passages that answer a question, dense and lexical together
