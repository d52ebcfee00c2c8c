//! Tokens beside those of another implementation, and on their way.

use aws_config::Region;
use aws_credential_types::provider::future;
use deadpool_postgres::{Manager, ManagerConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_postgres::{NoTls, config::SslMode};

use super::*;
use crate::{
    clock,
    policy::Policy,
    postgres::{DatabaseFault, pool::pool},
};

const SERVER: &str = "postgres://navigator_app@plans.abc123.eu-central-1.rds.amazonaws.com:5433/navigator";
/// 2026-11-22T02:21:47Z
const NOW_MS: i64 = 1_795_314_107_000;

/// Credentials that do not come.
#[derive(Debug)]
struct Never;

impl ProvideCredentials for Never {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

fn credentials(session: Option<&str>) -> Credentials {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    Credentials::new("AKIDEXAMPLE", secret, session.map(str::to_owned), None, "test")
}

fn sdk(provider: impl ProvideCredentials + 'static) -> SdkConfig {
    let provider = SharedCredentialsProvider::new(provider);
    SdkConfig::builder().region(Region::new("eu-central-1")).credentials_provider(provider).build()
}

/// As of `NOW_MS`, for a day.
fn tokens(url: &str, provider: impl ProvideCredentials + 'static) -> Result<Tokens, ConfigError> {
    let since = clock::now() + Duration::from_secs(86_400);
    let wall = Wall::Virtual { since, skew_ms: NOW_MS - Wall::EPOCH_MS };
    Ok(Tokens { wall, ..Tokens::new(&url.parse().unwrap(), &sdk(provider))? })
}

async fn token(url: &str, session: Option<&str>) -> String {
    let token = tokens(url, credentials(session)).unwrap().fresh().await.unwrap();
    token.expose_secret().to_owned()
}

/// Address and parameters; the order of parameters is free.
fn parts(token: &str) -> (&str, Vec<&str>) {
    let (address, parameters) = token.split_once('?').unwrap();
    let mut parameters: Vec<_> = parameters.split('&').collect();
    parameters.sort_unstable();
    (address, parameters)
}

/// The expected ones were made by botocore 1.43, `generate_db_auth_token`, of the same credentials at the same time.
#[tokio::test]
async fn tokens_are_those_of_another_implementation() {
    let plain = "plans.abc123.eu-central-1.rds.amazonaws.com:5433/?Action=connect&DBUser=navigator_app\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Feu-central-1%2Frds-db%2Faws4_request\
        &X-Amz-Date=20261122T022147Z&X-Amz-SignedHeaders=host&X-Amz-Expires=900\
        &X-Amz-Signature=73d84f079d750087567f24fd90e23bdff22d46a98ab8fdd9618b5b04690a9984";
    assert_eq!(parts(&token(SERVER, None).await), parts(plain));
    let temporary = "plans.abc123.eu-central-1.rds.amazonaws.com:5433/?Action=connect&DBUser=navigator_app\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Feu-central-1%2Frds-db%2Faws4_request\
        &X-Amz-Date=20261122T022147Z&X-Amz-SignedHeaders=host&X-Amz-Expires=900\
        &X-Amz-Security-Token=session%2Ftoken%2Bwith%3Dsigns\
        &X-Amz-Signature=510fc94301b9c2fbf8df15053141c926ea74590487937a17c7a77ac5e43c8b70";
    assert_eq!(parts(&token(SERVER, Some("session/token+with=signs")).await), parts(temporary));
    let odd = "plans.abc123.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=odd%20user%40x\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Feu-central-1%2Frds-db%2Faws4_request\
        &X-Amz-Date=20261122T022147Z&X-Amz-SignedHeaders=host&X-Amz-Expires=900\
        &X-Amz-Signature=a4fe302349ef0b0f1f98f074f516e47c7dacb3f5f7f89e3230a7489d4fed74a7";
    let url = "postgres://odd%20user%40x@plans.abc123.eu-central-1.rds.amazonaws.com/navigator";
    assert_eq!(parts(&token(url, None).await), parts(odd));
}

#[test]
fn no_token_where_it_could_be_read_or_is_not_the_password() {
    let refused = |url: &str| tokens(url, credentials(None)).unwrap_err().to_string();
    for (url, expected) in [
        ("postgres://a@127.0.0.1/n", "by TLS"),
        ("postgres://a@localhost/n", "by TLS"),
        ("postgres://a:hunter2@db.example.org/n", "no password"),
        ("postgres://a@one.example.org,two.example.org/n", "one host"),
        ("postgres://db.example.org/n", "a user"),
    ] {
        let refused = refused(url);
        assert!(refused.starts_with("DATABASE_IAM: expected ") && refused.contains(expected), "{url}: {refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
    let nowhere = Tokens::new(&SERVER.parse().unwrap(), &SdkConfig::builder().build()).unwrap_err();
    assert!(nowhere.to_string().contains("AWS_REGION"), "{nowhere}");
}

/// The outcome of a connection to `port` of this machine, without TLS, so that a test can read what was sent.
async fn connected(tokens: Tokens, port: u16) -> DatabaseFault {
    let mut config: Config = format!("postgres://navigator_app@127.0.0.1:{port}/navigator").parse().unwrap();
    config.ssl_mode(SslMode::Disable);
    let manager = Manager::from_connect(config, ByToken { tokens, tls: NoTls }, ManagerConfig::default());
    let pool = pool(manager, &Policy::embedded().unwrap().postgres).unwrap();
    DatabaseFault::from(pool.get().await.err().unwrap())
}

/// What a client sends when it is asked for its password in clear text, as RDS asks within TLS. Then it hangs up.
async fn password(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let start = stream.read_i32().await.unwrap();
    stream.read_exact(&mut vec![0; usize::try_from(start).unwrap() - 4]).await.unwrap();
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'p');
    let length = stream.read_i32().await.unwrap();
    let mut password = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut password).await.unwrap();
    assert_eq!(password.pop(), Some(0));
    String::from_utf8(password).unwrap()
}

#[tokio::test]
async fn the_token_arrives_as_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tokens = tokens(SERVER, credentials(None)).unwrap();
    let (fault, password) = tokio::join!(connected(tokens, port), password(listener));
    assert_eq!(password, token(SERVER, None).await);
    assert!(matches!(fault, DatabaseFault::Unreachable(Some(_))), "{fault:?}");
    assert!(!format!("{fault:?}").contains("X-Amz"), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_come_are_not_waited_for_longer_than_a_connection() {
    let began = clock::now();
    let fault = connected(tokens(SERVER, Never).unwrap(), 1).await;
    assert!(matches!(fault, DatabaseFault::Unreachable(None)), "{fault:?}");
    assert_eq!(clock::now() - began, Policy::embedded().unwrap().postgres.connect);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let none = aws_credential_types::credential_fn::provide_credentials_fn(async || {
        Err(CredentialsError::not_loaded("none here"))
    });
    let fault = connected(tokens(SERVER, none).unwrap(), port).await;
    assert!(matches!(fault, DatabaseFault::Unreachable(Some(_))), "{fault:?}");
    let caller = futures_util::FutureExt::now_or_never(listener.accept());
    assert!(caller.is_none(), "{caller:?}");
}
