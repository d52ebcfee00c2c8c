//! The table of word vectors. It is half of the model and a text needs some rows of it, so it stays in its file: reading a
//! row takes a microsecond, reading the table would double the memory and the time until the first answer.

use std::{fs::File, io, os::unix::fs::FileExt};

/// Rows of numbers in a file.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) file: File,
    /// Where the first row begins.
    pub(super) start: u64,
    /// Numbers in a row.
    pub(super) width: usize,
}

impl Words {
    /// The rows of `tokens`, which are all in the vocabulary.
    pub(super) fn rows(&self, tokens: &[u32]) -> io::Result<Vec<f32>> {
        let mut row = vec![0; self.width * size_of::<f32>()];
        let mut rows = Vec::with_capacity(tokens.len() * self.width);
        let stride = row.len() as u64;
        for token in tokens {
            self.file.read_exact_at(&mut row, self.start + u64::from(*token) * stride)?;
            rows.extend(floats(&row));
        }
        Ok(rows)
    }
}

/// The numbers of a stretch of the file.
pub(super) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}
