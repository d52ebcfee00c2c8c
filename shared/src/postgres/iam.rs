//! Passwords that AWS credentials sign: IAM database authentication of RDS and Aurora.
//!
//! A token is a presigned request (Signature Version 4) to `connect` as a user, without its scheme. It is made here, of the
//! credentials that all AWS clients share, and nothing is sent for it. It opens connections for 15 minutes, so that each
//! connection gets its own, and those that are open stay so.
//! See "Connecting to your DB instance using IAM authentication" in the Amazon RDS User Guide.

use std::{
    pin::Pin,
    time::{Duration, UNIX_EPOCH},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningError, SigningSettings, sign},
    sign::v4::{SigningParams, signing_params::BuildError},
};
use deadpool_postgres::{ConfigConnectImpl, Connect};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Socket,
    config::Host,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{ConfigError, tls};
use crate::clock::Wall;

/// The most that AWS grants.
const VALID: Duration = Duration::from_secs(15 * 60);
const SERVICE: &str = "rds-db";
const SCHEME: &str = "https://";
const DEFAULT_PORT: u16 = 5432;
/// What RFC 3986 leaves as it is, and so does AWS.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes tokens for one user of one server. Clones share the credentials.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    host: String,
    port: u16,
    user: String,
    region: String,
    credentials: SharedCredentialsProvider,
    wall: Wall,
}

/// Connects with a fresh token as the password.
pub(super) struct ByToken<T> {
    pub(super) tokens: Tokens,
    pub(super) tls: T,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum Unsigned {
    #[error("no credentials")]
    Credentials(#[from] CredentialsError),
    #[error("incomplete")]
    Incomplete(#[from] BuildError),
    #[error("not to be signed")]
    Signing(#[from] SigningError),
}

impl Tokens {
    /// For the user of `config`, signed by the credentials of `sdk` for its region. Refused where the token would be sent
    /// without TLS, and where it would not be the password.
    pub(super) fn new(config: &Config, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        if tls::is_needless(config) {
            return Err(ConfigError::Iam("a database that is reached by TLS, not one of this machine"));
        }
        if config.get_password().is_some() {
            return Err(ConfigError::Iam("no password in DATABASE_URL"));
        }
        let [Host::Tcp(host)] = config.get_hosts() else { return Err(ConfigError::Iam("one host in DATABASE_URL")) };
        Ok(Self {
            host: host.clone(),
            port: config.get_ports().first().copied().unwrap_or(DEFAULT_PORT),
            user: config.get_user().ok_or(ConfigError::Iam("a user in DATABASE_URL"))?.to_owned(),
            region: sdk.region().ok_or(ConfigError::Iam("a region in AWS_REGION"))?.to_string(),
            credentials: sdk.credentials_provider().ok_or(ConfigError::Iam("AWS credentials"))?,
            wall: Wall::System,
        })
    }

    /// A token as of now.
    async fn fresh(&self) -> Result<SecretString, Unsigned> {
        self.signed(self.credentials.provide_credentials().await?)
    }

    fn signed(&self, credentials: Credentials) -> Result<SecretString, Unsigned> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(VALID);
        let now = Duration::from_millis(u64::try_from(self.wall.now_ms()).unwrap_or_default());
        let (identity, builder) = (credentials.into(), SigningParams::builder());
        let builder = builder.identity(&identity).region(&self.region).name(SERVICE).time(UNIX_EPOCH + now);
        let parameters = builder.settings(settings).build()?.into();
        let user = utf8_percent_encode(&self.user, QUERY);
        let mut url = format!("{SCHEME}{}:{}/?Action=connect&DBUser={user}", self.host, self.port);
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]))?;
        let (signature, _) = sign(request, &parameters)?.into_parts();
        for (name, value) in signature.params() {
            url.extend(["&", name, "="].into_iter().chain(utf8_percent_encode(value, QUERY)));
        }
        Ok(SecretString::from(url.split_off(SCHEME.len())))
    }
}

impl<T> Connect for ByToken<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    /// The pool bounds all of it, the wait for credentials too, by the policy's `postgres.connect`.
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>> {
        let mut config = config.clone();
        Box::pin(async move {
            match self.tokens.fresh().await {
                Ok(token) => config.password(token.expose_secret()),
                Err(error) => {
                    tracing::warn!(cause = ?error, "no token for the database");
                    // The driver's errors are made by the driver alone: it refuses settings without a server.
                    config = Config::new();
                    &mut config
                }
            };
            ConfigConnectImpl { tls: self.tls.clone() }.connect(&config).await
        })
    }
}

#[cfg(test)]
mod tests;
