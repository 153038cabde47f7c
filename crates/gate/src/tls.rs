//! TLS on both legs: our certificate for clients, and the database's certificate for us.
//!
//! Start at [`ServerTls::from_pem`] and [`ClientTls::new`].

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// What a client of direct TLS must ask for, so that no other protocol is taken for ours.
pub const ALPN: &[u8] = b"postgresql";

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    #[error("the key file holds no private key")]
    NoKey,
    #[error("a PEM file can't be read: {0}")]
    Pem(#[source] std::io::Error),
    #[error("TLS can't be set up: {0}")]
    Setup(#[source] rustls::Error),
    #[error("sslmode `{mode}` needs a CA certificate")]
    NoCa { mode: &'static str },
    #[error("a certificate can't be made: {0}")]
    Make(#[source] rcgen::Error),
    #[error("direct TLS needs the ALPN protocol `postgresql`")]
    NoAlpn,
}

/// TLS towards clients, with what SCRAM-SHA-256-PLUS binds to.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    end_point: Option<Vec<u8>>,
}

impl ServerTls {
    /// From the PEM texts of a certificate chain, our own first, and of its key.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates_of(certificates)?;
        let own = chain.first().ok_or(TlsError::NoCertificate)?;
        let end_point = tls_server_end_point(own);
        let key = private_key_of(key)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsError::Setup)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Database clients don't resume: tickets would cost every login and hold memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
            end_point,
        })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The channel binding of `tls-server-end-point`; `None` where it is not defined for our
    /// certificate (Ed25519), so that -PLUS can't be offered.
    pub fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }
}

/// A client that opened with TLS at once must have agreed on ALPN (as PostgreSQL 17 demands).
pub fn require_alpn(connection: &rustls::ServerConnection) -> Result<(), TlsError> {
    match connection.alpn_protocol() {
        Some(ALPN) => Ok(()),
        _ => Err(TlsError::NoAlpn),
    }
}

/// A self-signed certificate and its key, as PEM texts.
pub struct SelfSigned {
    pub certificate_pem: String,
    pub key_pem: String,
}

pub fn self_signed(names: &[String]) -> Result<SelfSigned, TlsError> {
    let made = rcgen::generate_simple_self_signed(names.to_vec()).map_err(TlsError::Make)?;
    Ok(SelfSigned {
        certificate_pem: made.cert.pem(),
        key_pem: made.signing_key.serialize_pem(),
    })
}

/// The hash of a certificate that channel binding uses (RFC 5929, section 4.1): by the hash of its
/// signature, SHA-256 in the place of MD5 and SHA-1. `None` where the signature has no single hash.
pub fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let hash = match SignatureAlgorithm::try_from(&parsed.signature_algorithm).ok()? {
        SignatureAlgorithm::RSASSA_PSS(params) => params.hash_algorithm_oid().to_id_string(),
        _ => parsed.signature_algorithm.algorithm.to_id_string(),
    };
    match hash.as_str() {
        // RSA and ECDSA with MD5, SHA-1, SHA-256; then the bare hashes, as RSA-PSS names them.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2"
        | "1.3.14.3.2.26"
        | "2.16.840.1.101.3.4.2.1" => Some(Sha256::digest(certificate).to_vec()),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            Some(Sha384::digest(certificate).to_vec())
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            Some(Sha512::digest(certificate).to_vec())
        }
        _ => None,
    }
}

/// libpq's `sslmode`, without `allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown sslmode `{0}`, expected `disable`, `prefer`, `require`, `verify-ca` or `verify-full`"
)]
pub struct UnknownSslMode(String);

impl std::str::FromStr for SslMode {
    type Err = UnknownSslMode;

    fn from_str(text: &str) -> Result<Self, UnknownSslMode> {
        let all = [
            Self::Disable,
            Self::Prefer,
            Self::Require,
            Self::VerifyCa,
            Self::VerifyFull,
        ];
        all.into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| UnknownSslMode(text.to_owned()))
    }
}

impl SslMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// TLS towards a database: made once for a resource, shared by its connections.
#[derive(Clone)]
pub struct ClientTls {
    mode: SslMode,
    config: Arc<ClientConfig>,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientTls({})", self.mode.as_str())
    }
}

impl ClientTls {
    /// `ca`: the PEM text of the certificates to trust. As in libpq, `require` with a CA checks it.
    pub fn new(mode: SslMode, ca: Option<&[u8]>) -> Result<Self, TlsError> {
        let trusted = ca.map(certificates_of).transpose()?.unwrap_or_default();
        let check = match mode {
            SslMode::VerifyCa | SslMode::VerifyFull if trusted.is_empty() => {
                return Err(TlsError::NoCa {
                    mode: mode.as_str(),
                });
            }
            SslMode::VerifyFull => Check::ChainAndName,
            SslMode::VerifyCa => Check::Chain,
            SslMode::Require if !trusted.is_empty() => Check::Chain,
            SslMode::Disable | SslMode::Prefer | SslMode::Require => Check::HandshakeOnly,
        };
        let provider = provider();
        let verifier =
            DatabaseVerifier::new(check, trusted, provider.signature_verification_algorithms)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            mode,
            config: Arc::new(config),
        })
    }

    pub fn mode(&self) -> SslMode {
        self.mode
    }

    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Any certificate whose key the server holds: against listeners, and for channel binding.
    HandshakeOnly,
    Chain,
    ChainAndName,
}

