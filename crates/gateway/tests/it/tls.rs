//! The same gateway under TLS.

use std::net::SocketAddr;

use lychgate_gateway::Endpoint;
use lychgate_listener::Tls;
use serde_json::json;

use crate::world::{World, ZOE};

#[tokio::test]
async fn under_tls_http_2_is_agreed_on_and_plain_http_gets_no_answer() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let world = World::with(|settings| {
        settings.listen = Endpoint::Tls(SocketAddr::from(([127, 0, 0, 1], 0)), tls);
    })
    .await;
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/v1/users/lookup", world.address.port());
    let request = client.post(url).bearer_auth(world.token("read:users"));
    let response = request
        .json(&json!({ "identifier": ZOE }))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, http::Version::HTTP_2)
    );
    let plain = world
        .client
        .post(world.url("/v1/users/lookup"))
        .send()
        .await;
    assert!(plain.is_err());
}
