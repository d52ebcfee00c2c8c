//! Wiring: settings, provider, function.

use search::{config::Settings, desk::Desk, handler::Search};
use shared::{
    aws,
    dynamo::ControlTable,
    gate::Gate,
    serve::{Function, ResponseMode, StartError, run},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(ResponseMode::from_env()?, async |policy| {
        let provider = Settings::from_env().provider(&policy)?;
        let sdk = aws::config(&policy).await;
        let control = ControlTable::from_env(&sdk, &policy);
        let gate = Gate::new(policy.gate(Search::NAME));
        Ok::<_, StartError>(Search::new(gate, Desk::new(provider, &policy.search), control))
    })
    .await?;
    Ok(())
}
