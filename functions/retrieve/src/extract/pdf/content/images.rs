//! Pictures within the operators (`BI .. ID .. EI`): bytes, which the library reads only when they are not packed.

/// A picture is described in fewer bytes.
const LONGEST_HEAD: usize = 1024;

/// The operators without the pictures.
pub(super) fn without(operators: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(operators.len());
    let mut rest = operators;
    while let Some((before, after)) = image(rest) {
        kept.extend_from_slice(&rest[..before]);
        rest = &rest[after..];
    }
    kept.extend_from_slice(rest);
    kept
}

/// Where the first picture starts and ends. One that does not end is left to the library to refuse.
fn image(operators: &[u8]) -> Option<(usize, usize)> {
    let (mut from, mut head) = (0, 0);
    loop {
        let starts = from + word(&operators[from..], b"BI")?;
        from = starts + 2;
        // Looked for once, however many would begin before it.
        if head < from {
            head = from + word(&operators[from..], b"ID")?;
        }
        // The letters may also stand in a string.
        let near = &operators[from..head];
        if near.len() < LONGEST_HEAD && near.trim_ascii_start().starts_with(b"/") {
            let data = head + 2;
            return Some((starts, data + word(&operators[data..], b"EI")? + 2));
        }
    }
}

/// Where `word` stands alone.
fn word(operators: &[u8], word: &[u8]) -> Option<usize> {
    let is_space = |at: Option<usize>| at.and_then(|at| operators.get(at)).is_none_or(u8::is_ascii_whitespace);
    let mut windows = operators.windows(word.len()).enumerate();
    let alone = |at: usize| is_space(at.checked_sub(1)) && is_space(Some(at + word.len()));
    windows.find(|&(at, window)| window == word && alone(at)).map(|(at, _)| at)
}
