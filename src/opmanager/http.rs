//! The HTTP clients that all calls share: one per trust profile, made when first needed.
//!
//! Owns what is the same for every call: time limits, no redirects, no proxies of the environment, no
//! cookies, no retries. Holds connections, never a key or an answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Error, Trust};

/// Limits of every call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time from the first packet to the last byte of the answer.
    pub timeout: Duration,
    /// Longest time until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Largest body that is read, in bytes after decoding.
    pub max_response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Shared connections to OpManager servers. Cloning it is cheap and shares them.
#[derive(Clone, Default)]
pub struct Http(Arc<Shared>);

#[derive(Default)]
struct Shared {
    limits: Limits,
    verified: OnceLock<reqwest::Client>,
    unverified: OnceLock<reqwest::Client>,
}

impl Http {
    /// Clients with the given limits.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            ..Shared::default()
        }))
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
