//! Tokens that are bound to a certificate (RFC 8705): who gets them, and what a refresh token is worth without it.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_listener::{ClientCertificates, Demand, MutualTls, Transport};
use lychgate_tenant::{Mechanism, ProofOfPossession, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, VERIFIER},
    harness::{AUDIENCE, CALLBACK, SECRET, TestTenant, claims},
};

/// It stands for the tenant and for its clients.
static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// A certificate with its key.
struct Pair {
    pem: String,
    key: String,
    thumbprint: String,
}

impl Pair {
    fn new(name: &str) -> Self {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &*AUTHORITY).unwrap();
        Self {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der())),
        }
    }
}

/// A tenant that asks whoever comes for a certificate, and binds the tokens of its API to it.
struct Asking {
    tenant: TestTenant,
}

impl Asking {
    async fn start(required: bool) -> Self {
        let own = Pair::new("127.0.0.1");
        let mut tenant = TestTenant::start_with(move |_, settings: &mut Settings| {
            let port = settings.listen.port();
            settings.issuer = format!("https://127.0.0.1:{port}/").parse().unwrap();
            for grant in &mut settings.policy.client_grants {
                grant.audience = grant.audience.replace("http://", "https://");
            }
            let authority = AUTHORITY.pem();
            let clients =
                ClientCertificates::from_pem(authority.as_bytes(), None, Demand::Requested);
            let tls = MutualTls::from_pem(own.pem.as_bytes(), own.key.as_bytes(), clients.unwrap());
            settings.transport = Transport::Tls(tls.unwrap().into());
            settings.policy.apis[0].proof_of_possession = Some(ProofOfPossession {
                mechanism: Mechanism::Mtls,
                required,
            });
        })
        .await;
        tenant.http = client(None);
        Self { tenant }
    }

    /// What the token endpoint says to a client with this certificate.
    async fn ask(&self, certificate: Option<&Pair>, form: &[(&str, &str)]) -> (u16, Value) {
        let request = client(certificate).post(self.tenant.url("oauth/token"));
        let response = request.form(form).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    async fn exchange(&self, certificate: &Pair) -> (u16, Value) {
        let wanted = [
            ("audience", AUDIENCE),
            ("scope", "openid offline_access read:users"),
        ];
        // The person's browser has no certificate.
        let arrived = Browser::default().log_in(&self.tenant, &wanted).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("code", arrived["code"].as_str()),
            ("code_verifier", VERIFIER),
        ];
        self.ask(Some(certificate), &form).await
    }

    async fn refresh(&self, certificate: Option<&Pair>, token: &Value) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", token.as_str().unwrap()),
        ];
        self.ask(certificate, &form).await
    }
}

fn client(certificate: Option<&Pair>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(AUTHORITY.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([root]);
    let client = match certificate {
        Some(pair) => {
            let both = format!("{}{}", pair.pem, pair.key);
            client.identity(reqwest::Identity::from_pem(both.as_bytes()).unwrap())
        }
        None => client,
    };
    client.build().unwrap()
}

const CLIENT_CREDENTIALS: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "script"),
    ("client_secret", SECRET),
    ("audience", AUDIENCE),
];

fn is_bound((status, body): &(u16, Value), certificate: &Pair) {
    assert_eq!(*status, 200, "{body}");
    let token = claims(&body["access_token"]);
    assert_eq!(token["cnf"], json!({ "x5t#S256": certificate.thumbprint }));
}

#[tokio::test]
async fn a_client_that_shows_a_certificate_gets_a_token_for_that_certificate() {
    let asking = Asking::start(false).await;
    let certificate = Pair::new("script.example");
    is_bound(
        &asking.ask(Some(&certificate), &CLIENT_CREDENTIALS).await,
        &certificate,
    );
    let (status, body) = asking.ask(None, &CLIENT_CREDENTIALS).await;
    assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
    assert!(claims(&body["access_token"]).get("cnf").is_none());
}

#[tokio::test]
async fn without_a_certificate_there_is_no_token_where_the_api_asks_for_one() {
    let asking = Asking::start(true).await;
    let (status, body) = asking.ask(None, &CLIENT_CREDENTIALS).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_request")));
    let certificate = Pair::new("script.example");
    is_bound(
        &asking.ask(Some(&certificate), &CLIENT_CREDENTIALS).await,
        &certificate,
    );
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_is_worth_nothing_without_the_certificate() {
    let asking = Asking::start(false).await;
    let certificate = Pair::new("app.example");
    let tokens = asking.exchange(&certificate).await;
    is_bound(&tokens, &certificate);
    let token = &tokens.1["refresh_token"];
    for other in [None, Some(&Pair::new("app.example"))] {
        let (status, body) = asking.refresh(other, token).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    }
    // Whoever tried without the certificate has ended nothing.
    is_bound(
        &asking.refresh(Some(&certificate), token).await,
        &certificate,
    );
}

#[tokio::test]
async fn userinfo_takes_a_bound_token_over_a_connection_with_its_certificate_alone() {
    let asking = Asking::start(false).await;
    let certificate = Pair::new("app.example");
    let (_, tokens) = asking.exchange(&certificate).await;
    let token = tokens["access_token"].as_str().unwrap();
    let ask = async |certificate: Option<&Pair>, scheme: &str| {
        let request = client(certificate).get(asking.tenant.url("userinfo"));
        let request = request.header("authorization", format!("{scheme} {token}"));
        request.send().await.unwrap().status().as_u16()
    };
    for scheme in ["Bearer", "DPoP"] {
        assert_eq!(ask(Some(&certificate), scheme).await, 200, "{scheme}");
        assert_eq!(ask(None, scheme).await, 401, "{scheme}");
        let other = Pair::new("app.example");
        assert_eq!(ask(Some(&other), scheme).await, 401, "{scheme}");
    }
}

#[tokio::test]
async fn the_metadata_says_whether_tokens_are_bound_to_certificates() {
    let asking = Asking::start(false).await;
    let plain = TestTenant::start().await;
    for (tenant, binds) in [(&asking.tenant, true), (&plain, false)] {
        let url = tenant.url(".well-known/openid-configuration");
        let metadata = tenant.http.get(url).send().await.unwrap();
        let metadata: Value = metadata.json().await.unwrap();
        assert_eq!(
            metadata["tls_client_certificate_bound_access_tokens"],
            binds
        );
    }
}
