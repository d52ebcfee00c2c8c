//! When a partner that refuses wants to be asked again, from the headers of its refusal.
//!
//! `Retry-After` says it best (RFC 9110, section 10.2.3). Without one, the limits that are used up say when they are
//! full again: `x-ratelimit-reset-requests: 6m0s` (OpenAI, "Rate limits in headers") or
//! `anthropic-ratelimit-requests-reset: 2026-11-21T16:00:00Z` (Anthropic, "Rate limits: response headers"). What cannot be
//! read, is over, or is no time at all counts as not said.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// No partner can silence itself for longer; whoever obeys has a shorter bound of its own.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A time is short; more is not one.
const LONGEST_VALUE: usize = 64;

/// What a limit counts: what is left of it, when it is full again.
const LIMITS: [(&str, &str); 6] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
];

/// The pause that is asked for, from `now_ms` (milliseconds since the epoch) on. More than nothing, at most a day.
pub(super) fn asked(headers: &HeaderMap, now_ms: u64) -> Option<Duration> {
    // Its own clock, so that ours need not agree with it.
    let now = text(headers, DATE.as_str()).and_then(date).or_else(|| milliseconds(now_ms))?;
    let said =
        text(headers, RETRY_AFTER.as_str()).and_then(|value| seconds(value).or_else(|| until(date(value)?, now)));
    said.or_else(|| used_up(headers, now)).filter(|pause| !pause.is_zero()).map(|pause| pause.min(LONGEST))
}

/// The longest pause of the limits of which nothing is left.
fn used_up(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let empty = LIMITS.iter().filter(|(remaining, _)| text(headers, remaining) == Some("0"));
    let resets = empty.filter_map(|(_, reset)| text(headers, reset));
    resets.filter_map(|reset| span(reset).or_else(|| until(reset.parse().ok()?, now))).max()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (value.len() <= LONGEST_VALUE).then_some(value)
}

/// Whole seconds by the standard; some send a fraction.
fn seconds(value: &str) -> Option<Duration> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = value.parse().ok().filter(|_| plain)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))
}

/// `1s`, `6m0s`, `20ms`, `1h2m3.5s`.
fn span(value: &str) -> Option<Duration> {
    value.parse::<SignedDuration>().ok()?.try_into().ok()
}

/// `Sat, 21 Nov 2026 16:00:00 GMT`.
fn date(value: &str) -> Option<Timestamp> {
    rfc2822::parse(value).ok().map(|date| date.timestamp())
}

fn until(then: Timestamp, now: Timestamp) -> Option<Duration> {
    then.duration_since(now).try_into().ok()
}

fn milliseconds(now_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sat, 21 Nov 2026 16:00:00 GMT.
    const NOW_MS: u64 = 1_795_276_800_000;

    fn of(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        asked(&headers.collect(), NOW_MS)
    }

    #[test]
    fn retry_after_in_seconds_or_as_a_date() {
        assert_eq!(of(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(of(&[("retry-after", " 0.25 ")]), Some(Duration::from_millis(250)));
        assert_eq!(of(&[("retry-after", "Sat, 21 Nov 2026 16:00:30 GMT")]), Some(Duration::from_secs(30)));
        // Both from the partner's clock, which is an hour ahead of ours.
        let there = [("date", "Sat, 21 Nov 2026 17:00:00 GMT"), ("retry-after", "Sat, 21 Nov 2026 17:00:05 GMT")];
        assert_eq!(of(&there), Some(Duration::from_secs(5)));
    }

    #[test]
    fn openai_says_when_a_used_up_limit_is_full_again() {
        let requests = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(of(&requests), Some(Duration::from_secs(1)), "tokens are left");
        let both = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "20ms"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(of(&both), Some(Duration::from_secs(360)));
        for (reset, milliseconds) in [("7.66s", 7_660), ("1h2m3.5s", 3_723_500), ("2m59.56s", 179_560), ("120ms", 120)]
        {
            let headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", reset)];
            assert_eq!(of(&headers), Some(Duration::from_millis(milliseconds)), "{reset}");
        }
    }

    #[test]
    fn anthropic_says_it_as_a_point_in_time() {
        let headers = [
            ("anthropic-ratelimit-requests-remaining", "42"),
            ("anthropic-ratelimit-requests-reset", "2026-11-21T16:00:01Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-21T16:00:12Z"),
        ];
        assert_eq!(of(&headers), Some(Duration::from_secs(12)));
        let also_said = [&headers[..], &[("retry-after", "9")]].concat();
        assert_eq!(of(&also_said), Some(Duration::from_secs(9)), "the plain word counts first");
    }

    #[test]
    fn what_is_no_time_is_not_said() {
        for value in ["", "-1", "-0", "NaN", "inf", "-inf", "1e9", "0x10", "soon", "0", "0.0", "..", "1.2.3"] {
            assert_eq!(of(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(of(&[("retry-after", "Fri, 20 Nov 2026 16:00:00 GMT")]), None, "it is over");
        for value in ["-1s", "0s", "1", "1s ago", "2026-11-21T15:00:00Z", "-009999-01-01T00:00:00Z"] {
            let headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", value)];
            assert_eq!(of(&headers), None, "{value}");
        }
    }

    #[test]
    fn what_is_too_long_is_a_day() {
        let nines = "9".repeat(60);
        for value in ["86401", "18446744073709551616", &nines, "21 Nov 9000 16:00:00 GMT"] {
            assert_eq!(of(&[("retry-after", value)]), Some(LONGEST), "{value}");
        }
        assert_eq!(of(&[("retry-after", &"9".repeat(65))]), None);
    }

    proptest! {
        #[test]
        fn nothing_that_a_partner_sends_does_harm(value in "[ -~]{0,80}", reset in "[0-9hms.+TZ:-]{0,40}", date in "[ -~]{0,40}") {
            let headers = [
                ("date", date.as_str()),
                ("retry-after", &value),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", &reset),
            ];
            let pause = of(&headers);
            prop_assert!(pause.is_none_or(|pause| !pause.is_zero() && pause <= LONGEST), "{pause:?}");
        }
    }
}
