//! TLS in which the client proves itself, too.

use std::sync::Arc;

use ::http::{Request, Response, Version};
use aws_lc_rs::digest::{SHA256, digest};
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::{
    AdmittedPeer, CertificateThumbprint, ClientCertificates, Demand, HandshakeFault, Limits,
    MutualTls, Transport,
};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    authority::{Authority, Pair},
    served::{Answer, Served},
    tls,
};

/// A server whose clients this authority stands for, less those of the list.
struct Mutual {
    served: Served,
    server_authority: Authority,
}

impl Mutual {
    fn new(authorities: &str, list: Option<&str>) -> Self {
        Self::asking(authorities, list, Demand::Required)
    }

    fn asking(authorities: &str, list: Option<&str>, demand: Demand) -> Self {
        let server_authority = Authority::new("of the server");
        let server = server_authority.server("127.0.0.1");
        let list = list.map(str::as_bytes);
        let clients = ClientCertificates::from_pem(authorities.as_bytes(), list, demand).unwrap();
        let (certificate, key) = (server.certificate.as_bytes(), server.key.as_bytes());
        let tls = MutualTls::from_pem(certificate, key, clients).unwrap();
        let transport = Transport::Tls(tls.into());
        Self {
            served: Served::new(transport, Limits::default(), tell_certificate),
            server_authority,
        }
    }

    fn client(&self, pair: Option<&Pair>) -> reqwest::ClientBuilder {
        let root = self.server_authority.pem();
        let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        match pair {
            Some(pair) => client.identity(pair.identity()),
            None => client,
        }
    }

    async fn ask(&self, client: reqwest::ClientBuilder) -> Result<String, reqwest::Error> {
        let url = format!("https://{}/", self.served.address);
        let answer = client.build().unwrap().get(url).send().await?;
        answer.text().await
    }

    /// That this client ends in the handshake, for this reason and no other.
    async fn cuts(&self, pair: Option<&Pair>, fault: HandshakeFault) {
        let before = self.served.counters.all_handshake_failures();
        for version in [
            reqwest::tls::Version::TLS_1_2,
            reqwest::tls::Version::TLS_1_3,
        ] {
            let client = self
                .client(pair)
                .tls_version_min(version)
                .tls_version_max(version);
            assert!(self.ask(client).await.is_err(), "{fault:?} {version:?}");
        }
        // The client may know of its end before the server has counted it.
        self.served
            .until(|counters| counters.all_handshake_failures() >= before + 2)
            .await;
        let counters = &self.served.counters;
        assert_eq!(
            (
                counters.handshake_failures(fault),
                counters.all_handshake_failures()
            ),
            (2, before + 2),
            "{fault:?}"
        );
    }
}

/// Answers with the certificate that the request came with.
async fn tell_certificate(_peer: AdmittedPeer, request: Request<Incoming>) -> Answer {
    let certificate = CertificateThumbprint::of_connection(request.extensions());
    let said = certificate.map_or("none".to_owned(), |certificate| {
        format!("{:?}", certificate.as_bytes())
    });
    Response::new(Full::from(said))
}

fn thumbprint(pair: &Pair) -> String {
    let der = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let digest: [u8; 32] = digest(&SHA256, &der).as_ref().try_into().unwrap();
    format!("{digest:?}")
}

#[tokio::test]
async fn the_certificate_that_a_client_has_shown_comes_with_each_of_its_requests() {
    let authority = Authority::new("of clients");
    let mutual = Mutual::new(&authority.pem(), Some(&authority.list(&[1], 4000)));
    for serial in [2, 3] {
        let pair = authority.client(serial);
        for version in [
            reqwest::tls::Version::TLS_1_2,
            reqwest::tls::Version::TLS_1_3,
        ] {
            for http in [Version::HTTP_11, Version::HTTP_2] {
                let client = mutual
                    .client(Some(&pair))
                    .tls_version_min(version)
                    .tls_version_max(version);
                let client = if http == Version::HTTP_11 {
                    client.http1_only()
                } else {
                    client
                };
                let client = client.build().unwrap();
                for _ in 0..2 {
                    let url = format!("https://{}/", mutual.served.address);
                    let answer = client.get(url).send().await.unwrap();
                    assert_eq!(answer.version(), http);
                    assert_eq!(answer.text().await.unwrap(), thumbprint(&pair));
                }
            }
        }
    }
    assert_eq!(mutual.served.counters.all_handshake_failures(), 0);
}

