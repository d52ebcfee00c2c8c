//! The orchestrate function: wiring only.

use orchestrate::{Config, Orchestrate};
use shared::serve::{ResponseMode, StartError, run};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    run(ResponseMode::from_env()?, async |core| {
        let config = Config::from_env(&core)?;
        Ok::<_, StartError>(Orchestrate::new(config, core))
    })
    .await
}
