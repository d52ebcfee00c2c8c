//! The retrieve function: wiring only.

use retrieve::{config::Config, handler::Retrieve};
use shared::serve::{ResponseMode, StartError, run};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    run(ResponseMode::Buffered, async |policy| {
        let config = Config::from_env(&policy).map_err(|error| StartError::Variable(error.to_string()))?;
        Ok::<_, StartError>(Retrieve::new(config, policy))
    })
    .await
}
