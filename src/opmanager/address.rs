//! Which addresses a call may reach.
//!
//! Owns the classes of addresses, and that one address has one form. An address that carries another is judged as both:
//! it must be admissible wherever it may lead.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

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
        if self.own.is_some_and(|own| reaches(address, own)) {
            return Err(Denied("is this MCP server itself"));
        }
        // What is never a target is the first reason to name, whichever part of the address it is.
        let classes = || classes(address);
        if let Some(Class::Forbidden(what)) =
            classes().find(|class| matches!(class, Class::Forbidden(_)))
        {
            return Err(Denied(what));
        }
        classes().try_for_each(|class| self.check_class(class))
    }

    fn check_class(self, class: Class) -> Result<(), Denied> {
        match class {
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
            Class::Loopback | Class::Private | Class::Global => Ok(()),
        }
    }
}

/// The one form of an address: an IPv4 address mapped into IPv6 is that IPv4 address, to the system that connects to it
/// too.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The one form of a network: one within the mapped addresses is a network of IPv4 addresses.
pub(super) fn canonical_network(network: IpNet) -> IpNet {
    let network = network.trunc();
    match (canonical(network.addr()), network.prefix_len()) {
        // Longer than any prefix of IPv4.
        (IpAddr::V4(address), length @ 96..) => {
            Ipv4Net::new(address, length - 96).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

/// Whether two addresses are one, or one carries the other.
pub(super) fn leads_to(address: IpAddr, other: IpAddr) -> bool {
    let (address, other) = (canonical(address), canonical(other));
    let carries = |outer: IpAddr, inner: IpAddr| match outer {
        IpAddr::V6(outer) => embedded(outer).any(|embedded| IpAddr::V4(embedded) == inner),
        IpAddr::V4(_) => false,
    };
    address == other || carries(address, other) || carries(other, address)
}

/// Whether who calls an address may reach one who listens at another, on the same port.
fn reaches(address: IpAddr, listening: IpAddr) -> bool {
    if !listening.is_unspecified() {
        return leads_to(address, listening);
    }
    // An address can only be bound where it is one of the machine's own.
    let own = |address: IpAddr| std::net::UdpSocket::bind((address, 0)).is_ok();
    let inside = match canonical(address) {
        IpAddr::V6(address) => Some(embedded(address)),
        IpAddr::V4(_) => None,
    };
    own(canonical(address))
        || inside
            .into_iter()
            .flatten()
            .any(|inside| own(inside.into()))
}

/// The classes of an address, whatever its form: that of each address inside of it, and that of the networks which it
/// travels over itself.
pub(super) fn classes(address: IpAddr) -> impl Iterator<Item = Class> {
    let (inside, outside) = match canonical(address) {
        IpAddr::V4(address) => (None, Some(classify_v4(address))),
        IpAddr::V6(address) => (Some(embedded(address)), outside(address)),
    };
    inside.into_iter().flatten().map(classify_v4).chain(outside)
}

fn classify_v4(address: Ipv4Addr) -> Class {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Class::Forbidden("is an unspecified address, which is never a target"),
        (127, ..) => Class::Loopback,
        (169, 254, _) => {
            Class::Forbidden("is a link-local or metadata address, which is never a target")
        }
        // Alibaba's, and the rest of the network that it takes for such services.
        (100, 100, 100) => Class::Forbidden(METADATA),
        // Azure has this one alone.
        (168, 63, 129) if address.octets()[3] == 16 => Class::Forbidden(METADATA),
        // Among them 192.0.0.192, Oracle's older metadata address.
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

/// The networks from whose addresses clouds serve metadata, credentials, names and time, by their first 32 bits. They lie
/// in the range of private networks, where nobody who draws a prefix at random, as one should, meets them.
const METADATA_V6: [(u16, u16); 6] = [
    (0xfd00, 0x0ec2), // Amazon: ::254, ::23 and others
    (0xfd20, 0x00ce), // Google: ::254
    (0xfd00, 0x00c1), // Oracle: ::a9fe:a9fe
    (0xfd00, 0x0100), // Alibaba: ::100:200
    (0xfd00, 0xa9fe), // Akamai: a9fe::1
    (0xfd00, 0x0042), // Scaleway: ::42
];

/// The class of the networks which an IPv6 address travels over. `None` if it does so as another address: that is then
/// judged alone.
fn outside(address: Ipv6Addr) -> Option<Class> {
    let segments = address.segments();
    let class = match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => {
            Class::Forbidden("is an unspecified address, which is never a target")
        }
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        // A translator in the own network makes IPv4 of it.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => return None,
        [0x64, 0xff9b, 0 | 1, 0, 0, 0, ..] => return None,
        [first, second, ..] if METADATA_V6.contains(&(first, second)) => Class::Forbidden(METADATA),
        [0xfe80..=0xfebf, ..] => {
            Class::Forbidden("is a link-local or metadata address, which is never a target")
        }
        [0xff00..=0xffff, ..] => {
            Class::Forbidden("is a multicast address, which is never a target")
        }
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Class::Forbidden("is an address for documentation, which is never a target")
        }
        // The network for benchmarks, private as that of IPv4 is.
        [0x2001, 2, 0, ..] => Class::Private,
        // The rest of the range for protocols, but for Teredo.
        [0x2001, 1..=0x01ff, ..] => {
            Class::Forbidden("is a reserved address, which is never a target")
        }
        [0x0100, 0, 0, 0, ..] => Class::Forbidden("is a discard address, which is never a target"),
        // Unique local, and the site-local range that they replaced.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Class::Private,
        [0x2000..=0x3fff, ..] => Class::Global,
        _ => Class::Forbidden("is a reserved address, which is never a target"),
    };
    Some(class)
}

/// The IPv4 addresses inside of an IPv6 one: mapped, compatible, translated (SIIT, NAT64), 6to4, Teredo (the client, then
/// its server) and ISATAP.
///
/// In the networks of 6rd and of a provider's own NAT64 the bits that hold an address are the provider's choice, and
/// nothing in the address tells that it holds one.
fn embedded(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    let by_prefix = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None],
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => [v4(high, low), None],
        [0, 0, 0, 0, 0xffff, 0, high, low] => [v4(high, low), None],
        // Beyond the first network of the local prefix, 64:ff9b:1::/48, which bits hold the address is up to each
        // translator: they fall to the reserved ones.
        [0x64, 0xff9b, 0 | 1, 0, 0, 0, high, low] => [v4(high, low), None],
        [0x2002, high, low, ..] => [v4(high, low), None],
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            [v4(!high, !low), v4(server_high, server_low)]
        }
        _ => [None, None],
    };
    let by_interface = match address.segments() {
        // The two bits that vary say whether the IPv4 address is unique, and for a group.
        [_, _, _, _, marks, 0x5efe, high, low] if marks & !0x0300 == 0 => v4(high, low),
        _ => None,
    };
    by_prefix.into_iter().chain([by_interface]).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The single class of an address that carries no other.
    fn classify(address: IpAddr) -> Class {
        let all: Vec<Class> = classes(address).collect();
        assert_eq!(all.len(), 1, "{address}: {all:?}");
        all[0]
    }

    const OPEN: AddressRules = AddressRules {
        deny_loopback: false,
        deny_private: false,
        deny_global: false,
        own: None,
    };

    /// What each of the rules says of an address: none at all, those for loopback, private and global addresses.
    fn verdicts(address: IpAddr) -> [Option<&'static str>; 4] {
        let said = |rules: AddressRules| rules.check(address).err().map(|Denied(reason)| reason);
        [
            said(OPEN),
            said(AddressRules {
                deny_loopback: true,
                ..OPEN
            }),
            said(AddressRules {
                deny_private: true,
                ..OPEN
            }),
            said(AddressRules {
                deny_global: true,
                ..OPEN
            }),
        ]
    }

    #[test]
    fn what_is_never_a_target_is_so_in_every_spelling() {
        for text in [
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
            // The server of a Teredo address, and what stands in front of one for ISATAP.
            "2001:0:a9fe:a9fe:0:0:f7f7:f7f7",
            "fd12::5efe:169.254.169.254",
            "2600::200:5efe:169.254.169.254",
            "fe80::5efe:10.0.0.1",
        ] {
            let never = verdicts(text.parse().unwrap());
            assert!(
                never
                    .iter()
                    .all(|said| said.unwrap().ends_with("which is never a target")),
                "{text}"
            );
        }
    }

    #[test]
    fn rt_17_the_services_of_clouds_are_known_by_their_networks() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.0.23",
            "169.254.42.42",
            "168.63.129.16",
            "100.100.100.200",
            "100.100.100.1",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd00:ec2::123",
            "fd00:ec2::253",
            "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff",
            "fd20:ce::254",
            "fd20:ce::1",
            "fd00:c1::a9fe:a9fe",
            "fd00:c1:1::1",
            "fd00:100::100:200",
            "fd00:a9fe:a9fe::1",
            "fd00:42::42",
            "fe80::a9fe:a9fe",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(matches!(classify(address), Class::Forbidden(_)), "{text}");
            if let IpAddr::V4(inside) = address {
                for address in embeddings(inside) {
                    assert!(verdicts(address.into())[0].is_some(), "{text} in {address}");
                }
            }
        }
        for text in [
            "168.63.129.17",
            "100.100.101.1",
            "fd00:ec3::1",
            "fd21:ce::1",
            "fd00:c2::1",
            "fd00::1",
        ] {
            assert!(
                !matches!(classify(text.parse().unwrap()), Class::Forbidden(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn each_range_begins_and_ends_where_it_should() {
        let check = |addresses: &[&str], expected: Class| {
            for text in addresses {
                assert_eq!(classify(text.parse().unwrap()), expected, "{text}");
            }
        };
        check(
            &["127.0.0.0", "127.255.255.255", "::1", "::ffff:127.0.0.1"],
            Class::Loopback,
        );
        check(
            &[
                "10.0.0.0",
                "10.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "fc00::",
                "fdff:ffff::1",
                "fec0::1",
                "feff::1",
                "2001:2::1",
                "::ffff:10.0.0.1",
            ],
            Class::Private,
        );
        check(
            &[
                "1.0.0.0",
                "9.255.255.255",
                "11.0.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.0.3.0",
                "192.88.98.0",
                "192.88.100.0",
                "192.167.255.255",
                "192.169.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "198.51.99.0",
                "198.51.101.0",
                "203.0.112.0",
                "203.0.114.0",
                "223.255.255.255",
                "2000::1",
                "2001:200::1",
                "2001:db7::1",
                "2001:db9::1",
                "2003::1",
                "3fff:1000::1",
                "::ffff:8.8.8.8",
            ],
            Class::Global,
        );
        for text in [
            "0.255.255.255",
            "224.0.0.0",
            "255.255.255.254",
            "2001:1::1",
            "2001:2:1::1",
            "2001:1ff::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "1fff::1",
            "100:0:0:1::1",
            "fe7f::1",
            "64:ff9b:2::808:808",
            "64:ff9b:1:1::808:808",
            "64:ff9a::808:808",
        ] {
            assert!(
                matches!(classify(text.parse().unwrap()), Class::Forbidden(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn every_reason_says_what_the_address_is() {
        for (text, reason) in [
            ("0.0.0.0", "an unspecified address"),
            ("::", "an unspecified address"),
            ("169.254.0.1", "a link-local or metadata address"),
            ("fe80::1", "a link-local or metadata address"),
            ("100.100.100.200", "the metadata address of a cloud"),
            ("168.63.129.16", "the metadata address of a cloud"),
            ("fd00:ec2::23", "the metadata address of a cloud"),
            ("192.0.0.1", "a reserved address"),
            ("192.88.99.1", "a reserved address"),
            ("240.0.0.1", "a reserved address"),
            ("255.255.255.254", "a reserved address"),
            ("255.255.255.255", "a broadcast address"),
            ("224.0.0.1", "a multicast address"),
            ("ff02::1", "a multicast address"),
            ("192.0.2.1", "an address for documentation"),
            ("198.51.100.1", "an address for documentation"),
            ("203.0.113.1", "an address for documentation"),
            ("2001:db8::1", "an address for documentation"),
            ("100::1", "a discard address"),
            ("100:0:0:1::1", "a reserved address"),
        ] {
            let told = verdicts(text.parse().unwrap())[0].unwrap();
            assert_eq!(
                told,
                format!("is {reason}, which is never a target"),
                "{text}"
            );
        }
    }

    #[test]
    fn each_rule_denies_its_class_and_names_its_flag() {
        let said = |address: &str| {
            verdicts(address.parse().unwrap()).map(|said| said.unwrap_or_default().to_owned())
        };
        let [open, loopback, private, global] = said("127.0.0.1");
        assert!(loopback.ends_with("(--deny-loopback)"), "{loopback}");
        assert_eq!([open, private, global], ["", "", ""]);
        let [open, loopback, private, global] = said("10.0.0.1");
        assert!(private.ends_with("(--deny-private)"), "{private}");
        assert_eq!([open, loopback, global], ["", "", ""]);
        let [open, loopback, private, global] = said("8.8.8.8");
        assert!(global.contains("plain HTTP"), "{global}");
        assert_eq!([open, loopback, private], ["", "", ""]);
        assert_eq!(Denied("is nowhere").to_string(), "is nowhere");
    }

    /// A form of an IPv4 address in IPv6, and whether the address travels over public networks in it, whatever it is.
    type Form = (fn(u16, u16) -> [u16; 8], bool);

    const FORMS: [Form; 14] = [
        (|high, low| [0, 0, 0, 0, 0, 0xffff, high, low], false),
        (|high, low| [0, 0, 0, 0, 0xffff, 0, high, low], false),
        (|high, low| [0, 0, 0, 0, 0, 0, high, low], false),
        (|high, low| [0x64, 0xff9b, 0, 0, 0, 0, high, low], false),
        (|high, low| [0x64, 0xff9b, 1, 0, 0, 0, high, low], false),
        (|high, low| [0x2002, high, low, 0, 0, 0, 0, 1], true),
        (|high, low| [0x2002, high, low, 7, 8, 9, 10, 11], true),
        // A client of Teredo, behind a server with a public address; and a server, before a client with one.
        (
            |high, low| [0x2001, 0, 0x0808, 0x0808, 3, 4, !high, !low],
            true,
        ),
        (
            |high, low| [0x2001, 0, high, low, 3, 4, !0x0808, !0x0808],
            true,
        ),
        (|high, low| [0x2600, 1, 2, 3, 0, 0x5efe, high, low], true),
        (
            |high, low| [0x2600, 1, 2, 3, 0x0100, 0x5efe, high, low],
            true,
        ),
        (
            |high, low| [0x2600, 1, 2, 3, 0x0200, 0x5efe, high, low],
            true,
        ),
        (
            |high, low| [0x2600, 1, 2, 3, 0x0300, 0x5efe, high, low],
            true,
        ),
        (
            |high, low| [0x2002, 0x0808, 0x0808, 3, 0x0200, 0x5efe, high, low],
            true,
        ),
    ];

    fn formed(inside: Ipv4Addr) -> impl Iterator<Item = (Ipv6Addr, bool)> {
        let [a, b, c, d] = inside.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let all = FORMS.map(|(form, public)| (Ipv6Addr::from(form(high, low)), public));
        // `::` and `::1` are addresses of their own.
        all.into_iter().filter(move |(address, _)| {
            u32::from(inside) > 1 || !(address.is_unspecified() || address.is_loopback())
        })
    }

    fn embeddings(inside: Ipv4Addr) -> Vec<Ipv6Addr> {
        formed(inside).map(|(address, _)| address).collect()
    }

    #[test]
    fn rt_36_a_private_address_that_travels_over_public_networks_is_not_called_in_clear() {
        let plain = AddressRules {
            deny_global: true,
            ..OPEN
        };
        for text in [
            "2001:0:808:808::f5ff:fffe",
            "2002:6440:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::1",
            "2600::5efe:10.0.0.1",
            "fd12::5efe:8.8.8.8",
        ] {
            let address = text.parse().unwrap();
            assert!(plain.check(address).is_err(), "{text}");
            assert!(OPEN.check(address).is_ok(), "{text}");
        }
        for text in ["::ffff:10.0.0.1", "64:ff9b::a00:1", "fd12::5efe:10.0.0.1"] {
            assert!(plain.check(text.parse().unwrap()).is_ok(), "{text}");
        }
        // No interface of ISATAP: nothing is inside.
        for marks in ["1", "4", "400", "8000"] {
            let address: IpAddr = format!("fd12::{marks}:5efe:8.8.8.8").parse().unwrap();
            assert!(plain.check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_listener_is_known_by_every_address_that_leads_to_it() {
        let own = |address: &str, own: &str| {
            let rules = AddressRules {
                own: Some(own.parse().unwrap()),
                ..OPEN
            };
            rules.check(address.parse().unwrap()).is_err()
        };
        for address in embeddings(Ipv4Addr::LOCALHOST) {
            for listening in ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"] {
                assert!(
                    own(&address.to_string(), listening),
                    "{address} {listening}"
                );
            }
        }
        assert!(own("127.0.0.1", "64:ff9b::7f00:1"));
        assert!(!own("127.0.0.1", "127.0.0.2") && !own("::1", "127.0.0.1"));
        assert!(own("127.0.0.1", "0.0.0.0") && own("::ffff:127.0.0.2", "0.0.0.0"));
        assert!(!own("8.8.8.8", "0.0.0.0") && !own("2600::1", "::"));
    }

    #[test]
    fn networks_have_one_form_too() {
        for (text, form) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3/128", "10.1.2.3/32"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("::ffff:0.0.0.0/95", "::fffe:0:0/95"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("fd00::1/8", "fd00::/8"),
            ("::/0", "::/0"),
        ] {
            let network = canonical_network(text.parse().unwrap());
            assert_eq!(network, form.parse::<IpNet>().unwrap(), "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn every_embedding_of_an_address_is_judged_by_the_worse_of_both(octets in proptest::prelude::any::<[u8; 4]>(), kind in 0..12usize) {
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
            let alone = verdicts(inside.into());
            let public = verdicts(Ipv4Addr::new(8, 8, 8, 8).into());
            for (address, travels) in formed(inside) {
                let expected = [0, 1, 2, 3].map(|rule| alone[rule].or(public[rule].filter(|_| travels)));
                proptest::prop_assert_eq!(verdicts(address.into()), expected, "{} in {}", inside, address);
            }
        }
    }
}
