//! The HTTP clients that all calls share, one for each way in which a call may be admitted.
//!
//! Owns what is the same for every call: the target policy, limits, no redirects, no proxies of the
//! environment, no cookies, no retries. Holds connections, never a key or an answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::policy::Admitted;
use super::resolver::{Lookup, Resolver, System};
use super::{Connection, Error, Profile, TargetPolicy, tls};

/// Bytes in which the room for bodies is counted.
pub(super) const UNIT: usize = 1024;

/// Limits of every call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time from the first packet to the last byte of the answer.
    pub timeout: Duration,
    /// Longest time until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Largest body that is read, in bytes after decoding.
    pub max_response_bytes: usize,
    /// Most bytes of bodies that are held at one time, over all calls; more calls wait.
    pub max_buffered_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 4 * 1024 * 1024,
            max_buffered_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What an operator decides for all calls.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// Limits of every call.
    pub limits: Limits,
    /// Where calls may go.
    pub policy: TargetPolicy,
    /// Certificate authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// A proxy for targets that speak HTTPS; plain HTTP never goes through it.
    pub proxy: Option<reqwest::Url>,
}

/// Shared connections to OpManager servers. Cloning it is cheap and shares them.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    egress: Egress,
    lookup: Arc<dyn Lookup>,
    /// One permit for each [`UNIT`] bytes of a body that may be held.
    room: Arc<Semaphore>,
    /// Calls that were admitted differently share neither connections nor TLS sessions: a verified call must
    /// not ride on a connection that nobody verified, nor a restricted one on an address that it may not use.
    clients: Mutex<HashMap<Admitted, reqwest::Client>>,
}

impl Default for Http {
    fn default() -> Self {
        Self::new(Egress::default())
    }
}

impl Http {
    /// Clients under an operator's decisions.
    pub fn new(egress: Egress) -> Self {
        Self::with_lookup(egress, Arc::new(System))
    }

    /// The same, with names looked up elsewhere.
    pub(super) fn with_lookup(egress: Egress, lookup: Arc<dyn Lookup>) -> Self {
        let bytes = egress
            .limits
            .max_buffered_bytes
            .max(egress.limits.max_response_bytes);
        Self(Arc::new(Shared {
            egress,
            lookup,
            room: Arc::new(Semaphore::new(
                bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS),
            )),
            clients: Mutex::default(),
        }))
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.0.egress.limits
    }

    /// Whether a connection is allowed, and how its certificate will be checked.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming `host`, `use_ssl` or `verify_ssl`.
    pub fn admit(&self, connection: &Connection) -> Result<Profile, Error> {
        let admitted = self
            .0
            .egress
            .policy
            .admit(&connection.target, connection.trust)?;
        Ok(admitted.profile)
    }

    /// Where calls may go.
    pub(super) fn policy(&self) -> &TargetPolicy {
        &self.0.egress.policy
    }

    /// Whether targets that speak HTTPS are reached through a proxy.
    pub(super) fn has_proxy(&self) -> bool {
        self.0.egress.proxy.is_some()
    }

    /// The names of calls that were admitted so.
    pub(super) fn resolver(&self, admitted: Admitted) -> Resolver {
        Resolver {
            lookup: Arc::clone(&self.0.lookup),
            rules: admitted.rules,
            trusted_name: None,
        }
    }

    /// TLS settings with a session cache of their own.
    pub(crate) fn tls(&self, profile: Profile) -> Result<rustls::ClientConfig, rustls::Error> {
        tls::config(profile, &self.0.egress.authorities)
    }

    /// Waits until a body of that many bytes may be held.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0.room).acquire_many_owned(units).await;
        room.map_err(|closed| Error::Setup(closed.to_string()))
    }

    /// The client for a connection, if the policy admits it. The only way to one.
    pub(super) fn client(&self, connection: &Connection) -> Result<reqwest::Client, Error> {
        let admitted = self
            .0
            .egress
            .policy
            .admit(&connection.target, connection.trust)?;
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&admitted) {
            return Ok(client.clone());
        }
        let client = self.build(admitted)?;
        clients.insert(admitted, client.clone());
        Ok(client)
    }

    fn build(&self, admitted: Admitted) -> Result<reqwest::Client, Error> {
        let Egress { limits, proxy, .. } = &self.0.egress;
        let tls = self
            .tls(admitted.profile)
            .map_err(|error| Error::Setup(error.to_string()))?;
        let mut resolver = self.resolver(admitted);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(limits.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ));
        // A client for plain HTTP has no use for it, and must not trust its name: a call may give that too.
        if let Some(proxy) = proxy.as_ref().filter(|_| admitted.tls) {
            resolver.trusted_name = proxy.host_str().map(str::to_owned);
            let proxy = reqwest::Proxy::https(proxy.clone())
                .map_err(|error| Error::Setup(error.without_url().to_string()))?;
            builder = builder.proxy(proxy);
        }
        if admitted.profile == Profile::Unverified {
            builder = builder.pool_max_idle_per_host(0);
        }
        builder
            .dns_resolver(resolver)
            .build()
            .map_err(|error| Error::Setup(error.to_string()))
    }
}
