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
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier as SystemVerifier;
use x509_cert::certificate::TbsCertificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::Profile;
use crate::foreign::{Foreign, Gate, Source, Told, Words};

/// Kinds of keys, and the curves of the second.
const RSA: &str = "1.2.840.113549.1.1.1";
const ELLIPTIC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";
const CURVES: [&str; 2] = ["1.2.840.10045.3.1.7", "1.3.132.0.34"];
/// The shortest and the longest RSA key whose signatures ring verifies.
const RSA_BITS: [usize; 2] = [2048, 8192];

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
    /// Whether no setting could make it usable.
    pub(super) unusable: bool,
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
    pub(crate) fn read(certificate: &[u8]) -> Self {
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
        Error::InvalidCertificate(error) => explain(error),
        // The texts of these are names of variants.
        Error::PeerIncompatible(_) => Words::Ours(
            "the server offers no TLS that is safe: TLS 1.2 or 1.3 with a cipher of today is needed",
        ),
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } => {
            Words::Ours("the server breaks the rules of TLS")
        }
        Error::InappropriateHandshakeMessage { .. } => {
            Words::Ours("the server breaks the rules of TLS")
        }
        Error::AlertReceived(alert) => Words::Ours(match alert {
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                "the server accepts none of the ciphers of today"
            }
            AlertDescription::ProtocolVersion => "the server accepts neither TLS 1.2 nor TLS 1.3",
            AlertDescription::CertificateRequired => "the server wants a certificate of the client",
            AlertDescription::UnrecognisedName => "the server does not know the name",
            _ => "the server ended the handshake with an alert",
        }),
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
        let refused = |reason, unusable| {
            let refusal = Refusal {
                certificate: Certificate::read(certificate),
                reason,
                unusable,
            };
            Err(CertificateError::Other(OtherError(Arc::new(refusal))).into())
        };
        // The handshake would fail in any case, with words that name nothing to do.
        if let Some(flaw) = flaw(certificate) {
            return refused(Words::Ours(flaw), true);
        }
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
        refused(reason, false)
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

/// Why a certificate cannot be used whoever trusts it: the signature of the handshake cannot be verified with it.
fn flaw(certificate: &CertificateDer<'_>) -> Option<&'static str> {
    // One that cannot be read at all is refused below.
    if let Ok(parsed) = x509_cert::Certificate::from_der(certificate) {
        let parsed = parsed.tbs_certificate();
        match parsed.version() {
            Version::V1 => {
                return Some("the certificate is of X.509 version 1; TLS needs version 3");
            }
            Version::V2 => {
                return Some("the certificate is of X.509 version 2; TLS needs version 3");
            }
            Version::V3 => {}
        }
        let key = parsed.subject_public_key_info();
        let curve = key
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
        let flaw = match key.algorithm.oid.to_string().as_str() {
            RSA => match modulus_bits(key.subject_public_key.raw_bytes()) {
                Some(bits) if bits < RSA_BITS[0] => {
                    Some("the RSA key of the certificate is too short: it has fewer than 2048 bits")
                }
                Some(bits) if bits > RSA_BITS[1] => {
                    Some("the RSA key of the certificate is too long: it has more than 8192 bits")
                }
                _ => None,
            },
            ELLIPTIC if curve.is_none_or(|curve| !CURVES.contains(&curve.to_string().as_str())) => {
                Some("the key of the certificate is on a curve that cannot be used here")
            }
            ELLIPTIC | ED25519 => None,
            _ => Some("the key of the certificate is of a kind that cannot be used here"),
        };
        if flaw.is_some() {
            return flaw;
        }
    }
    ParsedCertificate::try_from(certificate)
        .err()
        .map(|_| "the certificate cannot be read as one for TLS")
}

/// The bits of an RSA key's modulus.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let read = reader.sequence(|reader| {
        let modulus = UintRef::decode(reader)?;
        let _exponent = UintRef::decode(reader)?;
        let bytes = modulus.as_bytes();
        let unused = bytes
            .first()
            .map_or(0, |first| first.leading_zeros() as usize);
        Ok::<_, x509_cert::der::Error>(bytes.len() * 8 - unused)
    });
    read.ok()
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
        CertificateError::BadEncoding => "the certificate cannot be read",
        CertificateError::BadSignature => {
            "a signature does not fit the certificate: it was made with another key"
        }
        CertificateError::Revoked => "the certificate has been revoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not made for servers"
        }
        CertificateError::UnhandledCriticalExtension => {
            "the certificate has a critical extension that is not known here"
        }
        // Their texts are names of variants.
        _ => "the certificate is not acceptable",
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

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    /// Self-signed, made with OpenSSL: of version 1, with an RSA key of 1024 bits, and one without a flaw.
    const VERSION_1: &[u8] = include_bytes!("../../tests/it/certificates/version_1.pem");
    const SHORT_KEY: &[u8] = include_bytes!("../../tests/it/certificates/short_key.pem");
    const SOUND: &[u8] = b"-----BEGIN CERTIFICATE-----\n\
MIIBfzCCASWgAwIBAgIUGaCBosFDDJ3NFFGmhI0P3/L1KhQwCgYIKoZIzj0EAwIw\n\
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyODE1MzQwMFoYDzIxMjYxMTA0\n\
MTUzNDAwWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAATiaAf5NuukMt8s9qw7ZMm/EE/z1LepTO008dllWk5xNIAesJRyXDfH\n\
NnDLXyvPPx9gFh0B11c9Q6TyH/Z34fuZo1MwUTAdBgNVHQ4EFgQUJJWrTnCVyoKY\n\
7X8hIA3InjtJb7owHwYDVR0jBBgwFoAUJJWrTnCVyoKY7X8hIA3InjtJb7owDwYD\n\
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAGAQrJu94uKozyRDeSQKX+\n\
huDFOc/KXTKEW/HoYROlqwIhAJjJqhCMHzlPsxqnKOikFsbJgW7c1GUY/7MM0nmD\n\
V+wy\n\
-----END CERTIFICATE-----\n\
";

    #[test]
    fn fl_18_a_certificate_that_no_setting_makes_usable_is_refused_with_its_flaw() {
        for (pem, wanted) in [
            (VERSION_1, Some("X.509 version 1")),
            (SHORT_KEY, Some("fewer than 2048 bits")),
            (SOUND, None),
        ] {
            let der = CertificateDer::from_pem_slice(pem).unwrap();
            let sha256 = digest(&SHA256, &der).as_ref().try_into().unwrap();
            let told = flaw(&der);
            assert_eq!(told.is_some(), wanted.is_some(), "{told:?}");
            assert!(
                told.unwrap_or_default()
                    .contains(wanted.unwrap_or_default())
            );
            // Neither the right pin nor no check at all helps.
            for check in [Check::Nothing, Check::Pin(sha256)] {
                let verifier = Verifier {
                    check,
                    provider: Arc::new(rustls::crypto::ring::default_provider()),
                };
                let name = ServerName::try_from("127.0.0.1").unwrap();
                let result = verifier.verify_server_cert(&der, &[], &name, &[], UnixTime::now());
                let unusable = result.is_err_and(|error| refusal(&error).unwrap().unusable);
                assert_eq!(unusable, wanted.is_some());
            }
        }
    }
}
