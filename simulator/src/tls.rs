//! Certificates, made anew at every start, and the TLS settings around them.
//!
//! Owns which certificate the simulator shows. Knows nothing of requests.

use std::{io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use time::{Duration, OffsetDateTime};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring::default_provider, pki_types::PrivateKeyDer},
};

/// How connections are secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    #[default]
    None,
    /// HTTPS with a certificate that signs itself and claims to be an authority, as appliances are shipped.
    SelfSigned,
    /// HTTPS with a certificate of an authority of our own, for 127.0.0.1, ::1 and localhost.
    CaSigned,
    /// HTTPS with a certificate of that authority which has what is wanted, right or wrong.
    Custom(Certificate),
}

/// What is in a certificate. The default is right for 127.0.0.1, ::1 and localhost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names and addresses that it is for.
    pub names: &'static [&'static str],
    /// The subject's common name, which says nothing about whom it is for.
    pub common_name: &'static str,
    /// When it is valid.
    pub validity: Validity,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// Now.
    #[default]
    Current,
    /// Until yesterday.
    Over,
    /// From tomorrow on.
    Coming,
}

impl Default for Certificate {
    fn default() -> Certificate {
        Certificate {
            names: &["localhost", "127.0.0.1", "::1"],
            common_name: "Simulated OpManager",
            validity: Validity::Current,
        }
    }
}

pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: Option<String>,
    pub(crate) certificate_pem: String,
    pub(crate) certificate_sha256: String,
}

impl Identity {
    pub(crate) fn new(tls: Tls) -> io::Result<Option<Identity>> {
        let (wanted, ca_signed) = match tls {
            Tls::None => return Ok(None),
            Tls::SelfSigned => (Certificate::default(), false),
            Tls::CaSigned => (Certificate::default(), true),
            Tls::Custom(wanted) => (wanted, true),
        };
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let (certificate, ca_pem) = make(wanted, &key, ca_signed).map_err(io::Error::other)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate.der());
        let certificate_pem = certificate.pem();
        let private_key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate.der().clone()], private_key)
            })
            .map_err(io::Error::other)?;
        Ok(Some(Identity {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_pem,
            certificate_pem,
            certificate_sha256: digest
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }))
    }
}

fn make(
    wanted: Certificate,
    key: &KeyPair,
    ca_signed: bool,
) -> Result<(rcgen::Certificate, Option<String>), rcgen::Error> {
    let names: Vec<String> = wanted.names.iter().copied().map(String::from).collect();
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name
        .push(DnType::CommonName, wanted.common_name);
    let now = OffsetDateTime::now_utc();
    match wanted.validity {
        Validity::Current => {}
        Validity::Over => leaf.not_after = now - Duration::DAY,
        Validity::Coming => leaf.not_before = now + Duration::DAY,
    }
    if !ca_signed {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        return Ok((leaf.self_signed(key)?, None));
    }
    let mut authority = CertificateParams::new(Vec::new())?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "Simulated authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    Ok((leaf.signed_by(key, &authority)?, Some(authority.pem())))
}
