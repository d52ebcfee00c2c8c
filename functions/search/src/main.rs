//! Wiring: settings, provider, function.

use search::{config::Settings, desk::Desk, handler::Search};
use shared::serve::{ResponseMode, StartError, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(ResponseMode::from_env()?, async |core| {
        let provider = Settings::from_env().provider(&core)?;
        Ok::<_, StartError>(Search::new(Desk::new(provider, &core.policy().search), core))
    })
    .await?;
    Ok(())
}
