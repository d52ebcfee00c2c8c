//! What is wrong with a policy, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, or the variable of the environment.
    pub file: String,
    /// Line and column in the file, from 1; a variable has neither.
    pub place: Option<(u64, u64)>,
    /// The value's path, such as `service.total`; empty for the file as a whole.
    pub path: String,
    /// What was expected there, and what was found.
    pub expected: String,
}

/// All that is wrong, in the order of the files.
#[derive(Clone, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(out, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(out, ": {}", self.path)?;
        }
        write!(out, ": {}", self.expected)
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, violation) in self.0.iter().enumerate() {
            let before = if number == 0 { "" } else { "\n" };
            write!(out, "{before}{violation}")?;
        }
        Ok(())
    }
}

// What stops a start is printed by `Debug`: it must read as well there.
impl fmt::Debug for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\n{self}\n")
    }
}
