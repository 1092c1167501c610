//! The HTTP clients that all calls share, one for each way in which a call may be admitted.
//!
//! Owns what is the same for every call: the target policy, limits, no redirects, no proxies of the
//! environment, no cookies, no retries. Holds connections, never a key or an answer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::AddressRules;
use super::policy::Admitted;
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
        let bytes = egress
            .limits
            .max_buffered_bytes
            .max(egress.limits.max_response_bytes);
        Self(Arc::new(Shared {
            egress,
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
        let Egress {
            limits,
            authorities,
            proxy,
            ..
        } = &self.0.egress;
        let tls = tls::config(admitted.profile, authorities)
            .map_err(|error| Error::Setup(error.to_string()))?;
        let mut trusted_names = Vec::new();
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
        if let Some(proxy) = proxy {
            trusted_names.extend(proxy.host_str().map(str::to_owned));
            let proxy = reqwest::Proxy::https(proxy.clone())
                .map_err(|error| Error::Setup(error.without_url().to_string()))?;
            builder = builder.proxy(proxy);
        }
        if admitted.profile == Profile::Unverified {
            builder = builder.pool_max_idle_per_host(0);
        }
        builder
            .dns_resolver(Resolver {
                rules: admitted.rules,
                trusted_names,
            })
            .build()
            .map_err(|error| Error::Setup(error.to_string()))
    }
}

/// Looks names up, and gives out no address that the rules refuse: these and no others are then connected to.
struct Resolver {
    rules: AddressRules,
    /// Names that the operator wrote: the proxy.
    trusted_names: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = (!self
            .trusted_names
            .iter()
            .any(|trusted| trusted == name.as_str()))
        .then_some(self.rules);
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            admissible(&found, rules)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One bad address spoils an answer: whoever mixes them means to.
fn admissible(
    found: &[SocketAddr],
    rules: Option<AddressRules>,
) -> Result<(), super::address::Denied> {
    match rules {
        None => Ok(()),
        Some(rules) => found
            .iter()
            .try_for_each(|address| rules.check(address.ip())),
    }
}
