//! What goes wrong with a real directory: cut off, silent, killed, started again, and not the one that it should be.

use std::time::{Duration, Instant};

use lychgate_password::Password;
use lychgate_store::StatementName::{ChangePassword, Lookup};
use lychgate_store::{Error, Parameters, Row, Store};
use tokio::task::JoinSet;

use crate::directory::{Directory, FILTERS, PASSWORD, identifier};
use crate::faults::{kill, until_it_answers};
use crate::legacy::refused;
use crate::proxy::{Fault, Proxy};
use crate::world::variable;

const NEW: &str = "a brand new password";

fn zoe() -> Parameters {
    identifier("zoe@example.com")
}

fn new_password() -> Parameters {
    zoe().with_password(Password::new(NEW.to_owned()).unwrap())
}

async fn log_in(store: &Store) -> Result<Option<Row>, Error> {
    let password = Password::new(PASSWORD.to_owned()).unwrap();
    store.authenticate(&zoe(), &password).await
}

/// A store behind a proxy, without TLS, so that the proxy can read what it cuts.
async fn through_a_proxy(directory: &Directory, connections: u32) -> (Store, Proxy) {
    let proxy = Proxy::to(directory.port()).await;
    let server = format!("ldap://localhost:{}/", proxy.port);
    let mut settings = directory.settings(directory.ldap(), &FILTERS);
    settings.url = directory.url_on(&server, "").parse().unwrap();
    settings.connections = connections;
    (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_secs(4));
    (Store::open(settings).await.unwrap(), proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_connection_is_cut_is_run_once_more() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 2).await;
    for fault in [
        Fault::CutAnswerTo("zoe@example.com"),
        Fault::CutBefore("zoe@example.com"),
    ] {
        proxy.set(fault);
        assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
        proxy.set(fault);
        assert!(log_in(&store).await.unwrap().is_some());
    }
    proxy.set(Fault::Down);
    let error = refused(store.read(Lookup, &zoe()).await);
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_that_is_cut_is_never_a_wrong_password() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 1).await;
    // A new connection is not blamed on its age.
    proxy.set(Fault::CutAnswerTo(PASSWORD));
    let error = refused(log_in(&store).await);
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert!(log_in(&store).await.unwrap().is_some());
    // One that has waited is replaced.
    for fault in [Fault::CutBefore(PASSWORD), Fault::CutAnswerTo(PASSWORD)] {
        proxy.set(fault);
        assert!(log_in(&store).await.unwrap().is_some());
    }
    proxy.set(Fault::SilenceFrom(PASSWORD));
    let error = refused(log_in(&store).await);
    assert!(matches!(error, Error::Timeout(_)), "{error}");
    proxy.set(Fault::Nothing);
    assert!(log_in(&store).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_cut_while_it_looks_is_not_done() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 1).await;
    let before = directory.people();
    for fault in [
        Fault::CutAnswerTo("zoe@example.com"),
        Fault::CutBefore("zoe@example.com"),
    ] {
        proxy.set(fault);
        let error = refused(store.write(ChangePassword, &new_password()).await);
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert_eq!(directory.people(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_not_answered_has_an_unknown_outcome_and_is_not_repeated() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 1).await;
    for (fault, is_done) in [
        (Fault::CutBefore(NEW), false),
        (Fault::SilenceFrom(NEW), true),
        (Fault::CutAnswerTo(NEW), true),
    ] {
        proxy.set(fault);
        let error = refused(store.write(ChangePassword, &new_password()).await);
        assert!(
            matches!(error, Error::OutcomeUnknown(ChangePassword)),
            "{error}"
        );
        assert_eq!(directory.accepts(&directory.dn("zoe"), NEW), is_done);
        proxy.set(Fault::Nothing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_is_a_timeout_and_its_connection_is_replaced() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 1).await;
    proxy.set(Fault::SilenceFrom("zoe@example.com"));
    let error = refused(store.read(Lookup, &zoe()).await);
    assert!(matches!(error, Error::Timeout(Lookup)), "{error}");
    proxy.set(Fault::Nothing);
    assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_connection_in_time_is_told_of_the_overload() {
    let directory = Directory::new();
    let proxy = Proxy::to(directory.port()).await;
    let server = format!("ldap://localhost:{}/", proxy.port);
    let mut settings = directory.settings(directory.ldap(), &FILTERS);
    settings.url = directory.url_on(&server, "").parse().unwrap();
    settings.connections = 1;
    (settings.wait, settings.deadline) = (Duration::from_millis(200), Duration::from_secs(20));
    let store = Store::open(settings).await.unwrap();
    proxy.set(Fault::SilenceFrom("zoe@example.com"));
    let (zoe, max) = (zoe(), identifier("max@example.com"));
    tokio::select! {
        biased;
        _ = store.read(Lookup, &zoe) => panic!("a silent directory answered"),
        refusals = async {
            tokio::task::yield_now().await;
            [
                refused(store.read(Lookup, &max).await),
                refused(store.write(ChangePassword, &new_password()).await),
                refused(log_in(&store).await),
            ]
        } => {
            let overloaded = |error: &Error| matches!(error, Error::Overloaded);
            assert!(refusals.iter().all(overloaded), "{refusals:?}");
        }
    }
    // Whoever went away took the connection with it.
    proxy.set(Fault::Nothing);
    assert!(store.read(Lookup, &max).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_circuit_opens_when_the_directory_is_down_and_closes_by_itself() {
    let directory = Directory::new();
    let (store, proxy) = through_a_proxy(&directory, 2).await;
    proxy.set(Fault::Down);
    let is_open = |error: &Error| error.to_string().contains("has not been asked again yet");
    let mut attempts = 0;
    while !is_open(&refused(store.read(Lookup, &zoe()).await)) {
        attempts += 1;
        assert!(attempts < 10, "the circuit does not open");
    }
    for error in [
        refused(log_in(&store).await),
        refused(store.write(ChangePassword, &new_password()).await),
        refused(store.ping().await),
    ] {
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
    }
    proxy.set(Fault::Nothing);
    until_it_answers(&store).await;
    let written = store.write(ChangePassword, &new_password()).await.unwrap();
    assert_eq!(written.matched, 1);
}

/// While a directory dies and comes back, a right password is right or not checked, and never wrong.
#[tokio::test(flavor = "multi_thread")]
async fn openldap_is_killed_under_load_and_comes_back() {
    let directory = Directory::mortal();
    let mut settings = directory.settings(directory.ldap(), &FILTERS);
    settings.deadline = Duration::from_secs(4);
    let store = Store::open(settings).await.unwrap();
    let mut tasks = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(3);
    for _ in 0..6 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut unavailable = 0;
            while Instant::now() < until {
                match log_in(&store).await {
                    Ok(user) => assert!(user.is_some()),
                    Err(Error::Unavailable(_) | Error::Timeout(_) | Error::Overloaded) => {
                        unavailable += 1;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            unavailable
        });
    }
    kill(&variable("LYCHGATE_TEST_LDAP_PID"), "-KILL");
    assert!(
        tasks.join_all().await.into_iter().sum::<u32>() > 0,
        "nobody noticed"
    );
    until_it_answers(&store).await;
    let written = store.write(ChangePassword, &new_password()).await.unwrap();
    assert_eq!(written.matched, 1);
    assert!(directory.accepts(&directory.dn("zoe"), NEW));
}

/// What comes of opening the store by this URL.
async fn opened_by(directory: &Directory, server: &str, options: &str) -> Result<(), Error> {
    let mut settings = directory.settings(directory.ldap(), &FILTERS);
    settings.url = directory.url_on(server, options).parse().unwrap();
    let store = Store::open(settings).await?;
    assert!(log_in(&store).await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_directory_that_was_named_is_believed() {
    let directory = Directory::new();
    let (plain, tls) = (
        variable("LYCHGATE_TEST_LDAP"),
        variable("LYCHGATE_TEST_LDAPS"),
    );
    let by_address = |url: &str| url.replace("localhost", "127.0.0.1");
    let ours = variable("LYCHGATE_TEST_CA");
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("other.pem");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", "/CN=other", "-keyout", "/dev/null", "-out"])
        .arg(&theirs)
        .output()
        .unwrap();
    assert!(made.status.success());
    let ours = format!("?sslrootcert={ours}");
    let theirs = format!("?sslrootcert={}", theirs.display());
    for url in [&plain, &tls] {
        for (server, options, is_believed) in [
            (url.clone(), ours.clone(), true),
            (url.clone(), theirs.clone(), false),
            (by_address(url), ours.clone(), false),
            (by_address(url), format!("{ours}&sslmode=verify-ca"), true),
            (
                by_address(url),
                format!("{theirs}&sslmode=verify-ca"),
                false,
            ),
            (by_address(url), "?sslmode=require".to_owned(), true),
            (url.clone(), "?sslmode=verify-full".to_owned(), false),
            (url.clone(), String::new(), true),
        ] {
            let opened = opened_by(&directory, &server, &options).await;
            match opened {
                Ok(()) => assert!(is_believed, "{server} {options}"),
                Err(error) => {
                    assert!(!is_believed, "{server} {options}: {error}");
                    assert!(
                        error.to_string().contains("did not prove by TLS"),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_a_way_too() {
    let directory = Directory::new();
    let socket = variable("LYCHGATE_TEST_LDAP_SOCKET").replace('/', "%2F");
    opened_by(&directory, &format!("ldapi://{socket}/"), "")
        .await
        .unwrap();
}

/// A directory without TLS cannot be told from one whose TLS somebody on the way has taken out.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_has_no_tls_is_not_spoken_to() {
    let directory = Directory::new();
    let server = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = server.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = server.accept().await.unwrap();
        let mut question = vec![0; 4096];
        let length = socket.read(&mut question).await.unwrap();
        // ExtendedResponse 1, unwillingToPerform.
        let refusal = [0x30, 12, 2, 1, 1, 0x78, 7, 10, 1, 53, 4, 0, 4, 0];
        socket.write_all(&refusal).await.unwrap();
        let mut rest = Vec::new();
        drop(socket.read_to_end(&mut rest).await);
        question.truncate(length);
        question.extend(rest);
        question
    });
    let url = format!("ldap://localhost:{port}/");
    let error = refused(opened_by(&directory, &url, "?sslmode=require").await);
    assert!(error.to_string().contains("refuses StartTLS"), "{error}");
    let heard = heard.await.unwrap();
    let secret = crate::directory::SERVICE_PASSWORD.as_bytes();
    assert!(!heard.windows(secret.len()).any(|window| window == secret));
}
