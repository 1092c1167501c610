//! Where an operator lets calls go, and how far they are trusted there.
//!
//! The model chooses the host, and text that it read may have chosen for it: this is the fence. Every call
//! passes [`TargetPolicy::admit`] before anything is sent, name lookups included; the addresses that a name
//! turns out to have pass the same rules before they are used.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use super::address::{AddressRules, canonical_network, leads_to};
use super::target::{parse_port, split};
use super::{Error, Host, Target, Trust};

/// An operator's limits on targets. The default allows every target that is not dangerous in itself.
#[derive(Debug, Clone, Default)]
pub struct TargetPolicy {
    /// The only targets allowed; empty allows all.
    pub allowed: Vec<AllowedTarget>,
    /// Refuses addresses of this machine, unless `allowed` names them.
    pub deny_loopback: bool,
    /// Refuses addresses of private networks, unless `allowed` names them.
    pub deny_private: bool,
    /// Lets plain HTTP go to addresses that are reached over public networks.
    pub allow_plaintext_public: bool,
    /// Refuses plain HTTP altogether.
    pub require_tls: bool,
    /// Refuses `verify_ssl: false`.
    pub forbid_insecure_tls: bool,
    /// Certificates that are trusted for one target each, and nothing else there.
    pub pins: Vec<Pin>,
    /// Where this process itself listens, if it does: never a target, whatever `allowed` says.
    pub own: Option<SocketAddr>,
}

/// One target, or a range of them, that an operator allows: a name, `*.suffix`, an address or a network,
/// each with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedTarget {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Name(String),
    /// With its leading dot.
    Suffix(String),
    Network(IpNet),
}

/// The SHA-256 of a certificate that an operator trusts for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    host: Host,
    port: Option<u16>,
    sha256: [u8; 32],
}

/// How the certificate of an admitted call is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Against the certificate authorities, name and validity included.
    Verified,
    /// Against nothing.
    Unverified,
    /// It must be the one with this SHA-256.
    Pinned([u8; 32]),
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Pinned(_) => "pinned",
        })
    }
}

/// What the policy made of a call's wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Admitted {
    pub(super) profile: Profile,
    pub(super) tls: bool,
    pub(super) rules: AddressRules,
}

impl TargetPolicy {
    /// Decides on a call before anything is sent.
    pub(super) fn admit(&self, target: &Target, trust: Trust) -> Result<Admitted, Error> {
        if self.require_tls && !target.tls() {
            return Err(Error::argument(
                "use_ssl",
                "is off or the port stands for plain HTTP, which the operator does not allow (--require-tls); give the HTTPS port",
            ));
        }
        let listed = self.allowed.iter().any(|allowed| allowed.matches(target));
        if !listed && !self.allowed.is_empty() {
            return Err(Error::argument(
                "host",
                "is not in the allowed targets of this server (--allowed-targets); ask its operator",
            ));
        }
        let rules = AddressRules {
            deny_loopback: self.deny_loopback && !listed,
            deny_private: self.deny_private && !listed,
            deny_global: !target.tls() && !self.allow_plaintext_public,
            own: self
                .own
                .filter(|own| own.port() == target.port())
                .map(|own| own.ip()),
        };
        if let Some(address) = target.address() {
            rules
                .check(address)
                .map_err(|denied| Error::argument("host", denied.to_string()))?;
        }
        let pin = self
            .pins
            .iter()
            .filter(|pin| pin.is_for(target))
            .min_by_key(|pin| pin.port.is_none());
        if pin.is_some() && !target.tls() {
            return Err(Error::argument(
                "use_ssl",
                "is off or the port stands for plain HTTP, but the operator pinned this target's certificate (--pin-sha256); give the HTTPS port",
            ));
        }
        let profile = match (pin, trust) {
            (Some(pin), _) => Profile::Pinned(pin.sha256),
            (None, Trust::Verified) => Profile::Verified,
            (None, Trust::Unverified) if !target.tls() => Profile::Verified,
            (None, Trust::Unverified) if self.forbid_insecure_tls => {
                return Err(Error::argument(
                    "verify_ssl",
                    "is false, which the operator does not allow (--forbid-insecure-tls); leave it out",
                ));
            }
            (None, Trust::Unverified) => Profile::Unverified,
        };
        Ok(Admitted {
            profile,
            tls: target.tls(),
            rules,
        })
    }
}

