//! The door alone, on the paused clock.
