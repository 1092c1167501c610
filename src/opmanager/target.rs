//! Where a call goes.
//!
//! Owns the grammar of a target. It is deliberately narrower than that of URLs, which rewrite hosts: what
//! is not plainly a name or an address is refused, and the URL is built from the parsed parts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::{InvalidDnsNameError, ServerName};

use super::Error;
use super::address::canonical;

/// OpManager's usual HTTPS port, used where none is given.
const DEFAULT_PORT: u16 = 8061;
/// Ports that speak plain HTTP unless `use_ssl` says otherwise.
const PLAIN_PORTS: [u16; 2] = [8060, 80];
/// Ports on which plain HTTP is a contradiction.
const TLS_PORTS: [u16; 2] = [8061, 443];
const LONGEST_NAME: usize = 253;

/// A host in one of the three accepted forms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case.
    Name(String),
    /// A dotted quad.
    V4(Ipv4Addr),
    /// An IPv6 address, and none that stands for an IPv4 one.
    V6(Ipv6Addr),
}

/// An address has one form, in which it is compared, pooled and called: `[::ffff:10.0.0.1]` is 10.0.0.1.
impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match canonical(address) {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

/// The one place a call may go to: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    host: Host,
    port: u16,
    tls: bool,
}

impl Host {
    /// The address, if it is one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match *self {
            Self::Name(_) => None,
            Self::V4(address) => Some(address.into()),
            Self::V6(address) => Some(address.into()),
        }
    }
}

impl Target {
    /// Reads a target from the connection arguments.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming `host`, `port` or `use_ssl`. The text is never quoted: what was meant
    /// for another argument must not be echoed.
    pub fn parse(host: &str, port: Option<u16>, use_ssl: Option<bool>) -> Result<Self, Error> {
        let (host, given) = split(host)?;
        let port = match (given, port) {
            (Some(given), Some(port)) if given != port => {
                return Err(Error::argument(
                    "port",
                    "is not the port that the host says; give the port once",
                ));
            }
            (given, port) => given.or(port).unwrap_or(DEFAULT_PORT),
        };
        if port == 0 {
            return Err(Error::argument("port", "must be 1 to 65535"));
        }
        if use_ssl == Some(false) && TLS_PORTS.contains(&port) {
            return Err(Error::argument(
                "use_ssl",
                "is false, but the port is one that speaks HTTPS (8061 and 443 do); leave it out, or give OpManager's HTTP port (usually 8060)",
            ));
        }
        let tls = use_ssl.unwrap_or(!PLAIN_PORTS.contains(&port));
        Ok(Self { host, port, tls })
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The address, if the host is one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.address()
    }