#[derive(Debug)]
struct DatabaseVerifier {
    check: Check,
    roots: RootCertStore,
    /// The trusted certificates as they are: a self-signed server certificate is its own CA, which
    /// path building alone would refuse.
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl DatabaseVerifier {
    fn new(
        check: Check,
        trusted: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in &trusted {
            roots.add(certificate.clone()).map_err(TlsError::Setup)?;
        }
        Ok(Self {
            check,
            roots,
            trusted,
            algorithms,
        })
    }

    fn check_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        if self.trusted.iter().any(|trusted| trusted == end_entity) {
            return check_validity(end_entity, now);
        }
        verify_server_cert_signed_by_trust_anchor(
            parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
    }
}

impl ServerCertVerifier for DatabaseVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.check == Check::HandshakeOnly {
            return Ok(ServerCertVerified::assertion());
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        self.check_chain(end_entity, &parsed, intermediates, now)?;
        if self.check == Check::ChainAndName {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn check_validity(certificate: &[u8], now: UnixTime) -> Result<(), rustls::Error> {
    let encoding = rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| encoding.clone())?;
    let seconds = i64::try_from(now.as_secs()).map_err(|_| encoding)?;
    let validity = parsed.validity();
    if seconds < validity.not_before.timestamp() {
        return Err(rustls::Error::InvalidCertificate(
            rustls::CertificateError::NotValidYet,
        ));
    }
    if seconds > validity.not_after.timestamp() {
        return Err(rustls::Error::InvalidCertificate(
            rustls::CertificateError::Expired,
        ));
    }
    Ok(())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = rustls_pemfile::certs(&mut &*pem)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Pem)?;
    if chain.is_empty() {
        Err(TlsError::NoCertificate)
    } else {
        Ok(chain)
    }
}

fn private_key_of(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    rustls_pemfile::private_key(&mut &*pem)
        .map_err(TlsError::Pem)?
        .ok_or(TlsError::NoKey)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SignatureAlgorithm};

    use super::*;

    fn end_point_bytes(algorithm: &'static SignatureAlgorithm) -> Option<usize> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let made = CertificateParams::new(["db".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        tls_server_end_point(made.der()).map(|hash| hash.len())
    }

    #[test]
    fn the_binding_follows_the_hash_of_the_signature() {
        assert_eq!(end_point_bytes(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
        assert_eq!(end_point_bytes(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
        assert_eq!(end_point_bytes(&rcgen::PKCS_ED25519), None);
        assert_eq!(tls_server_end_point(b"no certificate"), None);
    }

    #[test]
    fn what_is_no_pem_is_refused_by_name() {
        let made = self_signed(&["gate".into()]).unwrap();
        let (certificate, key) = (made.certificate_pem.as_bytes(), made.key_pem.as_bytes());
        assert!(matches!(
            ServerTls::from_pem(b"", key),
            Err(TlsError::NoCertificate)
        ));
        assert!(matches!(
            ServerTls::from_pem(certificate, b""),
            Err(TlsError::NoKey)
        ));
        let other = self_signed(&["gate".into()]).unwrap();
        let answer = ServerTls::from_pem(certificate, other.key_pem.as_bytes());
        assert!(matches!(answer, Err(TlsError::Setup(_))));
        assert!(matches!(
            ClientTls::new(SslMode::VerifyCa, None),
            Err(TlsError::NoCa { .. })
        ));
        assert!(matches!(
            ClientTls::new(SslMode::Require, Some(b"x")),
            Err(TlsError::NoCertificate)
        ));
        assert_eq!("verify-ca".parse(), Ok(SslMode::VerifyCa));
        assert!("allow".parse::<SslMode>().is_err());
    }

    /// A server whose certificate a CA made, and the CA's certificate.
    fn with_ca(name: &str) -> (ServerTls, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let params_of_leaf = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = params_of_leaf
            .signed_by(&key, &Issuer::new(params, ca_key))
            .unwrap();
        let server =
            ServerTls::from_pem(leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        (server, ca.pem())
    }

    async fn shake_hands(server: &ServerTls, client: &ClientTls) -> std::io::Result<()> {
        let (near, far) = tokio::io::duplex(16_384);
        let name = ServerName::try_from("db").unwrap();
        let accepting = tokio_rustls::TlsAcceptor::from(server.config()).accept(near);
        let connecting = tokio_rustls::TlsConnector::from(client.config()).connect(name, far);
        let (accepted, connected) = tokio::join!(accepting, connecting);
        connected?;
        require_alpn(accepted?.get_ref().1).map_err(std::io::Error::other)
    }

    #[tokio::test]
    async fn a_chain_is_checked_up_to_its_ca_and_down_to_its_name() {
        let (server, ca) = with_ca("db");
        let (misnamed, its_ca) = with_ca("elsewhere");
        for (server, mode, ca, accepted) in [
            (&server, SslMode::VerifyFull, &ca, true),
            (&server, SslMode::VerifyFull, &its_ca, false),
            (&misnamed, SslMode::VerifyFull, &its_ca, false),
            (&misnamed, SslMode::VerifyCa, &its_ca, true),
            (&misnamed, SslMode::VerifyCa, &ca, false),
        ] {
            let client = ClientTls::new(mode, Some(ca.as_bytes())).unwrap();
            assert_eq!(
                shake_hands(server, &client).await.is_ok(),
                accepted,
                "{mode:?}"
            );
        }
    }
}
