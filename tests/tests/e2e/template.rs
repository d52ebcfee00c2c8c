//! What is deployed and what the policy says are the same.

use anyhow::{Context, Result};
use shared::policy::Policy;
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

/// The number behind `ReservedConcurrentExecutions` in the resource that begins with `heading`.
fn reserved(template: &str, heading: &str) -> Option<usize> {
    let resource = template.split(&format!("\n{heading}\n")).nth(1)?;
    let lines =
        resource.lines().take_while(|line| line.is_empty() || line.starts_with("   ") || line.starts_with("  #"));
    let line = lines.map(str::trim).find(|line| line.starts_with("ReservedConcurrentExecutions:"))?;
    line.rsplit(' ').next()?.parse().ok()
}
