//! Which addresses a call may reach.
//!
//! Owns the classes of addresses. An address is unwrapped first: the same machine has many spellings, and
//! each must get the same answer.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Never a target: names nobody, everybody, the link, or the machine's cloud provider.
    Forbidden(&'static str),
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// Anything else: reachable by way of other people's networks.
    Global,
}

/// What an operator's rules leave of the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct AddressRules {
    /// No address of this machine.
    pub(super) deny_loopback: bool,
    /// No address of a private network.
    pub(super) deny_private: bool,
    /// No address beyond: the request would travel in clear.
    pub(super) deny_global: bool,
    /// The address at which this process listens on the port that is to be called.
    pub(super) own: Option<IpAddr>,
}

/// An address is not a target under these rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denied(&'static str);

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Denied {}

impl AddressRules {
    /// Whether an address may be called.
    pub(super) fn check(self, address: IpAddr) -> Result<(), Denied> {
        if self.own.is_some_and(|own| leads_to(address, own)) {
            return Err(Denied("is this MCP server itself"));
        }
        match classify(address) {
            Class::Forbidden(what) => Err(Denied(what)),
            Class::Loopback if self.deny_loopback => Err(Denied(
                "is this machine, which the operator does not allow (--deny-loopback)",
            )),
            Class::Private if self.deny_private => Err(Denied(
                "is in a private network, which the operator does not allow (--deny-private)",
            )),
            Class::Global if self.deny_global => Err(Denied(
                "is reached over public networks, and plain HTTP would show the key to everybody on the way; use HTTPS",
            )),
            _ => Ok(()),
        }
    }
}

/// Whether who calls an address may reach one who listens at another, on the same port.
fn leads_to(address: IpAddr, listening: IpAddr) -> bool {
    let plain = |address: IpAddr| match address {
        IpAddr::V6(six) => embedded(six).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let (address, listening) = (plain(address), plain(listening));
    // An address can only be bound where it is one of the machine's own.
    address == listening
        || listening.is_unspecified() && std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// The class of an address, whatever its spelling.
pub(super) fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inside) => classify_v4(inside),
            None => classify_v6(address),
        },
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Class::Forbidden("is an unspecified address, which is never a target"),
        (127, ..) => Class::Loopback,
        (169, 254, _) => {
            Class::Forbidden("is a link-local or metadata address, which is never a target")
        }
        (100, 100, 100) if address.octets()[3] == 200 => Class::Forbidden(METADATA),
        (168, 63, 129) if address.octets()[3] == 16 => Class::Forbidden(METADATA),
        (192, 0, 0) => Class::Forbidden("is a reserved address, which is never a target"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => {
            Class::Forbidden("is an address for documentation, which is never a target")
        }
        (192, 88, 99) => Class::Forbidden("is a reserved address, which is never a target"),
        (224..=239, ..) => Class::Forbidden("is a multicast address, which is never a target"),
        (255, 255, 255) if address.is_broadcast() => {
            Class::Forbidden("is a broadcast address, which is never a target")
        }
        (240..=255, ..) => Class::Forbidden("is a reserved address, which is never a target"),
        (10, ..) | (192, 168, _) | (172, 16..=31, _) | (100, 64..=127, _) | (198, 18..=19, _) => {
            Class::Private
        }
        _ => Class::Global,
    }
}

const METADATA: &str = "is the metadata address of a cloud, which is never a target";

/// Those of Amazon, Google and Oracle, which lie in private networks.
const METADATA_V6: [[u16; 8]; 3] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe],
];

fn classify_v6(address: Ipv6Addr) -> Class {
    let segments = address.segments();
    if address.is_unspecified() {
        return Class::Forbidden("is an unspecified address, which is never a target");
    }
    if address.is_loopback() {
        return Class::Loopback;
    }
    if METADATA_V6.contains(&segments) {
        return Class::Forbidden(METADATA);
    }
    match segments[0] {
        0xfe80..=0xfebf => {
            Class::Forbidden("is a link-local or metadata address, which is never a target")
        }
        0xff00..=0xffff => Class::Forbidden("is a multicast address, which is never a target"),
        0x2001 if segments[1] == 0x0db8 => {
            Class::Forbidden("is an address for documentation, which is never a target")
        }
        0x3fff if segments[1] < 0x1000 => {
            Class::Forbidden("is an address for documentation, which is never a target")
        }
        0x0100 if segments[1..4] == [0, 0, 0] => {
            Class::Forbidden("is a discard address, which is never a target")
        }
        // Unique local, and the site-local range that they replaced.
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Class::Private,
        0x2000..=0x3fff => Class::Global,
        _ => Class::Forbidden("is a reserved address, which is never a target"),
    }
}

