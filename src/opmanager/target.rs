//! Where a call goes.
//!
//! Owns the grammar of a target. It is deliberately narrower than that of URLs, which rewrite hosts: what
//! is not plainly a name or an address is refused, and the URL is built from the parsed parts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Error;

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
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// The one place a call may go to: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    host: Host,
    port: u16,
    tls: bool,
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
                    format!("is {port}, but `host` says {given}; give the port once"),
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
                format!(
                    "is false, but port {port} speaks HTTPS; leave it out, or give OpManager's HTTP port (usually 8060)"
                ),
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
        match self.host {
            Host::Name(_) => None,
            Host::V4(address) => Some(address.into()),
            Host::V6(address) => Some(address.into()),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it speaks HTTPS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// `scheme://host:port`, from checked parts only.
    pub(super) fn origin(&self) -> String {
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
        return Ok((Host::V6(address), port));
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
