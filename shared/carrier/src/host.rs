//! The address under which Twilio reaches us.
//!
//! It is configured and never taken from a request: signatures are made over it,
//! and a caller chooses what stands in a header.

use std::str::FromStr;

use crate::settings::{BadSetting, origin};

/// Our public origin: https, or http on this machine for the local stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHost(String);

impl PublicHost {
    /// The address of `path_and_query` here, which is kept byte for byte.
    ///
    /// Over this Twilio makes its signature.
    pub fn url(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.0)
    }
}

impl FromStr for PublicHost {
    type Err = BadSetting;

    /// Reads an origin, or a bare host name, which is meant as https.
    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let field = "public_host";
        let text = text.trim();
        let url = if text.contains("://") {
            origin(field, text)?
        } else {
            origin(field, &format!("https://{text}"))?
        };
        // Twilio refuses a StatusCallback whose host name has underscores.
        if url.host_str().unwrap_or_default().contains('_') {
            return Err(BadSetting {
                field,
                problem: "must not contain underscores",
            });
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let host = text.parse::<PublicHost>();
        let shown = match &host {
            Ok(host) => Ok(host.url("/x?y=%20z")),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(
            shown,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn a_public_host_is_https() {
        check(
            "https://calls.example",
            Ok("https://calls.example/x?y=%20z"),
        );
        check(
            "https://calls.example:8443/",
            Ok("https://calls.example:8443/x?y=%20z"),
        );
        check(" calls.example ", Ok("https://calls.example/x?y=%20z"));
        check(
            "https://דוגמה.co.il",
            Ok("https://xn--6dbbec0c.co.il/x?y=%20z"),
        );
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        check(
            "http://127.0.0.1:8080",
            Ok("http://127.0.0.1:8080/x?y=%20z"),
        );
        check("http://[::1]:8080", Ok("http://[::1]:8080/x?y=%20z"));
        let problem = "public_host must be https, or http on a loopback address";
        check("http://calls.example", Err(problem));
        check("http://10.0.0.1", Err(problem));
        check("ftp://calls.example", Err(problem));
    }

    #[test]
    fn what_twilio_could_not_call_is_refused() {
        check(
            "https://my_host.example",
            Err("public_host must not contain underscores"),
        );
        check(
            "https://calls.example/prod",
            Err("public_host must end with the host"),
        );
        check(
            "https://calls.example?x",
            Err("public_host must end with the host"),
        );
        check(
            "https://u:p@calls.example",
            Err("public_host must not contain credentials"),
        );
        check("", Err("public_host is not a URL"));
    }
}
