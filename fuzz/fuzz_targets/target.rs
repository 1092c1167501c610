//! Whatever text is given as a host: what is accepted is written in the grammar's few characters, and
//! the library that makes the request reads from its origin the host and the port that were meant.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::opmanager::{Host, Target};
use url::Url;

fuzz_target!(|input: (Option<u16>, Option<bool>, &str)| {
    let (port, use_ssl, text) = input;
    let target = match Target::parse(text, port, use_ssl) {
        Ok(target) => target,
        Err(error) => {
            let told = error.to_string();
            assert!(told.chars().count() < 300, "{told}");
            return;
        }
    };

    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    assert!(text.bytes().all(plain));
    assert!(target.to_string().bytes().all(plain), "{target}");

    let url = Url::parse(&target.origin()).unwrap();
    let written = text.split(':').next().unwrap_or_default();
    match (target.host(), url.host()) {
        (Host::Name(name), Some(url::Host::Domain(host))) => {
            assert_eq!(name, host);
            assert_eq!(*name, written.to_ascii_lowercase());
            assert!(name.len() <= 253 && !name.ends_with('.'), "{name}");
            assert!(name.parse::<IpAddr>().is_err(), "{name}");
        }
        (Host::V4(address), Some(url::Host::Ipv4(host))) => {
            assert_eq!(*address, host);
            assert!(address.to_string() == written || text.starts_with('['));
        }
        (Host::V6(address), Some(url::Host::Ipv6(host))) => {
            assert_eq!(*address, host);
            assert!(text.starts_with('['));
            assert_eq!(address.to_ipv4_mapped(), None);
        }
        (ours, theirs) => panic!("{ours:?} is read as {theirs:?}"),
    }

    assert_eq!(url.port_or_known_default(), Some(target.port()));
    assert!(target.port() > 0);
    assert!(port.is_none_or(|port| port == target.port()));
    assert_eq!(url.scheme(), if target.tls() { "https" } else { "http" });
    assert!(use_ssl.is_none_or(|tls| tls == target.tls()));
    assert!(target.tls() || ![443, 8061].contains(&target.port()));
    assert_eq!(
        url.as_str(),
        format!("{}/", url.origin().ascii_serialization())
    );

    // What is printed leads to the same place.
    let again = Target::parse(&target.to_string(), None, Some(target.tls()));
    assert_eq!(again.ok(), Some(target));
});
