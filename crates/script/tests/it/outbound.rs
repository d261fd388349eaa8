//! What leaves the sandbox, and what does not.

use std::time::Duration;

use lychgate_script::{Container, OutboundBounds, OutboundHost, Settings};
use serde_json::{Value, json};

use crate::server::Server;
use crate::{call, value_in};

/// What `fetch(URL)` says: the status, or the error's code and text.
async fn fetch(settings: Settings, url: &str) -> Value {
    let body = format!(
        "callback(null, await fetch({url:?}).then((a) => a.status, (e) => [e.message, e.cause.code, e.cause.message]))"
    );
    value_in(&Container::new(settings), &body).await
}

fn listing(hosts: &[String]) -> Settings {
    Settings {
        outbound_hosts: hosts
            .iter()
            .map(|host| host.parse::<OutboundHost>().unwrap())
            .collect(),
        ..Settings::default()
    }
}

#[track_caller]
fn refused(answer: &Value) {
    assert_eq!(
        (&answer[0], &answer[1]),
        (&json!("fetch failed"), &json!("EACCES")),
        "{answer}"
    );
}

#[tokio::test]
async fn fetch_has_the_shape_of_the_standard() {
    let server = Server::start().await;
    let value = value_in(
        &server.container(),
        "const answer = await fetch(configuration.URL + '/echo?a=1', { method: 'post', headers: { 'X-A': 'b', Host: 'evil' }, body: JSON.stringify({ a: 1 }) });
         const copy = answer.clone();
         const missing = await fetch(new URL(configuration.URL + '/status/404'));
         const form = await (await fetch(new Request(configuration.URL + '/echo', { method: 'PUT', body: new URLSearchParams({ a: 'b c' }) }))).json();
         const twice = await answer.json().then(() => answer.text()).catch((e) => e.name);
         callback(null, { ok: [answer.ok, answer.status, answer.statusText, answer.headers.get('Content-Type')], missing: [missing.ok, missing.status],
           body: await copy.json(), form, twice, bytes: (await (await fetch(configuration.URL + '/large/5')).arrayBuffer()).byteLength });",
    )
    .await;
    assert_eq!(value["ok"], json!([true, 200, "OK", "application/json"]));
    assert_eq!(value["missing"], json!([false, 404]));
    let echoed = &value["body"];
    assert_eq!(
        (&echoed["method"], &echoed["query"], &echoed["body"]),
        (&json!("POST"), &json!("a=1"), &json!("{\"a\":1}"))
    );
    assert_eq!(
        (
            &echoed["headers"]["x-a"],
            &echoed["headers"]["content-type"]
        ),
        (&json!("b"), &json!("text/plain;charset=UTF-8"))
    );
    assert_eq!(
        echoed["headers"]["host"],
        json!(format!("127.0.0.1:{}", server.port))
    );
    assert_eq!(
        (&value["form"]["method"], &value["form"]["body"]),
        (&json!("PUT"), &json!("a=b+c"))
    );
    assert_eq!(value["twice"], json!("TypeError"));
    assert_eq!(value["bytes"], json!(5));
}

#[tokio::test]
async fn a_signal_aborts_a_fetch() {
    let server = Server::start().await;
    let value = value_in(
        &server.container(),
        "const late = await fetch(configuration.URL + '/never', { signal: AbortSignal.timeout(10) }).catch((e) => e.name);
         const control = new AbortController();
         setTimeout(() => control.abort(), 5);
         const ended = await fetch(configuration.URL + '/never', { signal: control.signal }).catch((e) => e.name);
         const before = await fetch(configuration.URL + '/never', { signal: AbortSignal.abort() }).catch((e) => e.name);
         callback(null, [late, ended, before]);",
    )
    .await;
    assert_eq!(value, json!(["TimeoutError", "AbortError", "AbortError"]));
}

