//! The HTTP clients that all calls share: one per trust profile, made when first needed.
//!
//! Owns what is the same for every call: time limits, no redirects, no proxies of the environment, no
//! cookies, no retries. Holds connections, never a key or an answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Trust};

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

/// Shared connections to OpManager servers. Cloning it is cheap and shares them.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    limits: Limits,
    /// One permit for each [`UNIT`] bytes of a body that may be held.
    room: Arc<Semaphore>,
    verified: OnceLock<reqwest::Client>,
    unverified: OnceLock<reqwest::Client>,
}

impl Default for Http {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Http {
    /// Clients with the given limits.
    pub fn new(limits: Limits) -> Self {
        let bytes = limits.max_buffered_bytes.max(limits.max_response_bytes);
        Self(Arc::new(Shared {
            limits,
            room: Arc::new(Semaphore::new(
                bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS),
            )),
            verified: OnceLock::new(),
            unverified: OnceLock::new(),
        }))
    }

    /// Waits until a body of that many bytes may be held.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0.room).acquire_many_owned(units).await;
        room.map_err(|closed| Error::Setup(closed.to_string()))
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The client of a trust profile. Profiles share neither connections nor TLS sessions: a verified
    /// call must not ride on a connection that nobody verified.
    pub(super) fn client(&self, trust: Trust) -> Result<&reqwest::Client, Error> {
        let slot = match trust {
            Trust::Verified => &self.0.verified,
            Trust::Unverified => &self.0.unverified,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = self.build(trust)?;
        Ok(slot.get_or_init(|| client))
    }

    fn build(&self, trust: Trust) -> Result<reqwest::Client, Error> {
        // Fails only where another part of the process has chosen a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .connect_timeout(self.0.limits.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .tls_danger_accept_invalid_certs(trust == Trust::Unverified)
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ));
        let builder = match trust {
            Trust::Verified => builder,
            Trust::Unverified => builder.pool_max_idle_per_host(0),
        };
        builder
            .build()
            .map_err(|error| Error::Setup(error.to_string()))
    }
}