    /// Whom its certificate must be for.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, InvalidDnsNameError> {
        match &self.host {
            Host::Name(name) => ServerName::try_from(name.clone()),
            Host::V4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
            Host::V6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The text without the host, if it is in it as more than a common word: a name with a dot, or an address.
    pub(crate) fn cut_out_of(&self, text: &str) -> Option<String> {
        let host = match &self.host {
            Host::Name(name) if !name.contains('.') => return None,
            Host::Name(name) => name.clone(),
            Host::V4(address) => address.to_string(),
            Host::V6(address) => address.to_string(),
        };
        // A name is ASCII, so that places in the one text are places in the other.
        let lower = text.to_ascii_lowercase();
        let mut places = lower.match_indices(&host).peekable();
        places.peek()?;
        let mut harmless = String::with_capacity(text.len());
        let mut from = 0;
        let port = format!(":{}", self.port);
        for (place, host) in places {
            harmless.push_str(&text[from..place]);
            harmless.push_str("[host]");
            from = place + host.len();
            for behind in ["]", &port] {
                if text[from..].starts_with(behind) {
                    from += behind.len();
                }
            }
        }
        harmless.push_str(&text[from..]);
        Some(harmless)
    }

    /// Whether it speaks HTTPS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// What a call's URL begins with: `scheme://host:port`, from checked parts only.
    pub fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{self}")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::V4(address) => write!(f, "{address}:{}", self.port),
            Host::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

fn refused(message: &str) -> Error {
    Error::argument("host", message)
}

pub(super) fn split(text: &str) -> Result<(Host, Option<u16>), Error> {
    if text.contains("://") || text.starts_with("//") {
        return Err(refused("must be a host or host:port, without scheme"));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest
            .split_once(']')
            .ok_or_else(|| refused("has an opening bracket without a closing one"))?;
        let address: Ipv6Addr = address.parse().map_err(|_| {
            refused("holds no IPv6 address between its brackets (zone ids are not accepted)")
        })?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if rest.is_empty() => None,
            None => return Err(refused("has something behind the bracket that is no port")),
        };
        return Ok((Host::from(IpAddr::V6(address)), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => {
            return Err(refused(
                "has several colons; an IPv6 address stands in brackets, [::1] or [::1]:8061",
            ));
        }
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (text, None),
    };
    Ok((parse_host(host)?, port))
}

pub(super) fn parse_port(text: &str) -> Result<u16, Error> {
    let plain =
        !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| refused("has a port that is not a number from 1 to 65535"))
}

fn parse_host(text: &str) -> Result<Host, Error> {
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(refused("must have 1 to 253 characters"));
    }
    let acceptable = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !text.split('.').all(acceptable) {
        return Err(refused(
            "must be a DNS name, an IPv4 address or a bracketed IPv6 address, optionally with :port; only letters, digits, `-`, `_` and dots occur in it",
        ));
    }
    let last = text
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if numeric {
        // The standard parser takes exactly four decimal parts without leading zeros, which is the one
        // spelling that every resolver reads alike.
        return text.parse().map(Host::V4).map_err(|_| {
            refused("looks like an address but is not four decimal numbers from 0 to 255")
        });
    }
    let name = text.to_ascii_lowercase();
    if name.split('.').any(|label| label.starts_with("xn--")) {
        // An encoded name must be the one and only encoding of what it stands for.
        let (unicode, result) = idna::domain_to_unicode(&name);
        if result.is_err() || idna::domain_to_ascii(&unicode).ok().as_ref() != Some(&name) {
            return Err(refused(
                "has a label that is no valid encoding of an international name",
            ));
        }
    }
    Ok(Host::Name(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that are hosts, or nearly.
    fn texts() -> impl Strategy<Value = String> {
        let label = prop_oneof![
            4 => "[a-zA-Z0-9_-]{1,10}",
            1 => "xn--[a-z0-9-]{1,12}",
            1 => "(0x)?[0-9a-f]{1,10}",
            1 => "\\PC{1,3}",
        ];
        let name = prop::collection::vec(label, 1..5).prop_map(|labels| labels.join("."));
        let address = prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| Ipv4Addr::from(octets).to_string()),
            any::<[u16; 8]>().prop_map(|segments| format!("[{}]", Ipv6Addr::from(segments))),
            "\\[[0-9a-fA-F:.%]{0,20}\\]",
            "[0-9]{1,3}(\\.[0-9]{1,4}){0,4}",
        ];
        let port = prop_oneof![
            Just(String::new()),
            (0u32..70_000).prop_map(|port| format!(":{port}")),
            ":[0-9+x]{0,6}",
        ];
        let host = prop_oneof![name, address, "\\PC{0,20}", ".{0,20}"];
        let end = prop_oneof![
            6 => Just(String::new()),
            1 => "[/?#@\\\\%\\n\\r\\t ]{1,2}[a-z]{0,3}",
        ];
        (host, port, end).prop_map(|(host, port, end)| host + &port + &end)
    }

    fn accepted() -> impl Strategy<Value = (String, Target)> {
        texts().prop_filter_map("refused", |text| {
            let target = Target::parse(&text, None, None).ok()?;
            Some((text, target))
        })
    }

    fn told(host: &str, port: Option<u16>, use_ssl: Option<bool>) -> String {
        match Target::parse(host, port, use_ssl) {
            Ok(target) => target.origin(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_port_is_given_once_or_twice_the_same() {
        for (host, port, origin) in [
            ("h", None, "https://h:8061"),
            ("h", Some(9), "https://h:9"),
            ("h:9", None, "https://h:9"),
            ("h:9", Some(9), "https://h:9"),
            ("[::1]:8060", Some(8060), "http://[::1]:8060"),
        ] {
            assert_eq!(told(host, port, None), origin);
        }
        for (host, port) in [("h:9", 8), ("[::1]:9", 8061), ("10.0.0.1:9", 10)] {
            let refused = told(host, Some(port), None);
            assert_eq!(
                refused,
                "`port` is not the port that the host says; give the port once"
            );
        }
        assert_eq!(told("h", Some(0), None), "`port` must be 1 to 65535");
    }

    #[test]
    fn what_is_wrong_with_a_host_is_said() {
        for (host, word) in [
            ("http://a", "without scheme"),
            ("a://b", "without scheme"),
            ("//a", "without scheme"),
            ("a//", "must be a DNS name"),
            ("[::1", "without a closing one"),
            ("[::1]9", "no port"),
            ("[::g]", "no IPv6 address"),
            ("a:1:2", "several colons"),
            ("::1", "several colons"),
            ("a:x", "a port that is not a number"),
            ("", "1 to 253 characters"),
            (":80", "1 to 253 characters"),
            ("a b", "must be a DNS name"),
            ("1.2.3", "looks like an address"),
            ("xn--99999999.test", "no valid encoding"),
        ] {
            let refused = told(host, None, None);
            assert!(
                refused.starts_with("`host` ") && refused.contains(word),
                "{host}: {refused}"
            );
        }
    }

    #[test]
    fn names_have_up_to_253_characters_in_labels_of_up_to_63() {
        let name = |labels: &[usize]| {
            let labels = labels.iter().map(|count| "a".repeat(*count));
            labels.collect::<Vec<_>>().join(".")
        };
        for (labels, accepted) in [
            (&[1][..], true),
            (&[63], true),
            (&[64], false),
            (&[63, 63, 63, 60], true),
            (&[63, 63, 63, 61], true),
            (&[63, 63, 63, 62], false),
        ] {
            let target = Target::parse(&name(labels), None, None);
            assert_eq!(target.is_ok(), accepted, "{labels:?}");
        }
        for host in [
            "a-b",
            "a_b",
            "_a",
            "a_",
            "0a",
            "a0",
            "A.b-c_d",
            "xn--bcher-kva.test",
        ] {
            assert!(Target::parse(host, None, None).is_ok(), "{host}");
        }
        for host in ["-a", "a-", "a.-b", "a+b", "a~b", "a/b", "a@b"] {
            assert!(Target::parse(host, None, None).is_err(), "{host}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_the_parser_fail_badly(text in texts(), port in any::<Option<u16>>(), tls in any::<Option<bool>>()) {
            let _ = Target::parse(&text, port, tls);
        }

        #[test]
        fn no_accepted_host_has_a_byte_outside_of_the_grammar((text, target) in accepted()) {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b);
            prop_assert!(text.bytes().all(plain), "{text:?}");
            prop_assert!(target.to_string().bytes().all(plain), "{target}");
            if let Host::Name(name) = target.host() {
                prop_assert!(name.len() <= LONGEST_NAME && !name.ends_with('.'));
                prop_assert!(name.bytes().all(|b| plain(b) && !b"[]:".contains(&b) && !b.is_ascii_uppercase()));
                prop_assert!(name.parse::<IpAddr>().is_err());
            }
        }

        #[test]
        fn hosts_that_are_accepted_are_called_as_they_are_written((text, target) in accepted()) {
            let url = reqwest::Url::parse(&target.origin());
            let url = url.map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?;
            let (host, bracketed) = (url.host_str().unwrap(), text.starts_with('['));
            match target.host() {
                Host::Name(name) => {
                    prop_assert_eq!(host, name);
                    let written = text.split(':').next().unwrap().to_ascii_lowercase();
                    prop_assert_eq!(host, written);
                }
                Host::V4(address) => {
                    prop_assert_eq!(host.parse(), Ok(*address));
                    prop_assert!(bracketed || text.starts_with(&address.to_string()));
                }
                Host::V6(address) => {
                    prop_assert!(bracketed);
                    let inside = host.trim_matches(['[', ']']);
                    prop_assert_eq!(inside.parse(), Ok(*address));
                    prop_assert_eq!(address.to_ipv4_mapped(), None);
                }
            }
            prop_assert_eq!(url.port_or_known_default(), Some(target.port()));
            prop_assert_eq!(url.scheme() == "https", target.tls());
            prop_assert_eq!((url.username(), url.password(), url.path(), url.query()), ("", None, "/", None));
            // What is printed leads to the same place.
            let again = Target::parse(&target.to_string(), None, Some(target.tls()));
            prop_assert_eq!(again.ok(), Some(target));
        }
    }
}
