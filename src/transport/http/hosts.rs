//! Hosts, ports and addresses as HTTP headers spell them.
//!
//! Owns their grammar, and which addresses count as one caller. Knows no request.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// Names of this machine.
pub(super) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Parses a name under which this server is reached, in lower case.
///
/// # Errors
///
/// If it has a scheme, a port or anything else beside the host.
pub(crate) fn read_host(text: &str) -> Result<String, String> {
    match split_port(text) {
        Some((host, None)) if !host.is_empty() && !host.contains(['/', '@', '*', ' ']) => {
            Ok(host.to_ascii_lowercase())
        }
        _ => Err("must be a name or an address alone, without scheme or port".to_owned()),
    }
}

/// Splits the value of `Host` into host and port; `None` if the port is not one.
pub(super) fn split_port(given: &str) -> Option<(&str, Option<u16>)> {
    let after = given.rfind(']').map_or(0, |end| end + 1);
    match given[after..].find(':') {
        None => Some((given, None)),
        Some(colon) => {
            let (host, port) = given.split_at(after + colon);
            let port = &port[1..];
            // The parser would accept a sign.
            let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(port.parse().ok().filter(|_| is_plain)?)))
        }
    }
}

/// An address as `Host` spells it: in brackets if it is IPv6, and only then.
pub(super) fn read_address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// The network that an address counts as: itself for IPv4, its /64 for IPv6, which is what one client has.
pub(super) fn network(address: IpAddr) -> Arc<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64").into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn v6(bits: u128) -> IpAddr {
        Ipv6Addr::from_bits(bits).into()
    }

    #[test]
    fn rt_41_a_host_is_written_in_one_way() {
        for (host, expected) in [
            ("a", Some(("a", None))),
            ("a:80", Some(("a", Some(80)))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("a:+80", None),
            ("a:-80", None),
            ("a:", None),
            ("a: 80", None),
            ("a:80 ", None),
            ("a:\u{665}", None),
            ("a:65536", None),
            ("a:80:80", None),
            ("[::1]:+80", None),
        ] {
            assert_eq!(split_port(host), expected, "{host}");
        }
        for (host, is_address) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[127.0.0.1]", false),
            ("[127.0.0.1", false),
            ("127.0.0.1]", false),
            ("]127.0.0.1[", false),
            ("[[::1]]", false),
            ("::1", false),
        ] {
            assert_eq!(read_address(host).is_some(), is_address, "{host}");
        }
    }

    proptest! {
        #[test]
        fn addresses_count_as_one_exactly_if_they_share_their_network(one: u128, other: u128, same: bool) {
            // What stands for an address of IPv4 is one.
            prop_assume!([one, other].into_iter().all(|bits| bits >> 32 != 0xffff));
            let other = if same { one >> 64 << 64 | other & u128::from(u64::MAX) } else { other };
            prop_assume!(other >> 32 != 0xffff);
            prop_assert_eq!(network(v6(one)) == network(v6(other)), one >> 64 == other >> 64);
        }

        #[test]
        fn addresses_of_ipv4_count_each_for_itself(one: u32, other: u32) {
            let of = |bits: u32| Ipv4Addr::from_bits(bits);
            prop_assert_eq!(network(of(one).into()) == network(of(other).into()), one == other);
            prop_assert_eq!(network(of(one).to_ipv6_mapped().into()), network(of(one).into()));
        }
    }
}
