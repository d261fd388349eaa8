//! `lychgate serve` while its certificates, networks, keys and config are exchanged under load: no request fails.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use reqwest::Certificate;
use reqwest::tls::TlsInfo;
use tokio::task::JoinSet;

use super::*;
use crate::support::{Authority, Pair};

/// Look-ups without a pause, each of which has to be answered as asked: over connections that are kept, and over a new one
/// for each.
struct Load {
    tasks: JoinSet<()>,
    goes_on: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    fn on(
        url: &str,
        token: &str,
        client: impl Fn() -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        let mut load = Self {
            tasks: JoinSet::new(),
            goes_on: Arc::new(AtomicBool::new(true)),
            answered: Arc::default(),
        };
        let client = Arc::new(client);
        for keeps in [true, true, false, false] {
            let (goes_on, answered) = (Arc::clone(&load.goes_on), Arc::clone(&load.answered));
            let (url, token, new) = (url.to_owned(), token.to_owned(), Arc::clone(&client));
            load.tasks.spawn(async move {
                let mut client = new().build().unwrap();
                while goes_on.load(Ordering::Relaxed) {
                    let answer = look_up(&client, &url, &token).await;
                    assert_eq!(answer.unwrap().status(), StatusCode::OK);
                    answered.fetch_add(1, Ordering::Relaxed);
                    if !keeps {
                        client = new().build().unwrap();
                    }
                }
            });
        }
        load
    }

