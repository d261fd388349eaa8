//! TLS on an admitted connection.

use std::{sync::Arc, time::Duration};

use ::http::{StatusCode, Version};
use lychgate_listener::{HandshakeFault, Limits, Tls, Transport};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    AlertDescription, ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::TlsConnector;

use crate::served::{Served, greet, read_to_end};

pub(crate) fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

pub(crate) fn transport(certificate: &CertifiedKey<KeyPair>) -> Transport {
    let (chain, key) = (
        certificate.cert.pem(),
        certificate.signing_key.serialize_pem(),
    );
    Transport::Tls(Tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap())
}

#[tokio::test]
async fn both_versions_of_tls_carry_both_versions_of_http() {
    let certificate = certificate();
    let served = Served::new(transport(&certificate), Limits::default(), greet);
    let url = format!("https://{}/", served.address);
    for tls in [
        reqwest::tls::Version::TLS_1_2,
        reqwest::tls::Version::TLS_1_3,
    ] {
        for http in [Version::HTTP_11, Version::HTTP_2] {
            let root = reqwest::Certificate::from_pem(certificate.cert.pem().as_bytes()).unwrap();
            let client = reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([root])
                .tls_version_min(tls)
                .tls_version_max(tls);
            let client = if http == Version::HTTP_11 {
                client.http1_only()
            } else {
                client
            };
            let answer = client.build().unwrap().get(&url).send().await.unwrap();
            assert_eq!(
                (answer.version(), answer.status()),
                (http, StatusCode::OK),
                "{tls:?}"
            );
            assert_eq!(answer.text().await.unwrap(), "127.0.0.1");
        }
    }
    assert_eq!(served.counters.all_handshake_failures(), 0);
}

#[tokio::test]
async fn a_refused_peer_is_closed_before_tls() {
    let served = Served::to(
        "192.0.2.0/24",
        transport(&certificate()),
        Limits::default(),
        greet,
    );
    assert_eq!(read_to_end(&mut served.connect().await).await, b"");
    assert_eq!(
        (
            served.counters.refused(),
            served.counters.all_handshake_failures()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_cut_and_counted() {
    let limits = Limits {
        tls_handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let served = Served::new(transport(&certificate()), limits, greet);
    assert_eq!(read_to_end(&mut served.connect().await).await, b"");
    assert_eq!(served.counters.all_handshake_failures(), 1);
}

#[tokio::test]
async fn a_handshake_that_drips_is_cut_by_the_same_deadline() {
    let limits = Limits {
        tls_handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let served = Served::new(transport(&certificate()), limits, greet);
    let mut stream = served.connect().await;
    // A record of 16 KiB (RFC 8446 §5.1), of which a byte comes now and then.
    stream.write_all(&[0x16, 3, 1, 0x40, 0]).await.unwrap();
    while stream.write_all(&[1]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await; // What is tested is time itself.
    }
    served
        .until(|counters| counters.handshake_failures(HandshakeFault::TooSlow) == 1)
        .await;
}

#[tokio::test]
async fn plain_http_on_a_tls_socket_is_cut_and_counted() {
    let served = Served::new(transport(&certificate()), Limits::default(), greet);
    let mut stream = served.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: listener\r\n\r\n")
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(served.counters.all_handshake_failures(), 1);
}

#[tokio::test]
async fn another_protocol_is_refused_by_alpn() {
    let certificate = certificate();
    let served = Served::new(transport(&certificate), Limits::default(), greet);
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"smtp".to_vec()];
    let stream = TcpStream::connect(served.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let error = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap_err();
    let refused = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(
        error.get_ref().unwrap().downcast_ref::<rustls::Error>(),
        Some(&refused)
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_handshake() {
    let limits = Limits {
        tls_handshake: Duration::from_hours(1),
        drain: Duration::from_hours(1),
        ..Limits::default()
    };
    let served = Served::new(transport(&certificate()), limits, greet);
    let _silent = served.connect().await;
    served.until_open(1).await;
    served.stop.cancel();
    assert_eq!(served.drained().await.cut, 0);
}
