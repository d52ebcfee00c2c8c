//! One AWS configuration for each process: credentials and connections are shared by all its SDK clients.

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

use crate::policy::Policy;

/// Loads the configuration. The SDK neither retries nor waits on its own: that is the dependency's to decide.
pub async fn config(policy: &Policy) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(policy.http.connect).build();
    let loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(RetryConfig::disabled());
    loader.timeout_config(timeouts).load().await
}
