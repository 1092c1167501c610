//! A connection made in single steps, to find out which one fails.
//!
//! Owns the order of the steps: each is had from the one before, and the first from the policy, so that
//! nothing is looked up or connected to that a call could not reach. Sends no request and knows no key.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::policy::Admitted;
use super::resolver::Unresolved;
use super::tls::{self, Certificate};
use super::{Error, Host, Http, Profile, Target, Trust};
use crate::foreign::{Foreign, Source, Told, Words};

/// A target that the policy admits.
pub(crate) struct Admittance {
    http: Http,
    target: Target,
    admitted: Admitted,
}

/// Its addresses, all of them admitted too.
pub(crate) struct Resolved {
    from: Admittance,
    addresses: Vec<SocketAddr>,
}

/// A connection to one of them, on which nothing has been said.
pub(crate) struct Connected {
    from: Admittance,
    address: SocketAddr,
    stream: TcpStream,
}

/// How a handshake ended.
pub(crate) enum Handshake {
    /// The certificate is accepted.
    Accepted(Certificate),
    /// It is not.
    Refused {
        /// What was shown.
        certificate: Certificate,
        /// What is wrong with it.
        reason: Words,
        /// Whether no setting could make it usable.
        unusable: bool,
    },
    /// The other side does not speak TLS, or none that is safe.
    Failed(Words),
}

impl Http {
    /// The first step.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the policy refuses the target.
    pub(crate) fn probe(&self, target: &Target, trust: Trust) -> Result<Admittance, Error> {
        Ok(Admittance {
            http: self.clone(),
            target: target.clone(),
            admitted: self.decide(target, trust)?,
        })
    }
}

impl Admittance {
    /// How its certificate will be checked.
    pub(crate) fn profile(&self) -> Profile {
        self.admitted.profile
    }

    /// Whether a proxy does the next steps, out of sight.
    pub(crate) fn has_proxy(&self) -> bool {
        self.target.tls() && self.http.has_proxy()
    }

    /// Looks its name up; an address stands for itself.
    pub(crate) async fn resolve(self) -> Result<Resolved, Error> {
        let addresses = match (self.target.host(), self.target.address()) {
            (_, Some(address)) => vec![(address, 0).into()],
            (Host::Name(name), None) => {
                let addresses = self.http.resolver(self.admitted).addresses(name);
                match self.in_time(addresses).await? {
                    Err(Unresolved::Denied(denied)) => {
                        return Err(Error::argument("host", denied.to_string()));
                    }
                    Err(Unresolved::Unknown(error)) => {
                        return Err(self.failed(Told::system(&error)));
                    }
                    Ok(found) if found.is_empty() => {
                        return Err(self.failed("the name has no address".into()));
                    }
                    Ok(found) => found,
                }
            }
            _ => Vec::new(),
        };
        Ok(Resolved {
            from: self,
            addresses,
        })
    }

    fn limit(&self) -> Duration {
        self.http.limits().connect_timeout
    }

    async fn in_time<T>(&self, step: impl Future<Output = T>) -> Result<T, Error> {
        tokio::time::timeout(self.limit(), step).await.map_err(|_| {
            let text = format!("nothing within {} s", self.limit().as_secs());
            self.failed(Told::around(text, &[]))
        })
    }

    fn failed(&self, reason: Told) -> Error {
        Error::Connect {
            target: self.target.clone(),
            reason,
        }
    }
}

impl Resolved {
    /// The addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(SocketAddr::ip)
    }

    /// Connects to the first address that answers.
    pub(crate) async fn connect(self) -> Result<Connected, Error> {
        let mut last = None;
        for address in self.addresses {
            let address = SocketAddr::new(address.ip(), self.from.target.port());
            match self.from.in_time(TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    return Ok(Connected {
                        from: self.from,
                        address,
                        stream,
                    });
                }
                Ok(Err(error)) => last = Some(self.from.failed(Told::system(&error))),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| self.from.failed("the name has no address".into())))
    }
}

impl Connected {
    /// The address that answered.
    pub(crate) fn address(&self) -> IpAddr {
        self.address.ip()
    }

    /// Shakes hands in TLS as a call would.
    pub(crate) async fn handshake(self) -> Result<Handshake, Error> {
        let Self { from, stream, .. } = self;
        let setup = |error: &dyn std::fmt::Display| Error::Setup(error.to_string());
        let config = from
            .http
            .tls(from.admitted.profile)
            .map_err(|error| setup(&error))?;
        let name = from.target.server_name().map_err(|error| setup(&error))?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(match from.in_time(connector.connect(name, stream)).await? {
            Ok(stream) => match stream.get_ref().1.peer_certificates() {
                Some([certificate, ..]) => Handshake::Accepted(Certificate::read(certificate)),
                _ => Handshake::Failed(Words::Ours("the server shows no certificate")),
            },
            Err(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
                None => {
                    let text = error.to_string();
                    Handshake::Failed(Words::Theirs(Foreign::new(Source::Network, &text)))
                }
                Some(error) => match tls::refusal(error) {
                    Some(refusal) => Handshake::Refused {
                        certificate: refusal.certificate.clone(),
                        reason: refusal.reason.clone(),
                        unusable: refusal.unusable,
                    },
                    None => Handshake::Failed(tls::reason(error)),
                },
            },
        })
    }
}
