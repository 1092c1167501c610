//! Which certificates are trusted.
//!
//! Owns the verification of the three profiles. In all of them the server must prove, by the signature of
//! the handshake, that it holds the key of the certificate that it shows: a pin would be worth nothing
//! otherwise. A refusal says which certificate was met and why it is not trusted.

use std::fmt;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_platform_verifier::Verifier as SystemVerifier;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::Decode;

use super::Profile;
use crate::result;

/// Longest name of a certificate that is repeated, in characters.
const LONGEST_NAME: usize = 120;

/// What a server's certificate says of itself, ready to be read: cleaned, shortened, in backticks.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// Whom it is for.
    subject: String,
    /// Who issued it.
    issuer: String,
    /// From when to when it is valid, in UTC.
    validity: Option<[String; 2]>,
    /// Its SHA-256 in the form that browsers and openssl show.
    pub(crate) sha256: String,
}

/// A certificate that was not accepted, and why.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) certificate: Certificate,
    pub(super) reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; its certificate is {}",
            self.reason, self.certificate
        )
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "for {}, issued by {}", self.subject, self.issuer)?;
        if let Some([from, to]) = &self.validity {
            write!(f, ", valid from {from} to {to}")?;
        }
        write!(f, ", SHA-256 {}", self.sha256)
    }
}

impl Certificate {
    /// Reads a certificate. One that cannot be read still has its SHA-256.
    pub(super) fn read(certificate: &[u8]) -> Self {
        let parsed = x509_cert::Certificate::from_der(certificate).ok();
        let parsed = parsed.as_ref().map(x509_cert::Certificate::tbs_certificate);
        let name = |name: Option<&x509_cert::name::Name>| {
            let text = name.map(ToString::to_string).unwrap_or_default();
            let text: String = result::clean(&text, false)
                .chars()
                .filter(|c| !matches!(c, '`' | '\n' | '\t'))
                .take(LONGEST_NAME)
                .collect();
            if text.is_empty() {
                "nobody named".to_owned()
            } else {
                format!("`{text}`")
            }
        };
        Self {
            subject: name(parsed.map(TbsCertificate::subject)),
            issuer: name(parsed.map(TbsCertificate::issuer)),
            validity: parsed.map(|parsed| {
                let validity = parsed.validity();
                [validity.not_before, validity.not_after].map(|time| time.to_string())
            }),
            sha256: fingerprint(certificate),
        }
    }
}

/// What our own verifier said of a certificate.
pub(super) fn refusal(error: &Error) -> Option<&Refusal> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(error))) => {
            error.downcast_ref()
        }
        _ => None,
    }
}

/// Why TLS failed.
pub(super) fn reason(error: &Error) -> String {
    if let Some(refusal) = refusal(error) {
        return refusal.to_string();
    }
    match error {
        Error::InvalidMessage(_) => "what the server says is no TLS".to_owned(),
        other => other.to_string(),
    }
}

/// The TLS settings of a profile, with a session cache of its own.
pub(super) fn config(
    profile: Profile,
    roots: &[CertificateDer<'static>],
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let check = match profile {
        Profile::Verified => Check::Authorities(Arc::new(SystemVerifier::new_with_extra_roots(
            roots.iter().cloned(),
            Arc::clone(&provider),
        )?)),
        Profile::Pinned(sha256) => Check::Pin(sha256),
        Profile::Unverified => Check::Nothing,
    };
    let verifier = Verifier {
        check,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    if profile == Profile::Unverified {
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

#[derive(Debug)]
enum Check {
    Authorities(Arc<SystemVerifier>),
    Pin([u8; 32]),
    Nothing,
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let reason = match &self.check {
            Check::Nothing => return Ok(ServerCertVerified::assertion()),
            Check::Pin(pin) if digest(&SHA256, certificate).as_ref() == pin => {
                return Ok(ServerCertVerified::assertion());
            }
            Check::Pin(_) => "the server does not show the pinned certificate".to_owned(),
            Check::Authorities(verifier) => {
                match verifier.verify_server_cert(certificate, intermediates, server, ocsp, now) {
                    Ok(verified) => return Ok(verified),
                    Err(Error::InvalidCertificate(error)) => explain(&error),
                    Err(other) => return Err(other),
                }
            }
        };
        let certificate = Certificate::read(certificate);
        let refusal = Refusal {
            certificate,
            reason,
        };
        Err(CertificateError::Other(OtherError(Arc::new(refusal))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn explain(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "no trusted authority has issued the certificate".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name".to_owned()
        }
        CertificateError::Other(OtherError(error))
            if error.to_string().contains("CaUsedAsEndEntity") =>
        {
            "the certificate is self-signed and made for an authority, as appliances ship it"
                .to_owned()
        }
        other => format!("the certificate is not acceptable ({other})"),
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let bytes = digest(&SHA256, certificate);
    let pairs: Vec<String> = bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}