    /// Waits until the load has got some way further.
    async fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        until("the load goes on", async || {
            self.answered.load(Ordering::Relaxed) > before + 20
        })
        .await;
    }

    /// Ends it; if a request has failed, so has the test.
    async fn stop(self) {
        self.goes_on().await;
        self.goes_on.store(false, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

async fn look_up(client: &Client, url: &str, token: &str) -> reqwest::Result<reqwest::Response> {
    client
        .post(format!("{url}/v1/users/lookup"))
        .bearer_auth(token)
        .json(&json!({ "identifier": "ada@example.com" }))
        .send()
        .await
}

/// Puts a file in the place of another, whole.
fn replace(folder: &Path, name: &str, text: &str) {
    write(folder, "new", text);
    std::fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

fn audited_reloads(folder: &Path) -> Vec<(String, Option<String>)> {
    let text = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let reloads = lines.filter(|line| line["event"] == "reload");
    reloads
        .map(|line| {
            let text = |field: &str| line[field].as_str().map(str::to_owned);
            (text("outcome").unwrap(), text("reason"))
        })
        .collect()
}

/// How many times the gateway has come to this outcome.
async fn reloads(serve: &Serve, outcome: &str) -> u64 {
    let (_, metrics) = serve.admin("metrics").await;
    let name = format!("lychgate_reloads_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap().parse().unwrap()
}

/// A certificate for `localhost` over a key of this kind, and what a client sees of it.
fn self_signed(kind: &'static rcgen::SignatureAlgorithm) -> (Pair, Vec<u8>) {
    let key = KeyPair::generate_for(kind).unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pair = Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    };
    (pair, certificate.der().to_vec())
}

/// Has the gateway of this folder speak TLS with this certificate.
fn speak_tls(folder: &Path, pair: &Pair) {
    write(folder, "gateway.pem", &pair.certificate);
    write(folder, "gateway.key", &pair.key);
    let tls = "tls = { certificate = \"gateway.pem\", key = \"gateway.key\" }\nadmin_listen";
    change_config(folder, "admin_listen", tls);
}

/// A tenant with the same certificate.
const TENANT: &str = r#"[tenant]
issuer = "https://localhost/"
listen = "127.0.0.1:0"
tls = { certificate = "gateway.pem", key = "gateway.key" }
state = "sqlite:tenant.db"
"#;

fn by_name(serve: &Serve) -> String {
    let port = serve.gateway.rsplit(':').next().unwrap();
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_by_one_of_another_kind_without_a_failed_request() {
    let (rsa, of_rsa) = self_signed(&PKCS_RSA_SHA256);
    let (ecdsa, of_ecdsa) = self_signed(&PKCS_ECDSA_P256_SHA256);
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    speak_tls(folder.path(), &rsa);
    let tenant = "[audit]\n";
    change_config(folder.path(), tenant, &format!("{TENANT}\n{tenant}"));
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let url = by_name(&serve);
    let tenant = serve.said("tenant listens on 127.0.0.1:").await;
    let (_, tenant) = tenant.split_once("127.0.0.1:").unwrap();
    let (port, _) = tenant.split_once(',').unwrap();
    let keys_of_tenant = format!("https://localhost:{port}/.well-known/jwks.json");
    let token = issuer.sign(&issuer.claims());
    let roots =
        [&rsa, &ecdsa].map(|pair| Certificate::from_pem(pair.certificate.as_bytes()).unwrap());
    let trusting = move || client().tls_certs_only(roots.clone()).tls_info(true);
    let load = Load::on(&url, &token, trusting.clone());
    load.goes_on().await;
    let shows = async |certificate: &[u8]| {
        let new = trusting().build().unwrap();
        let answer = look_up(&new, &url, &token).await.unwrap();
        let shown = answer.extensions().get::<TlsInfo>().unwrap();
        shown.peer_certificate().unwrap() == certificate
    };
    let tenant_shows = async |certificate: &[u8]| {
        let new = trusting().build().unwrap();
        let answer = new.get(&keys_of_tenant).send().await.unwrap();
        let info = answer.extensions().get::<TlsInfo>().unwrap();
        info.peer_certificate().unwrap() == certificate
    };
    assert!(shows(&of_rsa).await && tenant_shows(&of_rsa).await);

    // Half of a certificate, then the whole, before its key is there: nothing changes.
    let (half, _) = ecdsa.certificate.split_at(ecdsa.certificate.len() / 2);
    write(folder.path(), "gateway.pem", half);
    until("half a certificate is refused", async || {
        reloads(&serve, "refused").await == 1
    })
    .await;
    assert!(shows(&of_rsa).await);
    write(folder.path(), "gateway.pem", &ecdsa.certificate);
    until("a certificate without its key is refused", async || {
        reloads(&serve, "refused").await == 2
    })
    .await;
    assert!(shows(&of_rsa).await);
    let said = serve.said("certificate and key cannot be used").await;
    assert!(
        said.contains("`gateway.tls`") && said.contains("lychgate.toml:"),
        "{said}"
    );

    write(folder.path(), "gateway.key", &ecdsa.key);
    until("the new certificate is shown", async || {
        shows(&of_ecdsa).await && tenant_shows(&of_ecdsa).await
    })
    .await;
    load.stop().await;
    let refused = ("refused".to_owned(), Some("config".to_owned()));
    let adopted = ("adopted".to_owned(), None);
    assert_eq!(
        audited_reloads(folder.path()),
        [refused.clone(), refused, adopted]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_leaves_the_list_is_refused_at_its_next_request_and_nobody_else_fails() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    write(
        folder.path(),
        "networks.txt",
        "127.0.0.1\n127.0.0.2\n127.0.0.3\n",
    );
    change_config(
        folder.path(),
        "networks = [\"127.0.0.0/8\"]",
        "files = [\"networks.txt\"]",
    );
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    let from = |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        move || client().local_address(address)
    };
    let load = Load::on(&serve.gateway, &token, from("127.0.0.2"));
    let leaving = from("127.0.0.3")().build().unwrap();
    let leaving_http2 = from("127.0.0.3")().http2_prior_knowledge().build().unwrap();
    for client in [&leaving, &leaving_http2] {
        let answer = look_up(client, &serve.gateway, &token).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    load.goes_on().await;

    // A list that cannot be read, and one that is not there, change nothing.
    for (bad, count) in [(Some("127.0.0.2\n127.0.0.999\n"), 1), (None, 2)] {
        match bad {
            Some(text) => replace(folder.path(), "networks.txt", text),
            None => std::fs::remove_file(folder.path().join("networks.txt")).unwrap(),
        }
        until("a bad list is refused", async || {
            reloads(&serve, "refused").await == count
        })
        .await;
        let answer = look_up(&leaving, &serve.gateway, &token).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let said = serve.said("line 2: not a network").await;
    assert!(said.contains("`gateway.allowlist.files[0]`"), "{said}");

    replace(folder.path(), "networks.txt", "127.0.0.1\n127.0.0.2\n");
    until("the new list is in force", async || {
        reloads(&serve, "adopted").await == 1
    })
    .await;
    for client in [&leaving, &leaving_http2] {
        // Over the connection that is open: an answer, and its end. Over a new one: nothing.
        let answer = look_up(client, &serve.gateway, &token).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "urn:lychgate:problem:address-not-allowed");
        until("the connection has ended", async || {
            look_up(client, &serve.gateway, &token).await.is_err()
        })
        .await;
    }
    load.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_is_adopted_at_a_hangup_and_what_needs_a_restart_is_named() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    let mut claims = issuer.claims();
    claims.insert("azp".to_owned(), json!("second-client"));
    claims.insert("sub".to_owned(), json!("second-client@clients"));
    let second = issuer.sign(&claims);
    let load = Load::on(&serve.gateway, &token, client);
    let one = client().build().unwrap();
    let ask = async |token: &str| look_up(&one, &serve.gateway, token).await.unwrap().status();
    assert_eq!(ask(&second).await, StatusCode::FORBIDDEN);

    let clients = "clients = [\"script-client\"]";
    change_config(
        folder.path(),
        clients,
        "clients = [\"script-client\", \"second-client\"]",
    );
    change_config(
        folder.path(),
        "[store]",
        "[gateway.limits]\nconnections = 77\n\n[store]",
    );
    serve.hang_up().await;
    until("the second client is let in", async || {
        ask(&second).await == StatusCode::OK
    })
    .await;
    let said = serve.said("needs a restart").await;
    assert!(
        said.ends_with("changed, and needs a restart: `gateway.limits.connections`"),
        "{said}"
    );

    // A mistake changes nothing, and is shown where it stands.
    let text = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
    let (half, _) = text.split_at(text.find("[store.operations]").unwrap() + 4);
    replace(folder.path(), "lychgate.toml", half);
    until("half a config is refused", async || {
        reloads(&serve, "refused").await == 1
    })
    .await;
    replace(
        folder.path(),
        "lychgate.toml",
        &text.replace("audience = ", "audiance = "),
    );
    serve.hang_up().await;
    until("a wrong config is refused", async || {
        reloads(&serve, "refused").await >= 2
    })
    .await;
    let said = serve.said("`gateway.access_token.audiance`").await;
    assert!(said.contains("lychgate.toml:11:1: "), "{said}");
    assert_eq!(ask(&second).await, StatusCode::OK);

    // Who is taken off the list is refused at once, whatever was found good before.
    let alone = text.replace(", \"second-client\"", "");
    replace(folder.path(), "lychgate.toml", &alone);
    until("the second client is not let in", async || {
        ask(&second).await == StatusCode::FORBIDDEN
    })
    .await;
    load.stop().await;
    let said = serve.said_so_far();
    assert!(!said.contains(PSEUDONYM_KEY), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_an_issuer_and_issuers_themselves_are_exchanged_without_a_failed_request() {
    let (mut issuer, second) = (Issuer::start(), Issuer::start());
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let before = Load::on(&serve.gateway, &issuer.sign(&issuer.claims()), client);
    before.goes_on().await;
    issuer.rotate();
    let after = Load::on(&serve.gateway, &issuer.sign(&issuer.claims()), client);
    after.goes_on().await;

    let one = format!("issuers = [\"{}\"]", issuer.identifier);
    let both = format!(
        "issuers = [\"{}\", \"{}\"]",
        issuer.identifier, second.identifier
    );
    change_config(folder.path(), &one, &both);
    until("both issuers are in force", async || {
        reloads(&serve, "adopted").await == 1
    })
    .await;
    // The keys of the new one were fetched before it was in force.
    let third = Load::on(&serve.gateway, &second.sign(&second.claims()), client);
    third.goes_on().await;
    before.stop().await;
    after.stop().await;
    let other = format!("issuers = [\"{}\"]", second.identifier);
    change_config(folder.path(), &both, &other);
    let gone = issuer.sign(&issuer.claims());
    let one = client().build().unwrap();
    until("the first issuer is not believed any more", async || {
        let answer = look_up(&one, &serve.gateway, &gone).await.unwrap();
        answer.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_keys_where_there_are_none_is_refused_and_the_old_keys_stay() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let load = Load::on(&serve.gateway, &issuer.sign(&issuer.claims()), client);
    let (port, _taken) = free_port();
    let elsewhere = format!("jwks_uri = \"http://127.0.0.1:{port}/\"\naudience = ");
    change_config(folder.path(), "audience = ", &elsewhere);
    until("it is refused", async || {
        reloads(&serve, "refused").await == 1
    })
    .await;
    load.stop().await;
    let reason = Some("keys-not-fetched".to_owned());
    assert_eq!(
        audited_reloads(folder.path()),
        [("refused".to_owned(), reason)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_certificate_is_revoked_ends_with_its_next_request_and_nobody_else_fails() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    speak_tls(folder.path(), &servers.server("localhost"));
    write(folder.path(), "clients.pem", &clients.pem());
    write(folder.path(), "clients.crl", &clients.list(&[], 4000));
    let mutual = "key = \"gateway.key\", client_ca = \"clients.pem\", client_crl = \"clients.crl\"";
    change_config(folder.path(), "key = \"gateway.key\"", mutual);
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let url = by_name(&serve);
    let token = issuer.sign(&issuer.claims());
    let root = Certificate::from_pem(servers.pem().as_bytes()).unwrap();
    let as_client = move |pair: &Pair| {
        let (root, identity) = (root.clone(), pair.identity());
        move || {
            client()
                .tls_certs_only([root.clone()])
                .identity(identity.clone())
        }
    };
    let good = as_client(&clients.client(2));
    let load = Load::on(&url, &token, good.clone());
    let revoked = as_client(&clients.client(66));
    let open = [revoked().http1_only(), revoked()].map(|client| client.build().unwrap());
    for client in &open {
        assert_eq!(
            look_up(client, &url, &token).await.unwrap().status(),
            StatusCode::OK
        );
    }
    load.goes_on().await;
    replace(folder.path(), "clients.crl", &clients.list(&[66], 4000));
    until("the new list is in force", async || {
        reloads(&serve, "adopted").await == 1
    })
    .await;
    for client in &open {
        assert!(look_up(client, &url, &token).await.is_err());
    }
    load.stop().await;
    let (_, metrics) = serve.admin("metrics").await;
    let counted =
        "lychgate_tls_handshake_failures_total{listener=\"api\",reason=\"revoked-certificate\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(counted));
    assert!(line.unwrap().parse::<u64>().unwrap() >= 2);

    // A list that is past its next update proves nothing, so nobody is let in by it.
    replace(folder.path(), "clients.crl", &clients.list(&[66], 2021));
    until("the old list is in force", async || {
        reloads(&serve, "adopted").await == 2
    })
    .await;
    serve.said("a revocation list has run out").await;
    let good = good().build().unwrap();
    assert!(look_up(&good, &url, &token).await.is_err());
}
