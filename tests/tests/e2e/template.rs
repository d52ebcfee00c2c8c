//! What is deployed, what the policy says, and what the proof of capacity counts with are the same.

use anyhow::{Context, Result};
use local::capacity::{Verdict, proof};
use shared::policy::{Policy, Sources};
use tests::assembly::root;

#[test]
fn reserved_concurrency_of_the_template_is_the_policys() -> Result<()> {
    let template = std::fs::read_to_string(root().join("template.yaml"))?;
    let policy = Policy::embedded()?;
    for function in ["Orchestrate", "Translate", "Sanitize", "Retrieve", "Search"] {
        let reserved = reserved(&template, &format!("  {function}Function:")).context(function)?;
        assert_eq!(reserved, policy.function(&function.to_lowercase()).reserved_concurrency, "{function}");
    }
    Ok(())
}

/// The proof counts with the environments that the template really reserves, in every stage that it can be deployed to.
#[test]
fn the_fleet_of_the_template_fits_in_every_stage() -> Result<()> {
    let template = std::fs::read_to_string(root().join("template.yaml"))?;
    let deployed: usize = ["Orchestrate", "Translate", "Sanitize", "Retrieve", "Search"]
        .iter()
        .filter_map(|function| reserved(&template, &format!("  {function}Function:")))
        .sum();
    for stage in stages(&template)? {
        let policy = Sources::shipped().for_stage(&stage).policy()?;
        let lines = proof(&policy, 1);
        let environments = lines.iter().find(|line| line.what == "lambda environments").context("environments")?;
        assert_eq!(environments.worst, u64::try_from(deployed).ok(), "{stage}");
        let broken: Vec<_> = lines.iter().filter(|line| line.verdict == Verdict::TooMuch).collect();
        assert!(broken.is_empty(), "{stage}: {broken:#?}");
    }
    Ok(())
}

/// The template offers exactly the stages of the policy.
fn stages(template: &str) -> Result<Vec<String>> {
    let offered = template.split("\n  Stage:\n").nth(1).context("the parameter Stage")?;
    let offered = offered.split("AllowedValues: [").nth(1).and_then(|rest| rest.split(']').next()).context("values")?;
    let mut offered: Vec<_> = offered.split(", ").map(str::to_owned).collect();
    offered.sort();
    let known: Vec<_> = Sources::shipped().stages()?.into_iter().collect();
    assert_eq!(offered, known);
    Ok(offered)
}

/// The number behind `ReservedConcurrentExecutions` in the resource that begins with `heading`.
fn reserved(template: &str, heading: &str) -> Option<usize> {
    let resource = template.split(&format!("\n{heading}\n")).nth(1)?;
    let lines =
        resource.lines().take_while(|line| line.is_empty() || line.starts_with("   ") || line.starts_with("  #"));
    let line = lines.map(str::trim).find(|line| line.starts_with("ReservedConcurrentExecutions:"))?;
    line.rsplit(' ').next()?.parse().ok()
}
