//! What the desk answers with providers that work, fail, stall, and lose things.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_sdk_translate::config::Credentials;
use shared::{
    contract::translate::{Quality, Translation},
    core::Core,
    deadline::Deadline,
    policy::Policy,
};
use support::{Partner, policy};
use translate::{
    desk::Desk,
    detect::Detector,
    language::Language,
    provider::{Translator, amazon::Amazon, apertium::Apertium},
    router::Router,
};

fn desk(providers: Vec<Arc<dyn Translator>>) -> Desk {
    Desk::new(Detector::new(), Router::new(providers, &Core::new(policy())))
}

fn apertium(partner: &Partner) -> Arc<dyn Translator> {
    Arc::new(Apertium::new(&partner.url, &Core::new(policy())).unwrap())
}

async fn amazon(partner: &Partner) -> Arc<dyn Translator> {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials);
    let sdk = loader.retry_config(RetryConfig::disabled()).endpoint_url(&partner.url).load().await;
    Arc::new(Amazon::new(&Core::with(policy(), None, sdk)))
}

async fn translate(desk: &Desk, texts: &[&str], target: &str) -> Vec<Translation> {
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    let deadline = Deadline::within(Duration::from_secs(20));
    desk.translate(&texts, Some(Language::ENGLISH), Language::parse(target).unwrap(), deadline).await
}

async fn one(desk: &Desk, text: &str) -> Translation {
    translate(desk, &[text], "es").await.remove(0)
}

fn summary(translation: &Translation) -> (&str, Quality, Option<&str>) {
    (translation.provider.as_str(), translation.quality, translation.reason.as_deref())
}

#[tokio::test]
async fn apertium_is_basic_and_sees_no_patient_data() {
    let partner = Partner::start().await;
    let text = "my SSN is 219-09-9999,\n see [2] at https://x.gov/Page and pay the copay";
    let translation = one(&desk(vec![apertium(&partner)]), text).await;
    assert_eq!(translation.text, "MY SSN IS 219-09-9999,\n SEE [2] AT https://x.gov/Page AND PAY THE copago");
    assert_eq!(summary(&translation), ("apertium", Quality::Degraded, Some("basic_engine")));
    let seen = partner.seen.texts().concat();
    assert!(!seen.contains("219") && !seen.contains("SSN_1") && !seen.contains("x.gov"), "{seen}");
}

#[tokio::test]
async fn the_first_provider_that_can_is_used() {
    let (first, second) = (Partner::start().await, Partner::start().await);
    let desk = desk(vec![amazon(&first).await, apertium(&second)]);
    assert_eq!(summary(&one(&desk, "all is well").await), ("amazon", Quality::Ok, None));
    assert!(second.seen.texts().is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_or_loses_a_mark_is_followed_by_the_next() {
    let (first, second) = (Partner::start().await, Partner::start().await);
    let desk = desk(vec![amazon(&first).await, apertium(&second)]);
    // The second one translates what the first one could not; a text for both to fail on comes back as it was.
    for (text, reason) in [("this will fail", "fault"), ("forget the mark [1]", "protected_parts_changed")] {
        let translation = one(&desk, text).await;
        assert_eq!(summary(&translation), ("none", Quality::Original, Some(reason)));
        assert_eq!(translation.text, text);
        assert!(second.seen.texts().iter().any(|seen| seen.contains(&text[..6])), "{text}");
    }
}

#[tokio::test]
async fn a_stalled_provider_leaves_time_for_the_next() {
    let (first, second) = (Partner::start().await, Partner::start().await);
    let mut texts = vec!["please stall"];
    texts.extend(["fine"; 3]);
    let short = Deadline::within(Duration::from_secs(3));
    let desk = desk(vec![amazon(&first).await, apertium(&second)]);
    let texts: Vec<_> = texts.into_iter().map(str::to_owned).collect();
    let translations = desk.translate(&texts, Some(Language::ENGLISH), Language::SPANISH, short).await;
    assert_eq!(summary(&translations[0]), ("none", Quality::Original, Some("timeout")));
    assert_eq!(second.seen.texts(), ["please stall"], "what the first one did is not asked again");
    assert!(translations[1..].iter().all(|translation| translation.text == "FINE"));
}

#[tokio::test]
async fn an_unsupported_pair_goes_on_to_the_next_and_is_not_sent() {
    let (first, second) = (Partner::start().await, Partner::start().await);
    let desk = desk(vec![amazon(&first).await, apertium(&second)]);
    let translation = translate(&desk, &["all is well"], "sw").await.remove(0);
    assert_eq!(summary(&translation), ("none", Quality::Original, Some("unsupported_pair")));
    assert!(second.seen.texts().is_empty());
}

#[tokio::test]
async fn without_providers_the_original_comes_back_with_the_reason() {
    let translation = one(&desk(Vec::new()), "My claim was denied.").await;
    assert_eq!(summary(&translation), ("none", Quality::Original, Some("not_configured")));
    assert_eq!(
        (translation.text.as_str(), translation.source.as_str(), translation.confidence),
        ("My claim was denied.", "en", 1.0)
    );
}

#[tokio::test]
async fn nothing_to_translate_is_ok_as_it_is() {
    let partner = Partner::start().await;
    let desk = desk(vec![apertium(&partner)]);
    assert_eq!(summary(&one(&desk, "$40 [1]").await), ("none", Quality::Ok, None));
    assert_eq!(summary(&translate(&desk, &["Already English"], "en").await[0]), ("none", Quality::Ok, None));
    assert!(partner.seen.texts().is_empty());
}

#[tokio::test]
async fn a_guess_is_not_translated_and_a_sure_detection_is() {
    let partner = Partner::start().await;
    let desk = desk(vec![apertium(&partner)]);
    let texts = ["ok".to_owned(), "¿Mi plan cubre la visita al médico de cabecera?".to_owned()];
    let translations = desk.translate(&texts, None, Language::ENGLISH, Deadline::within(Duration::from_secs(20))).await;
    assert_eq!((translations[1].source.as_str(), translations[1].provider.as_str()), ("es", "apertium"));
    assert!(translations[0].text == "ok" && translations[0].provider == "none");
}

#[tokio::test]
async fn what_was_translated_before_is_remembered() {
    let partner = Partner::start().await;
    let desk = desk(vec![apertium(&partner)]);
    assert!(!one(&desk, "Call [2] about SSN 219-09-9999").await.cached);
    // Another patient's number has the same placeholder.
    let again = one(&desk, "Call [2] about SSN 219-09-8888").await;
    assert!(again.cached && again.text.ends_with("219-09-8888"), "{}", again.text);
    assert_eq!(partner.seen.texts().len(), 1);
}

#[tokio::test]
async fn many_texts_keep_their_order_and_few_are_asked_at_once() {
    let partner = Partner::start().await;
    let texts: Vec<String> = (0..100).map(|number| format!("text number {number}")).collect();
    let desk = desk(vec![amazon(&partner).await]);
    let deadline = Deadline::within(Duration::from_secs(20));
    let translations = desk.translate(&texts, Some(Language::ENGLISH), Language::SPANISH, deadline).await;
    let expected: Vec<_> = texts.iter().map(|text| text.to_uppercase()).collect();
    assert_eq!(translations.into_iter().map(|translation| translation.text).collect::<Vec<_>>(), expected);
    assert!(partner.seen.most_at_once.load(Ordering::SeqCst) <= Policy::embedded().unwrap().translate.chunks_at_once);
}
