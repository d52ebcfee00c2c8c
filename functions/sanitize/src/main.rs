//! The sanitize function: wiring only.

use sanitize::handler::Sanitize;
use shared::serve::{ResponseMode, StartError, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run(ResponseMode::from_env()?, async |core| Ok::<_, StartError>(Sanitize::new(core))).await?;
    Ok(())
}