#[tokio::test]
async fn only_listed_hosts_are_called() {
    let server = Server::start().await;
    refused(&fetch(Settings::default(), &server.url("/echo")).await);
    refused(&fetch(listing(&["127.0.0.1".to_owned()]), &server.url("/echo")).await);
    refused(&fetch(listing(&["*.example.com".to_owned()]), &server.url("/echo")).await);
    refused(
        &fetch(
            listing(&[format!("localhost:{}", server.port)]),
            &server.url("/echo"),
        )
        .await,
    );
    assert_eq!(
        fetch(server.settings(), &server.url("/echo")).await,
        json!(200)
    );
    assert_eq!(
        fetch(
            listing(&[format!("localhost:{}", server.port)]),
            &format!("http://localhost:{}/echo", server.port)
        )
        .await,
        json!(200)
    );
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn only_http_is_spoken() {
    let settings = || listing(&["127.0.0.1".to_owned()]);
    for url in [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "data:text/plain,hi",
        "unix:/run/x",
    ] {
        let answer = fetch(settings(), url).await;
        assert_eq!(
            (&answer[0], &answer[1]),
            (&json!("fetch failed"), &json!("EACCES")),
            "{url}"
        );
    }
    let credentials = fetch(settings(), "http://user:secret@127.0.0.1/").await;
    assert_eq!(credentials[1], json!("ERR_INVALID_URL"));
}

#[tokio::test]
async fn a_redirect_is_followed_to_listed_hosts_only() {
    let (server, other) = (Server::start().await, Server::start().await);
    let to = |target: &str| server.url(&format!("/redirect/302?to={target}"));
    refused(&fetch(server.settings(), &to(&other.url("/echo"))).await);
    refused(&fetch(server.settings(), &to("http://169.254.169.254/latest")).await);
    assert_eq!(other.requests(), 0);
    let with_credentials = server.url("/echo").replace("//", "//user:secret@");
    assert_eq!(
        fetch(server.settings(), &to(&with_credentials)).await[1],
        json!("ERR_INVALID_URL")
    );
    assert_eq!(fetch(server.settings(), &to("/echo")).await, json!(200));
    let round = fetch(
        server.settings(),
        &to("/redirect/302?to=/redirect/302?to=/echo"),
    )
    .await;
    assert_eq!(round, json!(200));
    let endless = fetch(
        server.settings(),
        &server.url("/redirect/302?to=?to=%3Fto%3D%253Fto"),
    )
    .await;
    assert!(endless.is_array() || endless.is_number());
    let both = listing(&[
        format!("127.0.0.1:{}", server.port),
        format!("127.0.0.1:{}", other.port),
    ]);
    let body = format!(
        "const a = await fetch('{}', {{ method: 'POST', body: 'secret', headers: {{ authorization: 'Bearer t', cookie: 'c' }} }}); const e = await a.json(); callback(null, [a.redirected, a.url, e.method, e.body, e.headers.authorization, e.headers.cookie, e.headers['content-type']])",
        to(&other.url("/echo"))
    );
    let seen = value_in(&Container::new(both), &body).await;
    assert_eq!(
        seen,
        json!([true, other.url("/echo"), "GET", "", null, null, null])
    );
}

#[tokio::test]
async fn a_redirect_can_be_looked_at_or_refused() {
    let server = Server::start().await;
    let body = "const U = configuration.URL + '/redirect/307?to=/echo';
                const manual = await fetch(U, { redirect: 'manual' });
                const error = await fetch(U, { redirect: 'error' }).catch((e) => e.cause.code);
                const kept = await (await fetch(U, { method: 'POST', body: 'x' })).json();
                callback(null, [manual.status, manual.headers.get('location'), error, kept.method, kept.body]);";
    assert_eq!(
        value_in(&server.container(), body).await,
        json!([307, "/echo", "ERR_REDIRECT", "POST", "x"])
    );
}

#[tokio::test]
async fn redirects_are_counted() {
    let server = Server::start().await;
    let settings = Settings {
        outbound: OutboundBounds {
            redirects: 1,
            ..OutboundBounds::default()
        },
        ..server.settings()
    };
    let answer = fetch(
        settings,
        &server.url("/redirect/302?to=/redirect/302?to=/echo"),
    )
    .await;
    assert_eq!(answer[1], json!("ERR_TOO_MANY_REDIRECTS"));
}

#[tokio::test]
async fn size_count_and_time_of_requests_are_bounded() {
    let server = Server::start().await;
    let bounds = OutboundBounds {
        calls: 2,
        response_bytes: 1000,
        request_bytes: 1000,
        timeout: Duration::from_millis(50),
        ..OutboundBounds::default()
    };
    let bounded = || Settings {
        outbound: bounds,
        ..server.settings()
    };
    assert_eq!(
        fetch(bounded(), &server.url("/large/1000")).await,
        json!(200)
    );
    assert_eq!(
        fetch(bounded(), &server.url("/large/1001")).await[1],
        json!("ERR_BODY_TOO_LARGE")
    );
    assert_eq!(
        fetch(bounded(), &server.url("/never")).await[1],
        json!("ETIMEDOUT")
    );
    let body = "const post = (size) => fetch(configuration.URL + '/status/200', { method: 'POST', body: 'x'.repeat(size) }).then((a) => a.status, (e) => e.cause.code);
                callback(null, [await post(1000), await post(1001), await post(1)])";
    assert_eq!(
        value_in(&Container::new(bounded()), body).await,
        json!([200, "ERR_BODY_TOO_LARGE", "EACCES"])
    );
}

#[tokio::test]
async fn of_requests_that_begin_together_the_first_are_made() {
    let server = Server::start().await;
    let outbound = OutboundBounds {
        calls: 2,
        ..OutboundBounds::default()
    };
    let container = Container::new(Settings {
        outbound,
        ..server.settings()
    });
    let body = "const all = Array.from({ length: 5 }, () => fetch(configuration.URL + '/echo').then((a) => a.status, (e) => e.cause.code)); callback(null, await Promise.all(all))";
    assert_eq!(
        value_in(&container, body).await,
        json!([200, 200, "EACCES", "EACCES", "EACCES"])
    );
}

#[tokio::test]
async fn requests_beyond_the_bound_wait_for_their_turn() {
    let server = Server::start().await;
    let outbound = OutboundBounds {
        at_once: 2,
        ..OutboundBounds::default()
    };
    let container = Container::new(Settings {
        outbound,
        ..server.settings()
    });
    let body = "const all = Array.from({ length: 10 }, () => fetch(configuration.URL + '/echo').then((a) => a.status)); callback(null, await Promise.all(all))";
    assert_eq!(
        value_in(&container, body).await,
        json!([200, 200, 200, 200, 200, 200, 200, 200, 200, 200])
    );
}

#[tokio::test]
async fn calls_are_recorded_without_what_may_be_secret() {
    let server = Server::start().await;
    let source = "async function f(callback) {
        await fetch(configuration.URL + '/status/401?token=secret#secret', { headers: { authorization: 'secret' } });
        await fetch('https://user:secret@elsewhere.test/path?secret').catch(() => {});
        callback(null);
      }";
    let run = call(&server.container(), source, vec![]).await;
    assert!(run.outcome.is_ok());
    assert_eq!(
        (
            run.outbound[0].method.as_str(),
            run.outbound[0].url.as_str()
        ),
        ("GET", server.url("/status/401").as_str())
    );
    assert_eq!(run.outbound[0].answer, Ok(401));
    assert_eq!(run.outbound[1].url, "https://elsewhere.test/path");
    assert!(run.outbound[1].answer.is_err());
    assert!(!format!("{run:?}").contains("secret"), "{run:?}");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_an_error_with_nodes_code() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let answer = fetch(
        listing(&[address.to_string()]),
        &format!("http://{address}/"),
    )
    .await;
    assert_eq!(answer[1], json!("ECONNREFUSED"));
}
