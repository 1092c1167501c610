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
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::Profile;

/// A certificate that was not accepted, and why.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    sha256: String,
    subject: String,
    issuer: String,
    reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; its certificate is for {}, issued by {}, SHA-256 {}",
            self.reason, self.subject, self.issuer, self.sha256
        )
    }
}

impl std::error::Error for Refusal {}

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
        let refusal = Arc::new(describe(certificate, reason));
        Err(CertificateError::Other(OtherError(refusal)).into())
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

/// The certificate's SHA-256 in the form that browsers and openssl show.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let bytes = digest(&SHA256, certificate);
    let pairs: Vec<String> = bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

fn describe(certificate: &CertificateDer<'_>, reason: String) -> Refusal {
    let name = |name: String| {
        let clean: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
        if clean.is_empty() {
            "nobody named".to_owned()
        } else {
            format!("`{clean}`")
        }
    };
    let parsed = Certificate::from_der(certificate).ok();
    let of = |part: fn(&Certificate) -> String| name(parsed.as_ref().map(part).unwrap_or_default());
    Refusal {
        sha256: fingerprint(certificate),
        subject: of(|certificate| certificate.tbs_certificate().subject().to_string()),
        issuer: of(|certificate| certificate.tbs_certificate().issuer().to_string()),
        reason,
    }
}
