//! A server that is attacked: how it is reached, and what it answered.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy as Redirects;
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, Url};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Bytes of an answer that are read.
const MOST_BYTES: usize = 1024 * 1024;

/// One of the two servers.
pub(super) struct Door {
    pub(super) url: Url,
    /// Where it is; nothing else is ever connected to.
    addresses: Vec<SocketAddr>,
    /// Follows no redirect, keeps no cookie and no connection: what comes back is what was sent.
    pub(super) http: Client,
    ca: Option<Vec<u8>>,
    client_certificate: ClientCertificate,
}

/// A certificate and its key in PEM, where one is shown.
type ClientCertificate = Option<Arc<Zeroizing<Vec<u8>>>>;

/// A connection below HTTP.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// What came back, as much as judges it.
pub(super) struct Answer {
    /// `None`: the connection was closed without an answer.
    pub(super) status: Option<u16>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// What an answer says of the credentials that were shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reception {
    /// They opened nothing.
    Refused,
    /// They were good enough to be asked what for.
    LetIn,
    /// The server was busy with itself.
    Unclear,
}

/// Different answers, each with how often it came.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<String, usize>);

impl Door {
    pub(super) fn new(
        url: Url,
        addresses: Vec<SocketAddr>,
        ca: Option<Vec<u8>>,
        client_certificate: ClientCertificate,
    ) -> Result<Self> {
        let mut builder = client(&url, &addresses, ca.as_deref())?;
        if let Some(pem) = &client_certificate {
            builder = builder.identity(Identity::from_pem(pem)?);
        }
        Ok(Self {
            http: builder.build()?,
            url,
            addresses,
            ca,
            client_certificate,
        })
    }

    /// A client that shows no certificate; nothing, where none is shown anyhow.
    pub(super) fn http_without_certificate(&self) -> Result<Option<Client>> {
        if self.client_certificate.is_none() {
            return Ok(None);
        }
        let builder = client(&self.url, &self.addresses, self.ca.as_deref())?;
        Ok(Some(builder.build()?))
    }

    /// A client that calls from this address of ours.
    pub(super) fn http_from(&self, address: IpAddr) -> Result<Client> {
        let mut builder = client(&self.url, &self.addresses, self.ca.as_deref())?;
        if let Some(pem) = &self.client_certificate {
            builder = builder.identity(Identity::from_pem(pem)?);
        }
        Ok(builder.local_address(address).build()?)
    }

    pub(super) fn is_on_loopback(&self) -> bool {
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        self.addresses.iter().all(is_loopback)
    }

    /// The URL of a path, which is written without its first slash.
    pub(super) fn endpoint(&self, path: &str) -> Result<Url> {
        Ok(self.url.join(path.trim_start_matches('/'))?)
    }

    pub(super) fn post(&self, path: &str) -> Result<RequestBuilder> {
        Ok(self.http.post(self.endpoint(path)?))
    }

    /// What stands in `Host`.
    pub(super) fn authority(&self) -> String {
        self.url.authority().to_owned()
    }

