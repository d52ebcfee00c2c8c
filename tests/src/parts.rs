//! Which tests ran against which real parts: `make test` counts the lines.

use std::{fs::OpenOptions, io::Write};

/// Notes that the running test uses `part`, in the file that `NAVIGATOR_TEST_PARTS` names; nowhere without it.
pub fn used(part: &str) {
    let Ok(file) = std::env::var("NAVIGATOR_TEST_PARTS") else { return };
    let thread = std::thread::current();
    let line = format!("{part} {}\n", thread.name().unwrap_or("unnamed"));
    // One write of one line: tests of other processes append to the same file.
    let noted =
        OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| file.write_all(line.as_bytes()));
    drop(noted);
}
