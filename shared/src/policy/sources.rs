//! Where a policy comes from, and how its layers are laid over each other.
//!
//! In this order, later over earlier: the shipped file, its section for this stage, and for each further file the
//! file and its section for this stage. `NAVIGATOR_TOTAL_BUDGET` comes last.

use std::{collections::BTreeSet, path::Path, time::Duration};

use super::{
    Dependencies, Policy, PolicyError, Violation, Violations,
    form::{self, Finding},
    rules,
    tree::{Content, Node},
};

/// The section that holds one partial policy for each stage.
const STAGES: &str = "stages";
const STAGE: &str = "NAVIGATOR_STAGE";
const FILE: &str = "NAVIGATOR_POLICY";
const TOTAL: &str = "NAVIGATOR_TOTAL_BUDGET";

/// A policy file, whole or partial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// What errors call it.
    pub name: String,
    /// YAML.
    pub text: String,
}

/// Everything that makes the policy of a process.
#[derive(Clone, Debug)]
pub struct Sources {
    stage: Option<String>,
    total: Option<String>,
    files: Vec<PolicyFile>,
}

impl Sources {
    /// The shipped file alone.
    pub fn shipped() -> Self {
        Self::of(PolicyFile { name: "infra/policy.yaml".to_owned(), text: super::EMBEDDED.to_owned() })
    }

    pub(super) fn of(whole: PolicyFile) -> Self {
        Self { stage: None, total: None, files: vec![whole] }
    }

    /// The shipped file as `NAVIGATOR_STAGE` and `NAVIGATOR_TOTAL_BUDGET` change it, without `NAVIGATOR_POLICY`.
    pub fn from_env() -> Self {
        Self { stage: variable(STAGE), total: variable(TOTAL), ..Self::shipped() }
    }

    /// .. for a stage of the deployment.
    #[must_use]
    pub fn for_stage(mut self, stage: &str) -> Self {
        self.stage = Some(stage.to_owned());
        self
    }

    /// .. with all ceilings on the way of a request lengthened to `total`, such as `20s`.
    #[must_use]
    pub fn with_total(mut self, total: &str) -> Self {
        self.total = Some(total.to_owned());
        self
    }

    /// .. with a file laid over what there is.
    #[must_use]
    pub fn with(mut self, file: PolicyFile) -> Self {
        self.files.push(file);
        self
    }

    /// The stages that the files know.
    pub fn stages(&self) -> Result<BTreeSet<String>, PolicyError> {
        let mut violations = Vec::new();
        let stages = self.parsed(&mut violations).into_iter().flat_map(|file| file.stages).map(|(name, _)| name);
        let stages = stages.collect();
        if violations.is_empty() { Ok(stages) } else { Err(PolicyError::Refused(Violations(violations))) }
    }

    /// The policy, or everything that is wrong with it.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        let mut violations = Vec::new();
        let parsed = self.parsed(&mut violations);
        if !violations.is_empty() {
            return Err(PolicyError::Refused(Violations(violations)));
        }
        violations.extend(self.unknown_stage(&parsed));
        let (policy, findings) = checked(self.layered(parsed));
        violations.extend(self.located(findings));
        let Some(mut policy) = policy.filter(|_| violations.is_empty()) else {
            return Err(PolicyError::Refused(Violations(violations)));
        };
        policy.lengthen(self.total.as_deref())?;
        Ok(policy)
    }

    fn parsed(&self, violations: &mut Vec<Violation>) -> Vec<Parsed> {
        let mut parsed = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            let outcome = Node::parse(&file.text).and_then(|tree| Parsed::new(tree, 2 * number));
            match outcome {
                Ok(tree) => parsed.push(tree),
                Err((place, expected)) => {
                    let place = Some((place.line.max(1), place.column.max(1)));
                    violations.push(Violation { file: file.name.clone(), place, path: String::new(), expected });
                }
            }
        }
        parsed
    }

    fn unknown_stage(&self, parsed: &[Parsed]) -> Option<Violation> {
        let stage = self.stage.as_ref()?;
        let known: BTreeSet<_> = parsed.iter().flat_map(|file| &file.stages).map(|(name, _)| name.as_str()).collect();
        if known.contains(stage.as_str()) {
            return None;
        }
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let expected = format!("expected a stage of the policy, one of {known}; found {stage:?}");
        Some(Violation { file: STAGE.to_owned(), place: None, path: String::new(), expected })
    }

    /// The shipped layers merged, and all layers merged.
    fn layered(&self, parsed: Vec<Parsed>) -> (Node, Node) {
        let mut files = parsed.into_iter().map(|file| file.layers(self.stage.as_deref()));
        let empty = || Node { key: <_>::default(), place: <_>::default(), content: Content::Map(<_>::default()) };
        let mut shipped = empty();
        files.next().into_iter().flatten().for_each(|layer| shipped.merge(layer));
        let mut all = shipped.clone();
        files.flatten().for_each(|layer| all.merge(layer));
        Dependencies::resolve(&mut shipped);
        Dependencies::resolve(&mut all);
        (shipped, all)
    }

    /// Findings by file, line and column; what several sections inherit is said once.
    fn located(&self, mut findings: Vec<Finding>) -> Vec<Violation> {
        findings.sort_by_key(|finding| finding.place);
        let mut seen = BTreeSet::new();
        findings.retain(|finding| seen.insert((finding.place, finding.path.last().cloned(), finding.expected.clone())));
        let violation = |finding: Finding| Violation {
            file: self.files.get(finding.place.layer / 2).map_or(String::new(), |file| file.name.clone()),
            place: Some((finding.place.line, finding.place.column)),
            path: written(&finding.path),
            expected: finding.expected,
        };
        findings.into_iter().map(violation).collect()
    }
}

