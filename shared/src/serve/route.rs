//! Routes: a method, a pattern, and how large a body may be.

use http::Method;

use crate::problem::Problem;

/// One route of a function. A `{}` in the pattern stands for one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Such as `/v1/documents/{}`.
    pub pattern: &'static str,
    /// The largest body in bytes; the policy's when absent.
    pub max_body_bytes: Option<usize>,
}

impl Route {
    /// A `GET` route.
    pub const fn get(pattern: &'static str) -> Self {
        Self { method: "GET", pattern, max_body_bytes: None }
    }

    /// A `POST` route.
    pub const fn post(pattern: &'static str) -> Self {
        Self { method: "POST", pattern, max_body_bytes: None }
    }

    /// A `PUT` route whose body may have `max_body_bytes`.
    pub const fn put(pattern: &'static str, max_body_bytes: usize) -> Self {
        Self { method: "PUT", pattern, max_body_bytes: Some(max_body_bytes) }
    }

    /// A `DELETE` route.
    pub const fn delete(pattern: &'static str) -> Self {
        Self { method: "DELETE", pattern, max_body_bytes: None }
    }

    /// What stands for each `{}` when `path` has this route's form.
    fn params(&self, path: &str) -> Option<Vec<String>> {
        let (pattern, path) = (self.pattern.split('/'), path.split('/'));
        if pattern.clone().count() != path.clone().count() {
            return None;
        }
        let mut params = Vec::new();
        for (expected, given) in pattern.zip(path) {
            match expected {
                "{}" if !given.is_empty() => params.push(given.to_owned()),
                _ if expected == given => {}
                _ => return None,
            }
        }
        Some(params)
    }
}

/// The route that the first fitting path names, or the 404 or 405 to answer with.
///
/// A request has more than one candidate path: API Gateway puts the stage or a custom domain's base path before it.
pub(super) fn resolve<'a>(
    routes: &(impl Iterator<Item = &'a Route> + Clone),
    method: &Method,
    paths: &[String],
) -> Result<(&'a Route, Vec<String>), Problem> {
    for path in paths {
        let fitting = || routes.clone().filter_map(|route| Some((route, route.params(path)?)));
        if let Some(found) = fitting().find(|(route, _)| route.method == method.as_str()) {
            return Ok(found);
        }
        let allow: Vec<_> = fitting().map(|(route, _)| route.method).collect();
        if !allow.is_empty() {
            return Err(Problem::method_not_allowed(&allow.join(", ")));
        }
    }
    Err(Problem::not_found("this path"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    const ROUTES: [Route; 3] =
        [Route::get("/v1/documents"), Route::put("/v1/documents/{}", 9), Route::delete("/v1/documents/{}")];

    fn find(method: &Method, paths: &[&str]) -> Result<(&'static Route, Vec<String>), Problem> {
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        resolve(&ROUTES.iter(), method, &paths)
    }

    #[test]
    fn takes_parameters_from_the_first_fitting_path() {
        let (route, params) = find(&Method::PUT, &["/prod/v1/documents/a:1", "/v1/documents/a:1"]).unwrap();
        assert_eq!((route.pattern, params), ("/v1/documents/{}", vec!["a:1".to_owned()]));
    }

    #[test]
    fn a_known_path_with_another_method_says_which_it_has() {
        let refused = find(&Method::POST, &["/v1/documents/a"]).unwrap_err();
        assert_eq!((refused.code, refused.allow.as_deref()), (Code::MethodNotAllowed, Some("PUT, DELETE")));
    }

    #[test]
    fn an_unknown_path_or_an_empty_parameter_does_not_exist() {
        for path in ["/v1/nothing", "/v1/documents/", "/v1/documents/a/b", "//"] {
            assert_eq!(find(&Method::PUT, &[path]).unwrap_err().code, Code::NotFound, "{path}");
        }
    }
}
