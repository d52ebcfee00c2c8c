//! Which function serves a path, as the API's resources say (`template.yaml` has the same table).

use std::collections::BTreeMap;

/// A path matched to a resource of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Matched {
    /// The function that serves it.
    pub function: &'static str,
    /// The resource, with its parameters in braces.
    pub resource: &'static str,
    /// What the parameters stand for, percent-decoded.
    pub parameters: BTreeMap<&'static str, String>,
}

const ROUTES: [(&str, &str); 7] = [
    ("/v1/translate", "translate"),
    ("/v1/detect", "translate"),
    ("/v1/sanitize", "sanitize"),
    ("/v1/retrieve", "retrieve"),
    ("/v1/documents", "retrieve"),
    ("/v1/documents/{id}", "retrieve"),
    ("/v1/search", "search"),
];

/// Finds the function for a path. What no other function serves is orchestrate's, which also answers 404.
#[must_use]
pub fn find(path: &str) -> Matched {
    ROUTES
        .iter()
        .find_map(|(resource, function)| {
            let parameters = parameters(resource, path)?;
            Some(Matched { function, resource, parameters })
        })
        .unwrap_or_else(|| everything_else(path))
}

fn everything_else(path: &str) -> Matched {
    let proxy = decode(path.trim_start_matches('/'));
    Matched { function: "orchestrate", resource: "/{proxy+}", parameters: BTreeMap::from([("proxy", proxy)]) }
}

fn parameters(resource: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let mut parameters = BTreeMap::new();
    let (mut wanted, mut given) = (resource.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !given.is_empty() => drop(parameters.insert(name, decode(given))),
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// Percent-decoding; what is not UTF-8 afterwards is replaced.
pub(crate) fn decode(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let [first, after @ ..] = rest {
        match after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal) {
            Some(value) => {
                decoded.push(value);
                rest = &after[2..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_paths() {
        for (path, function) in [
            ("/v1/translate", "translate"),
            ("/v1/detect", "translate"),
            ("/v1/sanitize", "sanitize"),
            ("/v1/retrieve", "retrieve"),
            ("/v1/documents", "retrieve"),
            ("/v1/documents/a", "retrieve"),
            ("/v1/search", "search"),
            ("/v1/chat", "orchestrate"),
            ("/v1/health", "orchestrate"),
            ("/v1/translate/more", "orchestrate"),
            ("/v1/documents/", "orchestrate"),
            ("/", "orchestrate"),
        ] {
            assert_eq!(find(path).function, function, "{path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(find("/v1/documents/a%3Ab%20c").parameters["id"], "a:b c");
        assert_eq!(find("/v1/documents/%zz%4").parameters["id"], "%zz%4");
        assert_eq!(find("/a/b").parameters["proxy"], "a/b");
    }
}
