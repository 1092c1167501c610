//! From names to addresses that may be used.
//!
//! Owns the rule that the addresses of an answer are judged together and that exactly the judged ones are
//! connected to. Where the answers come from is a [`Lookup`], so that tests can give their own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

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
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nothing is known of it.
    #[error(transparent)]
    Unknown(#[from] io::Error),
}

/// Looks names up, and gives out no address that the rules refuse: these and no others are then connected to.
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) rules: AddressRules,
    /// The one name that the operator wrote and no call did: the proxy's.
    pub(super) trusted_name: Option<String>,
}

impl Resolver {
    /// The addresses of a name. One bad address spoils all: whoever mixes them means to.
    pub(super) fn addresses(
        &self,
        name: &str,
    ) -> BoxFuture<'static, Result<Vec<SocketAddr>, Unresolved>> {
        let found = self.lookup.lookup(name.to_owned());
        let trusted = self.trusted_name.as_deref() == Some(name);
        let rules = (!trusted).then_some(self.rules);
        Box::pin(async move {
            let found = found.await?;
            for address in &found {
                rules.map_or(Ok(()), |rules| rules.check(address.ip()))?;
            }
            Ok(found)
        })
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.addresses(name.as_str());
        Box::pin(async move { Ok(Box::new(addresses.await?.into_iter()) as Addrs) })
    }
}
