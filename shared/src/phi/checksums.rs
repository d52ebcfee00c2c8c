//! Check digits and shapes of standard numbers. All take bytes that may contain separators and look at digits only,
//! unless they say otherwise.

/// The digits of `bytes`, as numbers.
pub(super) fn digits(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u32> + Clone + '_ {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'))
}

/// Luhn's formula (ISO/IEC 7812-1), for payment cards of 12 to 19 digits.
pub(super) fn card(bytes: &[u8]) -> bool {
    (12..=19).contains(&digits(bytes).count()) && digits(bytes).any(|digit| digit != 0) && luhn(digits(bytes), 0)
}

/// National Provider Identifier: Luhn over the prefix 80840 and ten digits. One random number in ten passes.
pub(super) fn npi(bytes: &[u8]) -> bool {
    const PREFIX_SUM: u32 = 24;
    digits(bytes).count() == 10 && matches!(digits(bytes).next(), Some(1 | 2)) && luhn(digits(bytes), PREFIX_SUM)
}

/// Drug Enforcement Administration number: two letters, six digits, a check digit.
pub(super) fn dea(bytes: &[u8]) -> bool {
    let Some(d) = exactly::<7>(bytes.get(2..).unwrap_or_default()) else {
        return false;
    };
    (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]
}

/// American Bankers Association routing number: weights 3, 7, 1.
pub(super) fn routing(bytes: &[u8]) -> bool {
    let Some(d) = exactly::<9>(bytes) else { return false };
    let sum = 3 * (d[0] + d[3] + d[6]) + 7 * (d[1] + d[4] + d[7]) + d[2] + d[5] + d[8];
    sum > 0 && sum.is_multiple_of(10)
}

/// Social Security number: areas 000, 666 and 9xx, group 00 and serial 0000 were never issued.
pub(super) fn ssn(bytes: &[u8]) -> bool {
    let Some(d) = exactly::<9>(bytes) else { return false };
    let area = d[0] * 100 + d[1] * 10 + d[2];
    !matches!(area, 0 | 666 | 900..) && d[3] + d[4] > 0 && d[5..].iter().any(|digit| *digit > 0)
}

/// Taxpayer identification number: 9xx and a group in the ranges the IRS assigns.
pub(super) fn itin(bytes: &[u8]) -> bool {
    let Some(d) = exactly::<9>(bytes) else { return false };
    d[0] == 9 && matches!(d[3] * 10 + d[4], 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// International bank account number (ISO 13616): the rearranged number is 1 modulo 97.
pub(super) fn iban(bytes: &[u8]) -> bool {
    let compact: Vec<u8> =
        bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let rearranged = compact[4..].iter().chain(&compact[..4]);
    rearranged.fold(0, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    }) == 1
}

/// Vehicle identification number (49 CFR 565): the ninth of 17 characters checks the rest.
pub(super) fn vin(bytes: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if bytes.len() != WEIGHTS.len() {
        return false;
    }
    let sum: Option<u32> = bytes.iter().zip(WEIGHTS).map(|(byte, weight)| Some(vin_value(*byte)? * weight)).sum();
    let check = match sum.map(|sum| sum % 11) {
        Some(10) => b'X',
        Some(rest) => b'0' + u8::try_from(rest).unwrap_or_default(),
        None => return false,
    };
    bytes[8].to_ascii_uppercase() == check
}

/// An IPv4 or IPv6 address that is not a loopback or an unspecified one.
pub(super) fn ip(bytes: &[u8]) -> bool {
    let parsed = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<std::net::IpAddr>().ok());
    parsed.is_some_and(|address| !address.is_loopback() && !address.is_unspecified())
}

fn luhn(digits: impl DoubleEndedIterator<Item = u32>, start: u32) -> bool {
    let double = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.rev().enumerate().map(|(place, digit)| if place % 2 == 1 { double(digit) } else { digit }).sum();
    (sum + start).is_multiple_of(10)
}

fn exactly<const N: usize>(bytes: &[u8]) -> Option<[u32; N]> {
    digits(bytes).collect::<Vec<_>>().try_into().ok()
}

fn vin_value(byte: u8) -> Option<u32> {
    Some(match byte.to_ascii_uppercase() {
        digit @ b'0'..=b'9' => u32::from(digit - b'0'),
        letter @ b'A'..=b'H' => u32::from(letter - b'A') + 1,
        letter @ b'J'..=b'N' => u32::from(letter - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        letter @ b'S'..=b'Z' => u32::from(letter - b'S') + 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_published_examples() {
        assert!(card(b"4111 1111 1111 1111"));
        assert!(npi(b"1234567893"));
        assert!(dea(b"AB1234563"));
        assert!(routing(b"021000021"));
        assert!(iban(b"DE89 3704 0044 0532 0130 00"));
        assert!(vin(b"1M8GDM9AXKP042788"));
        assert!(ssn(b"219-09-9999"));
        assert!(itin(b"912-70-1234"));
        assert!(ip(b"203.0.113.7") && ip(b"2001:db8::1"));
    }

    #[test]
    fn refuses_one_wrong_digit() {
        assert!(!card(b"4111111111111112"));
        assert!(!npi(b"1234567894"));
        assert!(!dea(b"AB1234564"));
        assert!(!routing(b"021000022"));
        assert!(!iban(b"DE89370400440532013001"));
        assert!(!vin(b"1M8GDM9A1KP042788"));
        assert!(!ssn(b"666-09-9999") && !ssn(b"219-00-9999") && !ssn(b"219-09-0000") && !ssn(b"900-09-9999"));
        assert!(!itin(b"912-69-1234"));
        assert!(!ip(b"256.1.1.1") && !ip(b"127.0.0.1"));
    }
}
