//! Origins of web pages that send requests.
//!
//! Owns their comparison. Browsers omit the default port of a scheme, operators may write it: both mean the same
//! origin. An origin without port does not stand for every port.

use std::str::FromStr;

use super::hosts::split_port;

/// A scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    /// `None` where none is given and the scheme has no default.
    port: Option<u16>,
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be scheme://host or scheme://host:port, and nothing else";
        let text = text.to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(WRONG)?;
        let (host, port) = split_port(authority).ok_or(WRONG)?;
        if scheme.is_empty() || host.is_empty() || host.contains(['/', '?', '#', '@', '*', ' ']) {
            return Err(WRONG);
        }
        let default = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Ok(Self {
            port: port.or(default),
            scheme: scheme.to_owned(),
            host: host.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_without_port_has_the_usual_one_and_no_other() {
        let origin = |text: &str| text.parse::<Origin>();
        assert_eq!(origin("https://a.test"), origin("HTTPS://A.test:443"));
        assert_eq!(origin("http://[::1]"), origin("http://[::1]:80"));
        for (one, other) in [
            ("https://a.test", "http://a.test"),
            ("https://a.test", "https://a.test:8443"),
            ("https://a.test", "https://a.test:80"),
            ("http://a.test", "http://b.a.test"),
            ("app://a.test", "app://a.test:1"),
        ] {
            assert!(origin(one).is_ok() && origin(other).is_ok());
            assert_ne!(origin(one), origin(other));
        }
        for wrong in [
            "null",
            "",
            "a.test",
            "//a.test",
            "https://",
            "https://a.test/",
            "https://a.test:x",
            "https://a.test:99999",
            "https://u@a.test",
            "https://*.a.test",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