/// The IPv4 address inside of an IPv6 one: mapped, compatible, NAT64, 6to4 or Teredo.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        // Beyond the first of these networks, which bits hold the address is up to each translator:
        // they fall to the reserved ones.
        [0x64, 0xff9b, 1, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(v4(!high, !low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: fn(Class) -> bool) {
        for text in addresses {
            let class = classify(text.parse().unwrap());
            assert!(expected(class), "{text}: {class:?}");
        }
    }

    #[test]
    fn what_is_never_a_target_is_so_in_every_spelling() {
        check(
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "169.254.0.1",
                "100.100.100.200",
                "168.63.129.16",
                "224.0.0.1",
                "239.255.255.250",
                "255.255.255.255",
                "240.0.0.1",
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.1",
                "192.0.0.1",
                "192.88.99.1",
                "::",
                "fe80::1",
                "febf::1",
                "ff02::1",
                "fd00:ec2::254",
                "fd20:ce::254",
                "fd00:c1::a9fe:a9fe",
                "2001:db8::1",
                "3fff:fff::1",
                "100::1",
                "4000::1",
                "::ffff:169.254.169.254",
                "::ffff:a9fe:a9fe",
                "::169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b:1::a9fe:a9fe",
                // As translators with a prefix of 48 and of 64 bits read it.
                "64:ff9b:1:a9fe:a9:fe00:808:808",
                "64:ff9b:1:0:a9:fea9:fe08:808",
                "2002:a9fe:a9fe::1",
                "2001:0:1:2:3:4:5601:5601",
                "::ffff:0:a9fe:a9fe",
                "::ffff:0.0.0.0",
                "::ffff:224.0.0.1",
            ],
            |class| matches!(class, Class::Forbidden(_)),
        );
    }

    #[test]
    fn this_machine_and_private_networks_are_known_in_every_spelling() {
        check(
            &[
                "127.0.0.1",
                "127.255.255.254",
                "::1",
                "::ffff:127.0.0.1",
                "64:ff9b::7f00:1",
                "2002:7f00:1::",
            ],
            |class| class == Class::Loopback,
        );
        check(
            &[
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "198.18.0.1",
                "fd12::1",
                "fc00::1",
                "fec0::1",
                "::ffff:10.0.0.1",
            ],
            |class| class == Class::Private,
        );
        check(
            &[
                "8.8.8.8",
                "172.15.0.1",
                "172.32.0.1",
                "100.128.0.1",
                "2600::1",
                "::ffff:8.8.8.8",
            ],
            |class| class == Class::Global,
        );
    }

    /// An IPv4 address in every form in which IPv6 can carry one.
    fn embeddings(inside: Ipv4Addr) -> Vec<Ipv6Addr> {
        let [a, b, c, d] = inside.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let mut all = vec![
            inside.to_ipv6_mapped(),
            [0, 0, 0, 0, 0xffff, 0, high, low].into(),
            [0x64, 0xff9b, 0, 0, 0, 0, high, low].into(),
            [0x64, 0xff9b, 1, 0, 0, 0, high, low].into(),
            [0x2002, high, low, 0, 0, 0, 0, 1].into(),
            [0x2002, high, low, 7, 8, 9, 10, 11].into(),
            [0x2001, 0, 1, 2, 3, 4, !high, !low].into(),
        ];
        // `::` and `::1` are addresses of their own.
        if u32::from(inside) > 1 {
            all.push([0, 0, 0, 0, 0, 0, high, low].into());
        }
        all
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn every_embedding_of_an_address_has_its_class(octets in proptest::prelude::any::<[u8; 4]>(), kind in 0..12usize) {
            // Chance alone would hardly ever meet the interesting ones.
            let [a, b, c, d] = octets;
            let inside = Ipv4Addr::from(match kind {
                0 => [127, b, c, d],
                1 => [169, 254, c, d],
                2 => [10, b, c, d],
                3 => [172, 16 | b & 15, c, d],
                4 => [192, 168, c, d],
                5 => [100, b, c, d],
                6 => [0, b, c, d],
                7 => [224 | a & 31, b, c, d],
                8 => [168, 63, 129, 16],
                9 => [100, 100, 100, 200],
                _ => octets,
            });
            let class = classify(inside.into());
            for address in embeddings(inside) {
                proptest::prop_assert_eq!(classify(address.into()), class, "{} in {}", inside, address);
            }
        }
    }
}
