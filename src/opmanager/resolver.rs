//! From names to addresses that may be used.
//!
//! Owns the rule that the addresses of an answer are judged together and that exactly the judged ones are
//! connected to. Where the answers come from is a [`Lookup`], so that tests can give their own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::{AddressRules, Denied};

/// A source of addresses.
pub(super) trait Lookup: Send + Sync {
    /// The addresses of a name, with port 0.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's.
pub(super) struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Why a name gives no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    /// It has one that the rules refuse.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// Nothing is known of it.
    #[error("{0}")]
    Unknown(#[from] io::Error),
}

/// Looks names up, and gives out no address that the rules refuse: these and no others are then connected to.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    /// None for a name that the operator wrote and no call did: the proxy's.
    pub(super) rules: Option<AddressRules>,
}

impl Resolver {
    /// The addresses of a name. One bad address spoils all: whoever mixes them means to.
    pub(super) fn addresses(
        &self,
        name: &str,
    ) -> BoxFuture<'static, Result<Vec<SocketAddr>, Unresolved>> {
        let found = self.lookup.lookup(name.to_owned());
        let rules = self.rules;
        Box::pin(async move {
            let found = found.await?;
            for address in &found {
                rules.map_or(Ok(()), |rules| rules.check(address.ip()))?;
            }
            Ok(found)
        })
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = BoxFuture<'static, Result<Self::Response, Unresolved>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let addresses = self.addresses(name.as_str());
        Box::pin(async move { Ok(addresses.await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use opmanager_simulator::{Fault, FaultKind, Options, Simulator, Tls};

    use super::*;
    use crate::opmanager::types::GetDownDevicesArgs;
    use crate::opmanager::{
        ApiKey, Client, Connection, Egress, Error, Http, RawResponse, Target, TargetPolicy, Trust,
    };

    /// Gives its answers in turn, the last one again and again.
    struct Script {
        answers: Vec<Vec<&'static str>>,
        asked: AtomicUsize,
    }

    impl Script {
        fn new(answers: &[&[&'static str]]) -> Arc<Self> {
            Arc::new(Self {
                answers: answers.iter().map(|answer| answer.to_vec()).collect(),
                asked: AtomicUsize::new(0),
            })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    impl Lookup for Script {
        fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            let answer = &self.answers[number.min(self.answers.len() - 1)];
            let found = answer
                .iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
                .collect();
            Box::pin(async { Ok(found) })
        }
    }

    fn http(script: &Arc<Script>, policy: TargetPolicy) -> Http {
        let egress = Egress {
            policy,
            ..Egress::default()
        };
        Http::with_lookup(egress, Arc::<Script>::clone(script))
    }

    async fn call(http: &Http, host: &str, tls: bool) -> Result<RawResponse, Error> {
        let key = ApiKey::new("demo-key-not-a-secret".to_owned()).unwrap();
        let target = Target::parse(host, None, Some(tls)).unwrap();
        let connection = Connection::with(target, Trust::Verified, key);
        Client::new(http.clone(), connection)
            .call_raw(&GetDownDevicesArgs::default())
            .await
    }

    fn check_denied(case: &str, result: Result<RawResponse, Error>, word: &str) {
        match result {
            Err(Error::Argument { argument, message }) => {
                assert_eq!(argument, "host", "{case}");
                assert!(message.contains(word), "{case}: {message}");
            }
            other => panic!("{case}: {other:?}"),
        }
    }

    async fn simulator() -> Simulator {
        Simulator::start(Options::default()).await.unwrap()
    }

    #[tokio::test]
    async fn hp_19_a_name_that_changes_its_address_is_judged_at_every_connection() {
        let simulator = simulator().await;
        let host = format!("rebind.test:{}", simulator.address().port());
        let script = Script::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
        let http = http(&script, TargetPolicy::default());
        for _ in 0..3 {
            assert!(call(&http, &host, false).await.is_ok());
        }
        assert_eq!(
            (script.asked(), simulator.connections()),
            (1, 1),
            "one lookup a connection"
        );
        simulator.inject(Fault::once(FaultKind::CloseAfterRequest));
        assert!(matches!(
            call(&http, &host, false).await,
            Err(Error::Interrupted { .. })
        ));
        for number in 2..4 {
            check_denied(&host, call(&http, &host, false).await, "link-local");
            assert_eq!((script.asked(), simulator.connections()), (number, 1));
        }
    }

    #[tokio::test]
    async fn hp_19_one_bad_address_spoils_an_answer() {
        let simulator = simulator().await;
        let host = format!("mixed.test:{}", simulator.address().port());
        for answer in [
            ["127.0.0.1", "169.254.169.254"],
            ["169.254.169.254", "127.0.0.1"],
            ["127.0.0.1", "::ffff:169.254.169.254"],
        ] {
            let script = Script::new(&[&answer]);
            let http = http(&script, TargetPolicy::default());
            check_denied(&host, call(&http, &host, false).await, "link-local");
            assert_eq!((script.asked(), simulator.connections()), (1, 0));
        }
    }

    #[tokio::test]
    async fn hp_21_names_that_lead_to_what_is_never_a_target_are_refused() {
        for address in [
            "169.254.169.254",
            "0.0.0.0",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
        ] {
            for tls in [true, false] {
                // Not even an operator's list opens them.
                for allowed in [vec![], vec!["meta.test".parse().unwrap()]] {
                    let policy = TargetPolicy {
                        allowed,
                        allow_plaintext_public: true,
                        ..TargetPolicy::default()
                    };
                    let script = Script::new(&[&[address]]);
                    let http = http(&script, policy);
                    let result = call(&http, "meta.test:9", tls).await;
                    check_denied(address, result, "never a target");
                    assert_eq!(script.asked(), 1);
                    let target = Target::parse("meta.test:9", None, Some(tls)).unwrap();
                    let probe = http.probe(&target, Trust::Verified).unwrap();
                    assert!(matches!(probe.resolve().await, Err(Error::Argument { .. })));
                }
            }
        }
    }

    #[tokio::test]
    async fn hp_21_what_an_operator_denies_is_denied_behind_a_name_too() {
        let denied = |loopback, private, allowed: &str| TargetPolicy {
            deny_loopback: loopback,
            deny_private: private,
            allowed: allowed
                .split(',')
                .filter_map(|text| text.parse().ok())
                .collect(),
            ..TargetPolicy::default()
        };
        for (policy, address, word) in [
            (denied(true, false, ""), "127.0.0.1", "--deny-loopback"),
            (denied(true, false, ""), "::1", "--deny-loopback"),
            (denied(false, true, ""), "10.0.0.1", "--deny-private"),
            (denied(false, true, ""), "fd00::1", "--deny-private"),
        ] {
            let script = Script::new(&[&[address]]);
            let result = call(&http(&script, policy), "name.test:9", true).await;
            check_denied(address, result, word);
        }
        // An entry opens this machine for the name that it lists.
        let simulator = simulator().await;
        let script = Script::new(&[&["127.0.0.1"]]);
        let http = http(&script, denied(true, true, "name.test"));
        let host = format!("name.test:{}", simulator.address().port());
        assert!(call(&http, &host, false).await.is_ok());
        assert_eq!(
            simulator.requests()[0].header("host"),
            Some(host.as_bytes())
        );
    }

    #[tokio::test]
    async fn hp_22_targets_that_are_not_allowed_are_not_looked_up() {
        let policy = TargetPolicy {
            allowed: vec!["opm.test:8061".parse().unwrap()],
            ..TargetPolicy::default()
        };
        let script = Script::new(&[&["127.0.0.1"]]);
        let http = http(&script, policy);
        for host in [
            "other.test",
            "opm.test:8060",
            "xopm.test",
            "opm.test.evil.test",
            "127.0.0.1",
        ] {
            check_denied(host, call(&http, host, true).await, "allowed targets");
            let target = Target::parse(host, None, Some(true)).unwrap();
            assert!(http.probe(&target, Trust::Verified).is_err(), "{host}");
        }
        assert_eq!(script.asked(), 0);
    }

    #[tokio::test]
    async fn tl_18_a_name_with_a_public_address_is_not_called_in_clear() {
        for answer in [&["8.8.8.8"][..], &["127.0.0.1", "8.8.8.8"], &["2600::1"]] {
            let script = Script::new(&[answer]);
            let http = http(&script, TargetPolicy::default());
            let result = call(&http, "global.test:8060", false).await;
            check_denied("global.test", result, "over public networks");
        }
    }

    #[tokio::test]
    async fn a_certificate_is_checked_against_the_name_and_not_its_address() {
        let simulator = Simulator::start(Options {
            tls: Tls::CaSigned,
            ..Options::default()
        })
        .await
        .unwrap();
        let script = Script::new(&[&["127.0.0.1"]]);
        let http = http(&script, TargetPolicy::default());
        let host = format!("opm.test:{}", simulator.address().port());
        let result = call(&http, &host, true).await;
        assert!(matches!(result, Err(Error::Tls { .. })), "{result:?}");
        assert_eq!(
            (simulator.connections(), simulator.bytes_received()),
            (1, 0)
        );
    }
}
