//! Wiring: gate, function.

use sanitize::handler::Sanitize;
use shared::{
    aws,
    dynamo::ControlTable,
    gate::Gate,
    serve::{Function, ResponseMode, StartError, run},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(ResponseMode::from_env()?, async |policy| {
        let sdk = aws::config(&policy).await;
        let control = ControlTable::from_env(&sdk, &policy);
        let gate = Gate::new(policy.gate(Sanitize::NAME));
        Ok::<_, StartError>(Sanitize::new(gate, control, policy.sanitize.heuristics))
    })
    .await?;
    Ok(())
}