    /// A bare connection; below TLS there is nothing to be seen.
    pub(super) async fn socket(&self) -> Result<Box<dyn Socket>> {
        let tcp = TcpStream::connect(self.addresses.as_slice()).await?;
        tcp.set_nodelay(true)?;
        if self.url.scheme() == "http" {
            return Ok(Box::new(tcp));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let own = CertificateDer::pem_slice_iter(self.ca.as_deref().unwrap_or_default());
        roots.add_parsable_certificates(own.flatten());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match &self.client_certificate {
            Some(pem) => {
                let chain = CertificateDer::pem_slice_iter(pem).flatten().collect();
                config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(pem)?)?
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(self.url.host_str().unwrap_or_default().to_owned())?;
        let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        Ok(Box::new(tls.await?))
    }
}

fn client(url: &Url, addresses: &[SocketAddr], ca: Option<&[u8]>) -> Result<ClientBuilder> {
    let mut builder = Client::builder()
        .redirect(Redirects::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent("lychgate-attack")
        .timeout(PATIENCE);
    if let Some(ca) = ca {
        let certificates = Certificate::from_pem_bundle(ca).context("the certificates of `ca`")?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(name) = url.domain() {
        builder = builder.resolve_to_addrs(name, addresses);
    }
    Ok(builder)
}

impl Answer {
    /// Sends it. A connection that is closed without a word is an answer; one that cannot be made is an error.
    pub(super) async fn to(request: RequestBuilder) -> Result<Self> {
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_timeout() || error.is_builder() => {
                return Err(error.without_url().into());
            }
            Err(_closed) => return Ok(Self::closed()),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // What is cut off on its way was an answer all the same.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                break;
            }
        }
        Ok(Self {
            status: Some(status),
            headers,
            body,
        })
    }

    fn closed() -> Self {
        Self {
            status: None,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn is_success(&self) -> bool {
        matches!(self.status, Some(200..=299))
    }

    /// Whether it tells of a user.
    pub(super) fn has_user(&self) -> bool {
        self.is_success() && self.json().get("user").is_some_and(Value::is_object)
    }

    pub(super) fn is_failure(&self) -> bool {
        matches!(self.status, Some(500..=599))
    }

    pub(super) fn reception(&self) -> Reception {
        match self.status {
            None | Some(400 | 401 | 403 | 431) => Reception::Refused,
            Some(429 | 500..=599) => Reception::Unclear,
            Some(_) => Reception::LetIn,
        }
    }
}

/// The status with the last word of the problem's type, or OAuth's error.
impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(status) = self.status else {
            return formatter.write_str("closed");
        };
        write!(formatter, "{status}")?;
        let body = self.json();
        let word = body.get("type").or_else(|| body.get("error"));
        let word = word.and_then(Value::as_str).unwrap_or_default();
        // Whatever stands there is printed, so nothing else may.
        let word = word.rsplit(['/', ':']).next().unwrap_or_default();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !word.is_empty() && word.len() <= 40 && word.bytes().all(is_plain) {
            write!(formatter, " {word}")?;
        }
        Ok(())
    }
}

impl Seen {
    pub(super) fn add(&mut self, what: impl fmt::Display) {
        *self.0.entry(what.to_string()).or_default() += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many different things there were.
    pub(super) fn kinds(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.iter().map(|(what, count)| match count {
            1 => what.clone(),
            count => format!("{what} ({count}×)"),
        });
        formatter.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>, body: &str) -> Answer {
        Answer {
            status,
            body: body.as_bytes().to_vec(),
            ..Answer::closed()
        }
    }

    #[test]
    fn a_refusal_is_told_from_a_welcome_and_from_a_failure() {
        use Reception::{LetIn, Refused, Unclear};
        let expected = [
            (None, Refused),
            (Some(401), Refused),
            (Some(403), Refused),
            (Some(200), LetIn),
            (Some(404), LetIn),
            (Some(422), LetIn),
            (Some(429), Unclear),
            (Some(503), Unclear),
        ];
        for (status, reception) in expected {
            assert_eq!(answer(status, "").reception(), reception, "{status:?}");
        }
    }

    #[test]
    fn only_a_plain_word_of_an_answer_is_printed() {
        let said = |body| answer(Some(403), body).to_string();
        assert_eq!(
            said(r#"{"type":"urn:x:client-not-allowed"}"#),
            "403 client-not-allowed"
        );
        assert_eq!(said(r#"{"error":"access_denied"}"#), "403 access_denied");
        assert_eq!(said(r#"{"error":"\u001b[2J"}"#), "403");
        assert_eq!(said("no json"), "403");
        assert_eq!(answer(None, "").to_string(), "closed");
    }

    #[test]
    fn what_was_seen_is_counted() {
        let mut seen = Seen::default();
        for what in ["b", "a", "b"] {
            seen.add(what);
        }
        assert_eq!(seen.to_string(), "a, b (2×)");
    }
}