#[tokio::test]
async fn without_authorities_no_client_is_asked_for_a_certificate() {
    let certificate = tls::certificate();
    let served = Served::new(
        tls::transport(&certificate),
        Limits::default(),
        tell_certificate,
    );
    let root = reqwest::Certificate::from_pem(certificate.cert.pem().as_bytes()).unwrap();
    let pair = Authority::new("of clients").client(2);
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .identity(pair.identity())
        .build()
        .unwrap();
    let url = format!("https://{}/", served.address);
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "none");
}

#[tokio::test]
async fn a_client_without_a_right_certificate_ends_in_the_handshake_and_is_counted_by_reason() {
    let (authority, stranger) = (Authority::new("of clients"), Authority::new("of clients"));
    let mutual = Mutual::new(&authority.pem(), Some(&authority.list(&[7, 8], 4000)));
    mutual.cuts(None, HandshakeFault::NoCertificate).await;
    let foreign = stranger.client(2);
    mutual
        .cuts(Some(&foreign), HandshakeFault::UntrustedCertificate)
        .await;
    let expired = authority.client_until(2, 2020);
    mutual
        .cuts(Some(&expired), HandshakeFault::ExpiredCertificate)
        .await;
    let revoked = authority.client(8);
    mutual
        .cuts(Some(&revoked), HandshakeFault::RevokedCertificate)
        .await;
    let good = authority.client(9);
    let answer = mutual.ask(mutual.client(Some(&good))).await.unwrap();
    assert_eq!(answer, thumbprint(&good));
}

#[tokio::test]
async fn where_a_certificate_is_requested_whoever_has_none_comes_in_and_a_wrong_one_does_not() {
    let (authority, stranger) = (Authority::new("of clients"), Authority::new("of clients"));
    let list = authority.list(&[8], 4000);
    let mutual = Mutual::asking(&authority.pem(), Some(&list), Demand::Requested);
    let none = mutual.client(None).build().unwrap();
    let url = format!("https://{}/", mutual.served.address);
    let ask = async || none.get(&url).send().await.unwrap().text().await.unwrap();
    assert_eq!(ask().await, "none");
    let good = authority.client(9);
    let answer = mutual.ask(mutual.client(Some(&good))).await.unwrap();
    assert_eq!(answer, thumbprint(&good));
    let foreign = stranger.client(2);
    mutual
        .cuts(Some(&foreign), HandshakeFault::UntrustedCertificate)
        .await;
    let revoked = authority.client(8);
    mutual
        .cuts(Some(&revoked), HandshakeFault::RevokedCertificate)
        .await;
}

#[tokio::test]
async fn a_certificate_for_a_server_is_none_for_a_client() {
    let authority = Authority::new("of both");
    let mutual = Mutual::new(&authority.pem(), None);
    let server = authority.server("client.example");
    mutual
        .cuts(Some(&server), HandshakeFault::UntrustedCertificate)
        .await;
}

#[tokio::test]
async fn after_the_next_update_of_its_list_an_authority_lets_nobody_in() {
    let (behind, current) = (Authority::new("behind"), Authority::new("current"));
    let authorities = format!("{}{}", behind.pem(), current.pem());
    let lists = format!("{}{}", behind.list(&[], 2021), current.list(&[], 4000));
    let mutual = Mutual::new(&authorities, Some(&lists));
    mutual
        .cuts(Some(&behind.client(2)), HandshakeFault::RevocationUnknown)
        .await;
    let answer = mutual.ask(mutual.client(Some(&current.client(2)))).await;
    assert!(answer.is_ok());
}

#[tokio::test]
async fn an_authority_without_a_list_lets_nobody_in_where_another_has_one() {
    let (without, with) = (Authority::new("without"), Authority::new("with"));
    let authorities = format!("{}{}", without.pem(), with.pem());
    let mutual = Mutual::new(&authorities, Some(&with.list(&[], 4000)));
    mutual
        .cuts(Some(&without.client(2)), HandshakeFault::RevocationUnknown)
        .await;
}

#[tokio::test]
async fn no_session_is_resumed_past_what_was_revoked_since() {
    let authority = Authority::new("of clients");
    let mutual = Mutual::new(&authority.pem(), None);
    let pair = authority.client(2);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(mutual.server_authority.pem().as_bytes());
        roots.add(root.unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_client_auth_cert(chain, key)
                .unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        for _ in 0..2 {
            let stream = TcpStream::connect(mutual.served.address).await.unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let mut stream = connector.connect(name, stream).await.unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
            let kind = stream.get_ref().1.handshake_kind();
            assert!(
                matches!(
                    kind,
                    Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)
                ),
                "{kind:?}"
            );
        }
    }
}
