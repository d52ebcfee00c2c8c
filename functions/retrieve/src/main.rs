//! The retrieve function: wiring only.

use retrieve::{config::Config, handler::Retrieve};
use shared::serve::{ResponseMode, StartError, run};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    run(ResponseMode::Buffered, async |core| {
        let config = Config::from_env(&core).map_err(|error| StartError::Variable(error.to_string()))?;
        Ok::<_, StartError>(Retrieve::new(config, core))
    })
    .await
}
