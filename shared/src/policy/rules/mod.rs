//! Rules that hold between the numbers of a policy. All broken ones are reported at once.

mod dependencies;
mod functions;
mod service;

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    Policy,
    form::Finding,
    sources::written,
    tree::{Node, Place},
};

/// The names of the functions, as they stand in the policy.
pub(super) const FUNCTIONS: [&str; 5] = ["orchestrate", "translate", "sanitize", "retrieve", "search"];

/// A rule that does not hold, and the fields that it is about.
pub(super) struct Broken {
    fields: Vec<Vec<String>>,
    expected: String,
}

/// Collects what is broken below one section.
struct Rules<'a> {
    section: Vec<&'a str>,
    broken: Vec<Broken>,
}

/// The rules that `policy` breaks.
pub(super) fn broken(policy: &Policy) -> Vec<Broken> {
    let mut broken = service::broken(policy);
    broken.extend(functions::broken(policy));
    broken.extend(dependencies::broken(policy));
    broken
}

impl Broken {
    /// The finding, at that field which was written last; none when one of them was at fault before.
    pub(super) fn finding(self, tree: &Node, mended: &[String]) -> Option<Finding> {
        if self.fields.iter().any(|field| mended.contains(&written(field))) {
            return None;
        }
        let layer = |field: &Vec<String>| place(tree, field).layer;
        // The first of those in the last layer.
        let path = self.fields.into_iter().rev().max_by_key(layer)?;
        Some(Finding { place: place(tree, &path), path, expected: self.expected })
    }
}

fn place(tree: &Node, path: &[String]) -> Place {
    tree.nearest(path).place
}

impl<'a> Rules<'a> {
    fn of(section: impl IntoIterator<Item = &'a str>) -> Self {
        Self { section: section.into_iter().collect(), broken: Vec::new() }
    }

    /// `fields` are paths below the section, separated by blanks.
    fn require(&mut self, holds: bool, fields: &str, expected: impl Display) {
        if !holds {
            let path = |field: &str| {
                let own = field.split('.').filter(|step| !step.is_empty());
                self.section.iter().copied().chain(own).map(str::to_owned).collect()
            };
            let fields = fields.split(' ').map(path).collect();
            self.broken.push(Broken { fields, expected: format!("expected {expected}") });
        }
    }

    /// A value within bounds.
    fn within<T: PartialOrd + Display + Copy>(&mut self, field: &str, value: T, bounds: RangeInclusive<T>) {
        let expected = format!("{} to {}; found {value}", bounds.start(), bounds.end());
        self.require(bounds.contains(&value), field, expected);
    }

    /// A count of things there must be one of.
    fn some(&mut self, field: &str, count: usize) {
        self.require(count > 0, field, "at least 1; found 0");
    }

    /// A duration that is not nothing.
    fn time(&mut self, field: &str, time: std::time::Duration) {
        self.require(!time.is_zero(), field, "a time above 0s; found 0s");
    }

    /// One time that another does not exceed. Both are given by name and value.
    fn at_most(&mut self, (one, time): (&str, std::time::Duration), (other, limit): (&str, std::time::Duration)) {
        let expected = format!("{one} ({time:?}) not to exceed {other} ({limit:?})");
        self.require(time <= limit, &format!("{one} {other}"), expected);
    }

    /// A share: above 0, up to 1.
    fn share(&mut self, field: &str, share: f64) {
        self.require(share > 0.0 && share <= 1.0, field, format!("a share above 0, up to 1; found {share}"));
    }
}
