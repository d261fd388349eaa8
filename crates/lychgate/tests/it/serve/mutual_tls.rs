//! `lychgate serve` with clients that prove themselves in the handshake, on both of its listeners.

use reqwest::{Certificate, Error, Response};

use super::*;
use crate::support::{Authority, Pair};

/// A gateway and its admin listener, each of which lets in the certificates of an authority of its own.
struct Mutual {
    servers: Authority,
    callers: Authority,
    operators: Authority,
    serve: Serve,
    issuer: Issuer,
    _folder: TempDir,
}

impl Mutual {
    async fn start(prepare: impl FnOnce(&mut tokio::process::Command)) -> Self {
        let [servers, callers, operators] = ["servers", "callers", "operators"].map(Authority::new);
        let issuer = Issuer::start();
        let folder = folder(&issuer.identifier).await;
        let server = servers.server("localhost");
        for (name, text) in [
            ("gateway.pem", &server.certificate),
            ("gateway.key", &server.key),
            ("callers.pem", &callers.pem()),
            ("callers.crl", &callers.list(&[66], 4000)),
            ("operators.pem", &operators.pem()),
        ] {
            write(folder.path(), name, text);
        }
        let pair = "certificate = \"gateway.pem\", key = \"gateway.key\"";
        let listeners = format!(
            "listen = \"127.0.0.1:0\"\n\
             tls = {{ {pair}, client_ca = \"callers.pem\", client_crl = \"callers.crl\" }}\n\
             admin_listen = \"0.0.0.0:0\"\n\
             admin_tls = {{ {pair}, client_ca = \"operators.pem\" }}"
        );
        let plain = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";
        change_config(folder.path(), plain, &listeners);
        let mut command = lychgate(folder.path(), &["serve"]);
        prepare(&mut command);
        Self {
            servers,
            callers,
            operators,
            serve: Serve::start_as(command).await,
            issuer,
            _folder: folder,
        }
    }

    fn client(&self, pair: Option<&Pair>) -> Client {
        let root = Certificate::from_pem(self.servers.pem().as_bytes()).unwrap();
        let client = client().tls_certs_only([root]);
        let client = match pair {
            Some(pair) => client.identity(pair.identity()),
            None => client,
        };
        client.build().unwrap()
    }

    async fn lookup(&self, pair: Option<&Pair>) -> Result<Response, Error> {
        let port = self.serve.gateway.rsplit(':').next().unwrap();
        self.client(pair)
            .post(format!("https://localhost:{port}/v1/users/lookup"))
            .bearer_auth(self.issuer.sign(&self.issuer.claims()))
            .json(&json!({ "identifier": "ada@example.com" }))
            .send()
            .await
    }

    async fn admin(&self, pair: Option<&Pair>, path: &str) -> Result<Response, Error> {
        let port = self.serve.admin.rsplit(':').next().unwrap();
        let url = format!("https://localhost:{port}/{path}");
        self.client(pair).get(url).send().await
    }

    async fn ready(&self) {
        let operator = self.operators.client(1);
        let ready = async {
            while self
                .admin(Some(&operator), "readyz")
                .await
                .unwrap()
                .status()
                != StatusCode::OK
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ready)
            .await
            .expect("it does not get ready");
    }

    /// Waits until the metrics of the admin listener have this line.
    async fn counted(&self, line: &str) {
        let operator = self.operators.client(1);
        let counted = async {
            loop {
                let metrics = self.admin(Some(&operator), "metrics").await.unwrap();
                if metrics.text().await.unwrap().contains(line) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), counted).await;
        assert!(waited.is_ok(), "never counted: {line}");
    }
}

#[tokio::test]
async fn whoever_has_no_right_certificate_is_cut_in_the_handshake_and_counted_on_both_listeners() {
    let mutual = Mutual::start(|_| {}).await;
    mutual.ready().await;
    let (caller, operator) = (mutual.callers.client(2), mutual.operators.client(3));
    let answer = mutual.lookup(Some(&caller)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    for (pair, reason) in [
        (None, "no-certificate"),
        (Some(&operator), "untrusted-certificate"),
        (Some(&mutual.callers.client(66)), "revoked-certificate"),
    ] {
        assert!(mutual.lookup(pair).await.is_err(), "{reason}");
        let counted = "lychgate_tls_handshake_failures_total{listener=\"api\",reason=";
        mutual
            .counted(&format!("{counted}\"{reason}\"}} 1\n"))
            .await;
    }

    let answer = mutual.admin(Some(&operator), "livez").await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    for (pair, reason) in [
        (None, "no-certificate"),
        (Some(&caller), "untrusted-certificate"),
    ] {
        assert!(mutual.admin(pair, "livez").await.is_err(), "{reason}");
        let counted = "lychgate_tls_handshake_failures_total{listener=\"admin\",reason=";
        mutual
            .counted(&format!("{counted}\"{reason}\"}} 1\n"))
            .await;
    }
}

#[tokio::test]
async fn the_keys_of_connections_are_written_nowhere() {
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("keys");
    let mutual = Mutual::start(|command| {
        command.env("SSLKEYLOGFILE", &file);
    })
    .await;
    mutual.ready().await;
    let answer = mutual
        .lookup(Some(&mutual.callers.client(2)))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let (code, said) = mutual.serve.stop().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!file.exists(), "the keys of a connection were written");
}
