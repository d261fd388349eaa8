//! An allowlist that a platform publishes at a URL: fetched, kept in a file, and refused where it cannot be meant.

use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use lychgate_listener::{Limits, Listener, Tls, Transport};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::support::Authority;

/// A platform that publishes what the test says, until it is dropped.
struct Publisher {
    says: Arc<Mutex<(u16, String)>>,
    url: String,
    authority: Authority,
    _published: DropGuard,
}

impl Publisher {
    fn start(networks: &[&str]) -> Self {
        let authority = Authority::new("of the platform");
        let pair = authority.server("localhost");
        let tls = Tls::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(address, Transport::Tls(tls), Limits::default()).unwrap();
        let url = format!(
            "https://localhost:{}/ip-ranges.json",
            listener.address().port()
        );
        let says = Arc::new(Mutex::new((200, list(networks))));
        let saying = Arc::clone(&says);
        let answer = move |(), _request: Request<Incoming>| {
            let (status, text) = saying.lock().unwrap().clone();
            let answer = Response::builder()
                .status(status)
                .header("location", "/elsewhere")
                .body(Full::new(Bytes::from(text)));
            async { answer.unwrap() }
        };
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(|_peer| Some(()), answer, stop.clone()));
        Self {
            says,
            url,
            authority,
            _published: stop.drop_guard(),
        }
    }

    fn say(&self, status: u16, text: &str) {
        *self.says.lock().unwrap() = (status, text.to_owned());
    }

    /// A folder of a gateway that lets in whoever is published here, and nobody else.
    async fn folder(&self, issuer: &Issuer) -> TempDir {
        let folder = folder(&issuer.identifier).await;
        write(folder.path(), "platform.pem", &self.authority.pem());
        let published = format!(
            "url = \"{}\"\nurl_ca = \"platform.pem\"\ncache = \"published.json\"\nregions = [\"EU\"]",
            self.url
        );
        change_config(folder.path(), "networks = [\"127.0.0.0/8\"]", &published);
        folder
    }
}

fn list(networks: &[&str]) -> String {
    let list = json!({ "regions": { "EU": { "ipv4_cidrs": networks }, "US": { "ipv4_cidrs": ["192.0.2.1/32"] } } });
    list.to_string()
}

/// Whether a client at this address is let in.
async fn lets_in(serve: &Serve, address: [u8; 4]) -> bool {
    let client = client().local_address(std::net::IpAddr::from(address));
    let answer = client.build().unwrap().get(&serve.gateway).send().await;
    answer.is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
}

async fn refreshes(serve: &Serve, outcome: &str) -> u64 {
    let (_, metrics) = serve.admin("metrics").await;
    let name = format!("lychgate_allowlist_refreshes_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap().parse().unwrap()
}

const BOTH: [&str; 2] = ["127.0.0.1/32", "127.0.0.2/32"];

#[tokio::test]
async fn a_published_list_is_fetched_at_the_first_start_refreshed_and_kept_for_a_start_without_it()
{
    let issuer = Issuer::start();
    let publisher = Publisher::start(&BOTH);
    let folder = publisher.folder(&issuer).await;
    let serve = Serve::start(folder.path()).await;
    assert!(lets_in(&serve, [127, 0, 0, 2]).await);
    assert!(!lets_in(&serve, [127, 0, 0, 3]).await);

    publisher.say(200, &list(&["127.0.0.1/32", "127.0.0.3/32"]));
    serve.hang_up().await;
    until("the new list is in force", async || {
        lets_in(&serve, [127, 0, 0, 3]).await
    })
    .await;
    assert!(!lets_in(&serve, [127, 0, 0, 2]).await);
    assert_eq!(refreshes(&serve, "new").await, 1);
    let (code, said) = serve.stop().await;
    assert_eq!(code, Some(0), "{said}");

    drop(publisher);
    let serve = Serve::start(folder.path()).await;
    assert!(lets_in(&serve, [127, 0, 0, 3]).await);
    serve.said("the published allowlist stays as it was").await;
    until("it is counted", async || {
        refreshes(&serve, "unreachable").await >= 1
    })
    .await;
}

#[tokio::test]
async fn a_published_list_that_cannot_be_meant_changes_nothing_and_says_why() {
    let issuer = Issuer::start();
    let publisher = Publisher::start(&BOTH);
    let folder = publisher.folder(&issuer).await;
    let serve = Serve::start(folder.path()).await;
    until("the first answer is counted", async || {
        refreshes(&serve, "same").await == 1
    })
    .await;
    let whole = list(&BOTH);
    let (half, _) = whole.split_at(whole.len() / 2);
    for (status, text, counted, said) in [
        (
            500,
            whole.as_str(),
            "unreachable",
            "it answered with status 500",
        ),
        (302, "", "unreachable", "it answered with status 302"),
        (200, half, "refused", "its answer is no list"),
        (
            200,
            "127.0.0.0/8\n",
            "refused",
            "it is not the JSON of ip-ranges.json",
        ),
        (200, &list(&[]), "refused", "no networks in these regions"),
        (
            200,
            &list(&["127.0.0.0/8"]),
            "refused",
            "127.0.0.0/8, which is wider",
        ),
        (
            200,
            &list(&["127.0.0.9/32"]),
            "refused",
            "lost 2 of the 2 networks in use",
        ),
        (
            200,
            &" ".repeat(1024 * 1024 + 1),
            "refused",
            "more than 1048576 bytes",
        ),
    ] {
        let before = refreshes(&serve, counted).await;
        publisher.say(status, text);
        serve.hang_up().await;
        serve.said(said).await;
        until("it is counted", async || {
            refreshes(&serve, counted).await == before + 1
        })
        .await;
        assert!(lets_in(&serve, [127, 0, 0, 2]).await, "{said}");
        assert!(!lets_in(&serve, [127, 0, 0, 9]).await, "{said}");
    }
    let kept = std::fs::read_to_string(folder.path().join("published.json")).unwrap();
    assert_eq!(kept, whole);
}

#[tokio::test]
async fn only_the_authority_that_was_named_stands_for_the_publisher() {
    let issuer = Issuer::start();
    let publisher = Publisher::start(&BOTH);
    let folder = publisher.folder(&issuer).await;
    write(
        folder.path(),
        "platform.pem",
        &Authority::new("another").pem(),
    );
    // Without a list there is nobody to let in, so it does not start.
    let output = lychgate(folder.path(), &["serve"]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("there is no published allowlist yet"),
        "{said}"
    );
    assert!(
        said.contains("`gateway.allowlist.url`: has not been read yet"),
        "{said}"
    );
    assert!(!folder.path().join("published.json").exists());
}
