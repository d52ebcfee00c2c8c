//! The translate function: wiring only.

use shared::{
    aws,
    dynamo::ControlTable,
    gate::Gate,
    serve::{Function, ResponseMode, StartError, run},
};
use translate::{config::Settings, desk::Desk, detect::Detector, handler::Translate, router::Router};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    run(ResponseMode::from_env()?, async |policy| {
        let settings = Settings::from_env()?;
        let sdk = aws::config(&policy).await;
        let router = Router::new(settings.providers(&sdk, &policy)?, &policy.translate);
        let gate = Gate::new(policy.gate(Translate::NAME));
        let control = ControlTable::from_env(&sdk, &policy);
        Ok::<_, StartError>(Translate::new(gate, Desk::new(Detector::new(), router), control))
    })
    .await
}