impl AllowedTarget {
    fn matches(&self, target: &Target) -> bool {
        let host = match (&self.hosts, target.host()) {
            (Hosts::Name(name), Host::Name(host)) => name == host,
            // The suffix begins with a dot, and no name does.
            (Hosts::Suffix(suffix), Host::Name(host)) => host.ends_with(suffix.as_str()),
            (Hosts::Network(network), host) => host
                .address()
                .is_some_and(|address| network.contains(&address)),
            (Hosts::Name(_) | Hosts::Suffix(_), Host::V4(_) | Host::V6(_)) => false,
        };
        host && self.port.is_none_or(|port| port == target.port())
    }
}

impl Pin {
    /// Whether a target must show this certificate. A pinned address is so in every spelling, and in every address that
    /// leads to it.
    fn is_for(&self, target: &Target) -> bool {
        let host = match (self.host.address(), target.address()) {
            (Some(pinned), Some(address)) => leads_to(address, pinned),
            _ => self.host == *target.host(),
        };
        host && self.port.is_none_or(|port| port == target.port())
    }
}

/// Takes the message of a host's grammar as that of a flag.
pub(super) fn of_flag(error: &Error) -> String {
    match error {
        Error::Argument { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

impl FromStr for AllowedTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((network, port)) = network(text) {
            return Ok(Self {
                hosts: Hosts::Network(network?),
                port,
            });
        }
        if let Some(suffix) = text.strip_prefix("*.") {
            let (host, port) = split(suffix).map_err(|error| of_flag(&error))?;
            return match host {
                Host::Name(name) => Ok(Self {
                    hosts: Hosts::Suffix(format!(".{name}")),
                    port,
                }),
                _ => Err("has an address behind `*.`; only names have suffixes".to_owned()),
            };
        }
        let (host, port) = split(text).map_err(|error| of_flag(&error))?;
        let hosts = match host {
            Host::Name(name) => Hosts::Name(name),
            Host::V4(address) => Hosts::Network(IpAddr::V4(address).into()),
            Host::V6(address) => Hosts::Network(IpAddr::V6(address).into()),
        };
        Ok(Self { hosts, port })
    }
}

/// `10.0.0.0/8`, `10.0.0.0/8:8061`, `[fd00::/8]` or `[fd00::/8]:8061`; `None` if there is no slash, or a scheme.
fn network(text: &str) -> Option<(Result<IpNet, String>, Option<u16>)> {
    if !text.contains('/') || text.contains("//") {
        return None;
    }
    let parse = |text: &str| {
        text.parse::<IpNet>().map(canonical_network).map_err(|_| {
            "is no network; write 10.0.0.0/8 or [fd00::/8], optionally with :port".to_owned()
        })
    };
    let port = |text: &str| parse_port(text).ok();
    if let Some((network, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some(match rest.strip_prefix(':').map(port) {
            Some(Some(port)) => (parse(network), Some(port)),
            None if rest.is_empty() => (parse(network), None),
            _ => (
                Err("has a port that is not a number from 1 to 65535".to_owned()),
                None,
            ),
        });
    }
    match text.split_once(':') {
        Some((network, rest)) if !rest.contains(':') => Some(match port(rest) {
            Some(port) => (parse(network), Some(port)),
            None => (
                Err("has a port that is not a number from 1 to 65535".to_owned()),
                None,
            ),
        }),
        _ => Some((parse(text), None)),
    }
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (target, digest) = text
            .split_once('=')
            .ok_or("must be host[:port]=SHA256 of the certificate")?;
        let (host, port) = split(target).map_err(|error| of_flag(&error))?;
        let digits: String = digest.chars().filter(|c| *c != ':').collect();
        let mut sha256 = [0; 32];
        let whole = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let bytes = sha256.iter_mut().enumerate().map(|(place, byte)| {
            let parsed = digits
                .get(place * 2..place * 2 + 2)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            parsed.map(|parsed| *byte = parsed)
        });
        if !whole || bytes.collect::<Option<Vec<()>>>().is_none() {
            return Err(
                "must have 64 hexadecimal digits behind the `=`, with or without colons".to_owned(),
            );
        }
        Ok(Self { host, port, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use proptest::prelude::*;

    use super::*;

    fn admits(policy: &TargetPolicy, host: &str, tls: bool) -> bool {
        let target = Target::parse(host, None, Some(tls)).unwrap();
        policy.admit(&target, Trust::Verified).is_ok()
    }

    fn allowing(entries: &[&str]) -> TargetPolicy {
        TargetPolicy {
            allowed: entries.iter().map(|text| text.parse().unwrap()).collect(),
            ..TargetPolicy::default()
        }
    }

    #[test]
    fn each_form_of_an_allowed_target_means_what_it_says() {
        for (entry, allowed, refused) in [
            (
                "opm.test",
                &["opm.test", "OPM.test:1"][..],
                &["a.opm.test", "opm.test.a", "xopm.test"][..],
            ),
            ("opm.test:9", &["opm.test:9"], &["opm.test", "opm.test:90"]),
            (
                "*.opm.test",
                &["a.opm.test", "a.b.opm.test:9"],
                &["opm.test", "xopm.test", "opm.test.a"],
            ),
            ("*.test:9", &["a.test:9"], &["a.test", "test:9"]),
            (
                "10.1.2.3",
                &["10.1.2.3", "[::ffff:10.1.2.3]", "[::FFFF:A01:203]"],
                &["10.1.2.4", "[::ffff:10.1.2.4]", "[64:ff9b::a01:203]"],
            ),
            ("[::ffff:10.1.2.3]:9", &["10.1.2.3:9"], &["10.1.2.3"]),
            (
                "[::ffff:10.0.0.0/104]",
                &["10.9.9.9", "[::ffff:10.9.9.9]"],
                &["11.0.0.1"],
            ),
            (
                "10.0.0.0/8",
                &["10.0.0.1", "10.255.255.255:9"],
                &["11.0.0.1", "name.test"],
            ),
            ("10.1.2.3/8:9", &["10.9.9.9:9"], &["10.1.2.3"]),
            (
                "[fd00::1]:9",
                &["[fd00::1]:9"],
                &["[fd00::2]:9", "[fd00::1]"],
            ),
            ("[fd00::/8]", &["[fd12::1]:9"], &["[fe12::1]", "10.0.0.1"]),
            ("fd00::/8", &["[fd12::1]"], &["[2600::1]"]),
            ("[fd00::/8]:9", &["[fd12::1]:9"], &["[fd12::1]"]),
            ("0.0.0.0/0", &["8.8.8.8"], &["[2600::1]", "name.test"]),
        ] {
            let policy = allowing(&[entry]);
            for host in allowed {
                assert!(admits(&policy, host, true), "{entry}: {host}");
            }
            for host in refused {
                assert!(!admits(&policy, host, true), "{entry}: {host}");
            }
        }
    }

    #[test]
    fn an_entry_opens_what_was_denied_and_nothing_that_is_never_a_target() {
        let mut policy = allowing(&["10.0.0.0/8", "127.0.0.1", "0.0.0.0/0:9"]);
        policy.deny_loopback = true;
        policy.deny_private = true;
        for host in ["10.1.1.1", "127.0.0.1", "192.168.1.1:9", "8.8.8.8:9"] {
            assert!(admits(&policy, host, true), "{host}");
        }
        for host in ["192.168.1.1", "127.0.0.2", "169.254.169.254:9", "0.0.0.0:9"] {
            assert!(!admits(&policy, host, true), "{host}");
        }
    }

    #[test]
    fn trust_is_the_operators_where_the_operator_decides() {
        let profile = |policy: &TargetPolicy, tls, trust| {
            let target = Target::parse("10.0.0.1:9", None, Some(tls)).unwrap();
            policy
                .admit(&target, trust)
                .map(|admitted| admitted.profile)
        };
        let open = TargetPolicy::default();
        let strict = TargetPolicy {
            forbid_insecure_tls: true,
            ..TargetPolicy::default()
        };
        for policy in [&open, &strict] {
            assert_eq!(
                profile(policy, true, Trust::Verified).unwrap(),
                Profile::Verified
            );
            // Without TLS there is nothing to verify, and nothing to forbid.
            for trust in [Trust::Verified, Trust::Unverified] {
                assert_eq!(profile(policy, false, trust).unwrap(), Profile::Verified);
            }
        }
        assert_eq!(
            profile(&open, true, Trust::Unverified).unwrap(),
            Profile::Unverified
        );
        let refused = profile(&strict, true, Trust::Unverified).unwrap_err();
        assert!(
            refused.to_string().starts_with("`verify_ssl` is false"),
            "{refused}"
        );
        let names = [
            Profile::Verified,
            Profile::Unverified,
            Profile::Pinned([0; 32]),
        ];
        assert_eq!(
            names.map(|profile| profile.to_string()),
            ["verified", "unverified", "pinned"]
        );
    }

    #[test]
    fn flags_that_are_wrong_say_what_is_right() {
        for (text, word) in [
            ("a b", "must be a DNS name"),
            ("http://a", "without scheme"),
            ("*.a b", "must be a DNS name"),
            ("*.10.0.0.1", "only names have suffixes"),
            ("10.0.0.0/33", "is no network"),
            ("[fd00::/129]", "is no network"),
            ("[fd00::/8]x", "a port that is not a number"),
            ("[fd00::/8]:", "a port that is not a number"),
            ("[fd00::/8]:0", "a port that is not a number"),
            ("10.0.0.0/8:x", "a port that is not a number"),
        ] {
            let told = text.parse::<AllowedTarget>().unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
        let digits = |count| "a".repeat(count);
        for (text, word) in [
            ("h", "must be host[:port]=SHA256"),
            (&format!("a b={}", digits(64)), "must be a DNS name"),
            (&format!("h={}", digits(63)), "64 hexadecimal digits"),
            (&format!("h={}", digits(66)), "64 hexadecimal digits"),
            (&format!("h={}g", digits(63)), "64 hexadecimal digits"),
            (&format!("h=+{}", digits(63)), "64 hexadecimal digits"),
            ("h=", "64 hexadecimal digits"),
        ] {
            let told = text.parse::<Pin>().unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
    }

    #[test]
    fn plain_http_over_public_networks_is_the_operators_decision() {
        let mut policy = TargetPolicy::default();
        assert!(admits(&policy, "8.8.8.8:9", true) && admits(&policy, "10.0.0.1:9", false));
        assert!(!admits(&policy, "8.8.8.8:9", false));
        policy.allow_plaintext_public = true;
        assert!(admits(&policy, "8.8.8.8:9", false));
        policy.require_tls = true;
        assert!(!admits(&policy, "8.8.8.8:9", false) && !admits(&policy, "10.0.0.1:9", false));
        assert!(admits(&policy, "8.8.8.8:9", true));
    }

    /// Spellings of one address, the shortest first.
    fn spellings(address: IpAddr) -> Vec<String> {
        let long = |address: Ipv6Addr| {
            let groups = address.segments().map(|group| format!("{group:04x}"));
            format!("[{}]", groups.join(":"))
        };
        match address {
            IpAddr::V4(address) => {
                let mapped = address.to_ipv6_mapped();
                let [.., high, low] = mapped.segments();
                vec![
                    address.to_string(),
                    format!("[{mapped}]"),
                    format!("[::ffff:{high:x}:{low:x}]"),
                    format!("[0:0::FFFF:{high:X}:{low:x}]"),
                    format!("[0:0:0:0:0:ffff:{address}]"),
                    long(mapped),
                ]
            }
            IpAddr::V6(address) => vec![
                format!("[{address}]"),
                format!("[{address}]").to_uppercase(),
                long(address),
                long(address).to_uppercase(),
            ],
        }
    }

    fn pinned(host: &str) -> TargetPolicy {
        TargetPolicy {
            pins: vec![format!("{host}={}", "ab".repeat(32)).parse().unwrap()],
            ..TargetPolicy::default()
        }
    }

    fn profile(policy: &TargetPolicy, host: &str) -> Option<Profile> {
        let target = Target::parse(host, None, Some(true)).unwrap();
        let admitted = policy.admit(&target, Trust::Unverified).ok()?;
        Some(admitted.profile)
    }

    #[test]
    fn rt_34_a_pin_holds_for_every_address_that_leads_to_the_pinned_one() {
        let policy = pinned("10.1.2.3");
        for host in [
            "10.1.2.3",
            "10.1.2.3:9",
            "[::ffff:10.1.2.3]",
            "[::10.1.2.3]",
            "[64:ff9b::a01:203]",
            "[64:ff9b:1::a01:203]",
            "[2002:a01:203::1]",
            "[2600::5efe:10.1.2.3]",
        ] {
            assert_eq!(
                profile(&policy, host),
                Some(Profile::Pinned([0xab; 32])),
                "{host}"
            );
            let port = (!host.ends_with(":9")).then_some(8060);
            let plain = Target::parse(host, port, Some(false)).unwrap();
            assert!(policy.admit(&plain, Trust::Verified).is_err(), "{host}");
        }
        for host in ["10.1.2.4", "[64:ff9b::a01:204]", "name.test"] {
            assert_eq!(profile(&policy, host), Some(Profile::Unverified), "{host}");
        }
        let policy = pinned("OPM.test:9");
        assert_eq!(
            profile(&policy, "opm.TEST:9"),
            Some(Profile::Pinned([0xab; 32]))
        );
        assert_eq!(profile(&policy, "opm.test:8"), Some(Profile::Unverified));
    }

    #[test]
    fn a_name_has_no_spelling_but_that_of_its_letters() {
        let policy = pinned("opm.test");
        for host in ["opm.test", "OPM.Test", "oPm.tesT:8443"] {
            let expected = Some(Profile::Pinned([0xab; 32]));
            assert_eq!(profile(&policy, host), expected, "{host}");
        }
        // What names the same machine to some resolver or URL parser is no host at all: not in a call, not in a flag.
        for host in [
            "opm.test.",
            "opm.test.:8443",
            "opm..test",
            ".opm.test",
            "opm\u{3002}test",
            "opm\u{ff0e}test",
            "\u{ff4f}pm.test",
            "opm\u{ad}.test",
            "opm%2etest",
            "xn--opm-.test",
            "[::1%lo]",
            "[::1%251]",
            "[fe80::1%eth0]",
            "::1",
            "127.1",
            "0x7f.0.0.1",
            "127.0.0.1.",
        ] {
            assert!(Target::parse(host, None, None).is_err(), "{host}");
            assert!(host.parse::<AllowedTarget>().is_err(), "{host}");
            let pin = format!("{host}={}", "ab".repeat(32));
            assert!(pin.parse::<Pin>().is_err(), "{host}");
        }
    }

    #[test]
    fn the_pin_of_a_port_goes_before_the_one_of_all_ports() {
        let digest = |byte: &str| byte.repeat(32);
        for order in [["h.test:9", "h.test"], ["h.test", "h.test:9"]] {
            let pins = order.map(|host| {
                let byte = if host.ends_with(":9") { "09" } else { "0a" };
                format!("{host}={}", digest(byte)).parse().unwrap()
            });
            let policy = TargetPolicy {
                pins: pins.to_vec(),
                ..TargetPolicy::default()
            };
            assert_eq!(profile(&policy, "h.test:9"), Some(Profile::Pinned([9; 32])));
            assert_eq!(
                profile(&policy, "h.test:8"),
                Some(Profile::Pinned([10; 32]))
            );
        }
    }

    fn addresses() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            (1u8..224, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| IpAddr::from([a, b, c, d])),
            (0x2600u16..0x2700, any::<[u16; 7]>()).prop_map(|(first, [b, c, d, e, f, g, h])| {
                IpAddr::from([first, b, c, d, e, f, g, h])
            }),
        ]
    }

    fn hosts() -> impl Strategy<Value = String> {
        let label = "[a-c]{1,2}";
        prop_oneof![
            3 => prop::collection::vec(label, 1..4).prop_map(|labels| labels.join(".")),
            1 => (8u8..11, 0u8..3).prop_map(|(a, b)| format!("{a}.0.0.{b}")),
            1 => (0u16..3, 0u16..3).prop_map(|(a, b)| format!("[fd0{a}::{b}]")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn rt_34_every_spelling_of_an_address_is_one_target(address in addresses(), port in 1u16..5) {
            prop_assume!(AddressRules::default().check(address).is_ok());
            let all = spellings(address);
            for one in &all {
                let (listed, pins) = (allowing(&[&format!("{one}:{port}")]), pinned(&format!("{one}:{port}")));
                let own = TargetPolicy {
                    own: Some(SocketAddr::new(one.trim_matches(['[', ']']).parse().unwrap(), port)),
                    ..TargetPolicy::default()
                };
                for other in &all {
                    let host = format!("{other}:{port}");
                    let (one, other) = (Target::parse(&format!("{one}:{port}"), None, None), Target::parse(&host, None, None));
                    prop_assert_eq!(one.unwrap(), other.unwrap(), "{}", host);
                    prop_assert!(admits(&listed, &host, true), "{host}");
                    prop_assert_eq!(profile(&pins, &host), Some(Profile::Pinned([0xab; 32])), "{}", host);
                    prop_assert!(!admits(&own, &host, true), "{host}");
                }
            }
        }

        #[test]
        fn an_allowed_target_is_no_other_host(entry in hosts(), host in hosts(), ports in (1u16..3, 1u16..3), suffix in any::<bool>()) {
            let suffix = suffix && !entry.starts_with('[') && entry.parse::<IpAddr>().is_err();
            let star = if suffix { "*." } else { "" };
            let policy = allowing(&[&format!("{star}{entry}:{}", ports.0)]);
            let same = if suffix {
                // Label by label, from behind.
                let (entry, host): (Vec<_>, Vec<_>) = (entry.rsplit('.').collect(), host.rsplit('.').collect());
                host.len() > entry.len() && host.starts_with(&entry)
            } else {
                entry == host
            };
            let admitted = admits(&policy, &format!("{host}:{}", ports.1), true);
            prop_assert_eq!(admitted, same && ports.0 == ports.1);
        }
    }
}
