//! AWS AppConfig, by the extension that runs beside the function and holds a copy of the configuration:
//! <https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-integration-lambda-extensions.html>
//!
//! `NAVIGATOR_APPCONFIG` is `application/environment/configuration`; the port is that of
//! `AWS_APPCONFIG_EXTENSION_HTTP_PORT`, 2772 when it is not set. Only this machine is ever asked.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{core::Core, deadline::Deadline, http::Partner};

/// How often it is asked at most. The extension asks AppConfig itself in its own time, by default every 45 seconds.
pub(super) const PERIOD: Duration = Duration::from_secs(3);

const CONFIGURATION: &str = "NAVIGATOR_APPCONFIG";
const PORT: &str = "AWS_APPCONFIG_EXTENSION_HTTP_PORT";
const DEFAULT_PORT: u16 = 2772;
/// A wait on top of the door's own timeout would be a wait for the door.
const PATIENCE: Duration = Duration::from_millis(500);

/// One configuration.
#[derive(Debug)]
pub(super) struct AppConfig {
    name: String,
    path: String,
    extension: Partner,
}

impl AppConfig {
    /// The configuration of the environment; none when `NAVIGATOR_APPCONFIG` is not set.
    pub(super) fn from_env(core: &Core) -> Result<Option<Self>, String> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(configuration) = variable(CONFIGURATION) else { return Ok(None) };
        let port = match variable(PORT) {
            Some(port) => port.parse().map_err(|_| format!("{PORT}: expected a port such as {DEFAULT_PORT}"))?,
            None => DEFAULT_PORT,
        };
        Self::new(&configuration, port, core).map(Some)
    }

    pub(super) fn new(configuration: &str, port: u16, core: &Core) -> Result<Self, String> {
        let parts: Vec<_> = configuration.split('/').filter(|part| !part.is_empty()).map(encoded).collect();
        let [application, environment, profile] = parts.as_slice() else {
            return Err(format!("{CONFIGURATION}: expected application/environment/configuration"));
        };
        let path = format!("applications/{application}/environments/{environment}/configurations/{profile}");
        let extension = Partner::on_this_machine("appconfig", CONFIGURATION, port, core).map_err(|e| e.to_string())?;
        Ok(Self { name: format!("appconfig {configuration}"), path, extension })
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The configuration as the extension holds it now.
    pub(super) async fn read(&self) -> Result<String, String> {
        let text = self.extension.text(Deadline::within(PATIENCE), &self.path).await;
        text.map_err(|error| format!("the extension did not bring it: {}", error.reason()))
    }
}

fn encoded(part: &str) -> String {
    utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()
}