/// A file, its stages apart.
struct Parsed {
    base: Node,
    stages: Vec<(String, Node)>,
}

impl Parsed {
    fn new(mut tree: Node, layer: usize) -> Result<Self, (super::tree::Place, String)> {
        if !matches!(tree.content, Content::Map(_)) && !tree.is_null() {
            return Err((tree.place, "expected sections such as `service:`".to_owned()));
        }
        let stages = tree.entries().and_then(|sections| sections.remove(STAGES));
        let stages = match stages.map(|node| (node.place, node.content)) {
            None => Vec::new(),
            Some((_, Content::Map(stages))) => {
                stages.into_iter().map(|(name, node)| (name, node.in_layer(layer + 1))).collect()
            }
            Some((place, _)) => {
                return Err((place, "stages: expected the names of stages, each with what differs".to_owned()));
            }
        };
        Ok(Self { base: tree.in_layer(layer), stages })
    }

    fn layers(self, stage: Option<&str>) -> impl Iterator<Item = Node> {
        let chosen = self.stages.into_iter().find(|(name, _)| stage == Some(name)).map(|(_, node)| node);
        std::iter::once(self.base).chain(chosen)
    }
}

/// First the form, then the rules between the values; none of a rule about a value that has been mended.
fn checked((shipped, mut all): (Node, Node)) -> (Option<Policy>, Vec<Finding>) {
    let (policy, mut findings) = form::typed(&mut all, &shipped);
    let mended: Vec<_> = findings.iter().map(|finding| written(&finding.path)).collect();
    if let Some(policy) = &policy {
        findings.extend(rules::broken(policy).into_iter().filter_map(|rule| rule.finding(&all, &mended)));
    }
    (policy, findings)
}

/// A path as it is written in the file: the limits of a dependency stand right below its name.
pub(super) fn written(path: &[String]) -> String {
    let limits = path.len() > 3 && path[0] == "dependencies" && path[1] == "overrides" && path[3] == "limits";
    let steps = path.iter().enumerate().filter(|(place, _)| !(limits && *place == 3)).map(|(_, step)| step.as_str());
    steps.collect::<Vec<_>>().join(".")
}

impl PolicyFile {
    /// The file named by `NAVIGATOR_POLICY`, if any.
    pub fn named() -> Option<String> {
        variable(FILE)
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(source) => Err(PolicyError::Unreadable { path: name, source }),
        }
    }
}

impl Policy {
    /// `sam local` pays a container start in the first calls: one variable lengthens every ceiling on the way.
    fn lengthen(&mut self, total: Option<&str>) -> Result<(), PolicyError> {
        let Some(total) = total else { return Ok(()) };
        let span: jiff::SignedDuration = total.parse().map_err(|_| PolicyError::Variable(TOTAL))?;
        let total = Duration::try_from(span).map_err(|_| PolicyError::Variable(TOTAL))?;
        self.stretch(total);
        Ok(())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
