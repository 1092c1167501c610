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
use x509_cert::der::{Decode, Tag, Tagged};

use super::Profile;
use crate::foreign::{Foreign, Gate, Source, Told, Words};

/// Most attributes of a certificate's name that are told.
const MOST_ATTRIBUTES: usize = 8;
/// Characters of a name from which on no further attribute is told.
const LONGEST_NAME: usize = 80;

/// What a server's certificate says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// Whom it is for.
    subject: Name,
    /// Who issued it.
    issuer: Name,
    /// From when to when it is valid, in UTC.
    validity: Option<[String; 2]>,
    /// Its SHA-256 in the form that browsers and openssl show.
    pub(crate) sha256: String,
}

/// A name in a certificate: its attributes, as they are written from the end on.
#[derive(Debug, Clone, Default)]
struct Name(Vec<(String, Foreign)>);

/// A certificate in words that may be shown.
#[derive(Debug, Clone)]
pub struct ShownCertificate {
    subject: Told,
    issuer: Told,
    /// What is no name: validity and SHA-256.
    rest: String,
}

/// A certificate that was not accepted, and why. Its text has no word of the certificate.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) certificate: Certificate,
    pub(super) reason: Words,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate was refused")
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            issuer,
            rest,
        } = self;
        write!(f, "for {subject}, issued by {issuer}, {rest}")
    }
}

impl ShownCertificate {
    /// The certificate for readers who must not learn the target, whose name it mostly has.
    pub(crate) fn without_names(&self) -> &str {
        &self.rest
    }

    /// Whether it repeats words of others.
    pub(crate) fn is_spoken(&self) -> bool {
        self.subject.is_spoken() || self.issuer.is_spoken()
    }
}

impl Name {
    fn read(name: &x509_cert::name::Name) -> Self {
        let mut attributes: Vec<_> = name
            .iter()
            .filter_map(|attribute| {
                // It is shown in backticks. Taken out later, one could have hidden a secret.
                let text = string(&attribute.value)?.replace('`', "");
                let kind = attribute_kind(&attribute.oid.to_string());
                Some((kind, Foreign::new(Source::CertificateName, &text)))
            })
            .collect();
        // RFC 4514 writes them from the end on, the most telling first.
        attributes.reverse();
        attributes.truncate(MOST_ATTRIBUTES);
        Self(attributes)
    }

    fn tell(&self, gate: Gate<'_>) -> Told {
        let told: Vec<(&str, Told)> = self
            .0
            .iter()
            .map(|(kind, value)| (kind.as_str(), gate.tell(value)))
            .collect();
        let mut room = LONGEST_NAME;
        let attributes: Vec<String> = told
            .iter()
            .filter(|(_, value)| !value.is_empty())
            // A comma in a value must not look like the next attribute.
            .map(|(kind, value)| format!("{kind}={}", value.as_str().replace(',', "\\,")))
            .take_while(|attribute| {
                let before = room;
                room = room.saturating_sub(attribute.chars().count());
                before > 0
            })
            .collect();
        if attributes.is_empty() {
            return "nobody named".into();
        }
        let quoted: Vec<&Told> = told.iter().map(|(_, value)| value).collect();
        Told::around(format!("`{}`", attributes.join(",")), &quoted)
    }
}

/// The short name of a kind of attribute (RFC 4514), or its number.
fn attribute_kind(oid: &str) -> String {
    match oid {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    }
    .to_owned()
}

/// The text of an attribute, in whichever of its encodings.
fn string(value: &x509_cert::attr::AttributeValue) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        // Whoever writes it today means Latin-1.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units = bytes.as_chunks::<2>().0.iter().copied();
            let units = units.map(u16::from_be_bytes);
            Some(
                char::decode_utf16(units)
                    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            )
        }
        _ => None,
    }
}

impl Certificate {
    /// Reads a certificate. One that cannot be read still has its SHA-256.
    pub(super) fn read(certificate: &[u8]) -> Self {
        let parsed = x509_cert::Certificate::from_der(certificate).ok();
        let parsed = parsed.as_ref().map(x509_cert::Certificate::tbs_certificate);
        let name = |name: Option<&x509_cert::name::Name>| name.map(Name::read).unwrap_or_default();
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

    /// The certificate in words that may be shown.
    pub(crate) fn tell(&self, gate: Gate<'_>) -> ShownCertificate {
        let sha256 = format!("SHA-256 {}", self.sha256);
        ShownCertificate {
            subject: self.subject.tell(gate),
            issuer: self.issuer.tell(gate),
            rest: match &self.validity {
                Some([from, to]) => format!("valid from {from} to {to}, {sha256}"),
                None => sha256,
            },
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

/// Why TLS failed, if not for the certificate.
pub(super) fn reason(error: &Error) -> Words {
    match error {
        Error::InvalidMessage(_) => Words::Ours("what the server says is no TLS"),
        other => Words::Theirs(Foreign::new(Source::Tls, &other.to_string())),
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
            Check::Pin(_) => Words::Ours("the server does not show the pinned certificate"),
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

fn explain(error: &CertificateError) -> Words {
    Words::Ours(match error {
        CertificateError::UnknownIssuer => "no trusted authority has issued the certificate",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        CertificateError::Other(OtherError(error))
            if error.to_string().contains("CaUsedAsEndEntity") =>
        {
            "the certificate is self-signed and made for an authority, as appliances ship it"
        }
        other => {
            let text = format!("the certificate is not acceptable ({other})");
            return Words::Theirs(Foreign::new(Source::Tls, &text));
        }
    })
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
