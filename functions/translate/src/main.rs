//! The translate function: wiring only.

use shared::serve::{ResponseMode, StartError, run};
use translate::{config::Settings, desk::Desk, detect::Detector, handler::Translate, router::Router};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    run(ResponseMode::from_env()?, async |core| {
        let router = Router::new(Settings::from_env()?.providers(&core)?, &core);
        Ok::<_, StartError>(Translate::new(Desk::new(Detector::new(), router)))
    })
    .await
}
