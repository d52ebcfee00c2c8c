//! Detects languages and translates, by the first provider that can
