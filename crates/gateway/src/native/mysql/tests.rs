use proptest::prelude::*;

use super::*;

/// A response as a client sends it.
fn response(capabilities: u32, user: &str, database: Option<&str>) -> Vec<u8> {
    let mut payload = capabilities.to_le_bytes().to_vec();
    payload.extend_from_slice(&[0, 0, 0, 1, 45]);
    payload.resize(HEAD_BYTES, 0);
    payload.extend_from_slice(user.as_bytes());
    payload.extend_from_slice(b"\0\x14aaaaaaaaaaaaaaaaaaaa");
    if let Some(database) = database {
        payload.extend_from_slice(database.as_bytes());
        payload.push(0);
    }
    payload.extend_from_slice(b"mysql_native_password\0");
    payload
}

const BARE: u32 = capability::NEEDED;
const WITH_DATABASE: u32 = BARE | capability::CONNECT_WITH_DB;

#[test]
fn a_login_names_its_user_and_its_database() {
    let login = Login::parse(&response(WITH_DATABASE, "zoe", Some("legacy"))).unwrap();
    assert_eq!(
        (login.user.as_str(), login.database.as_deref()),
        ("zoe", Some("legacy"))
    );
    let login = Login::parse(&response(BARE, "zoe", None)).unwrap();
    assert_eq!(login.database, None);
    let login = Login::parse(&response(WITH_DATABASE, "zoe", Some(""))).unwrap();
    assert_eq!(login.database, None);
}

#[test]
fn what_the_server_gets_is_the_same_login_with_no_proof() {
    for attributes in [None, Some(vec![7; 10]), Some(vec![7; 300])] {
        let capabilities =
            WITH_DATABASE | attributes.as_ref().map_or(0, |_| capability::CONNECT_ATTRS);
        let mut sent = response(capabilities, "zoe", Some("legacy"));
        if let Some(attributes) = &attributes {
            sent.extend_from_slice(&count_of(attributes.len()));
            sent.extend_from_slice(attributes);
        }
        let login = Login::parse(&sent).unwrap();
        assert_eq!(login.attributes, attributes);
        let (_, passed) = login
            .response()
            .split_first_chunk::<4>()
            .map(|(head, rest)| (*head, rest.to_vec()))
            .unwrap();
        assert_eq!(Login::parse(&passed).unwrap(), login);
        assert!(!String::from_utf8_lossy(&passed).contains("aaaa"));
        let request = login.tls_request();
        assert_eq!(read_tls_request(request.get(4..).unwrap()), Ok(()));
    }
}

#[test]
fn what_is_not_offered_is_not_passed_on_and_what_could_be_read_in_two_ways_is_refused() {
    // Compression, files of the client, results without an end: the server never hears of them.
    for more in [1 << 5, 1 << 7, 1 << 24] {
        let login = Login::parse(&response(BARE | more, "zoe", None)).unwrap();
        assert_eq!(login.capabilities, BARE);
    }
    let old = BARE & !capability::PLUGIN_AUTH;
    let sent = response(old, "zoe", None);
    assert_eq!(Login::parse(&sent), Err(Flaw::Unfit));
    let mut longer = response(BARE, "zoe", None);
    longer.push(0);
    assert_eq!(Login::parse(&longer), Err(Flaw::Malformed));
    let whole = response(WITH_DATABASE, "zoe", Some("legacy"));
    for length in 0..whole.len() {
        assert!(
            Login::parse(whole.get(..length).unwrap()).is_err(),
            "{length}"
        );
    }
    assert_eq!(read_tls_request(&whole), Err(Flaw::Malformed));
    let plain = response(BARE & !capability::SSL, "zoe", None);
    assert_eq!(read_tls_request(&plain), Err(Flaw::Plain));
}

#[test]
fn the_doors_own_greeting_is_that_of_a_fit_server() {
    let greeting = greeting([0; 20]);
    assert_eq!(is_fit(greeting.get(4..).unwrap()), Ok(()));
    assert_eq!(is_fit(b"\x0a5.0\0"), Err(Flaw::Server));
    assert_eq!(
        is_fit(b"\xff\x15\x04too many connections"),
        Err(Flaw::Server)
    );
}

fn commands(payloads: &[&[u8]]) -> Vec<u8> {
    payloads
        .iter()
        .flat_map(|payload| packet(0, payload))
        .collect()
}

fn may_pass(sent: &[u8], at_once: usize) -> bool {
    let mut commands = Commands::default();
    sent.chunks(at_once)
        .all(|part| commands.may_pass(part, |name| name == "legacy"))
}

#[test]
fn another_user_a_stream_of_replication_and_another_database_are_not_passed_on_however_they_are_cut()
 {
    let query: &[u8] = b"\x03select 1";
    for at_once in [1, 2, 3, 5, 7, 1000] {
        assert!(may_pass(&commands(&[query, b"\x0e", query]), at_once));
        assert!(may_pass(&commands(&[query, b"\x02legacy", query]), at_once));
        for refused in [
            &b"\x11root\0"[..],
            b"\x12",
            b"\x15",
            b"\x1e",
            b"\x02mysql",
            b"\x02",
        ] {
            let sent = commands(&[query, refused, query]);
            assert!(!may_pass(&sent, at_once), "{refused:?} by {at_once}");
        }
    }
    let mut answer = packet(3, b"\x11 is no command in an answer");
    answer.extend_from_slice(&commands(&[query]));
    assert!(may_pass(&answer, 4));
}

#[test]
fn a_query_that_goes_on_in_the_next_packet_is_one_command() {
    let mut first = vec![b' '; FULL_PACKET];
    first[0] = 3;
    let mut sent = packet(0, &first);
    sent.extend_from_slice(&packet(0, b"\x11"));
    assert!(may_pass(&sent, 65_536));
    sent.extend_from_slice(&commands(&[b"\x11"]));
    assert!(!may_pass(&sent, 65_536));
}

proptest! {
    #[test]
    fn whoever_is_named_is_who_the_response_names_and_nothing_panics(
        user in "[^\0]{0,40}",
        database in "[^\0]{1,40}",
        noise in prop::collection::vec(any::<u8>(), 0..200),
        at_once in 1..50_usize,
    ) {
        let login = Login::parse(&response(WITH_DATABASE, &user, Some(&database))).unwrap();
        prop_assert_eq!((login.user, login.database), (user, Some(database)));
        drop(Login::parse(&noise));
        assert!(is_fit(&noise).is_err());
        may_pass(&noise, at_once);
    }

    #[test]
    fn where_bytes_are_cut_makes_no_difference(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
        at_once in 1..50_usize,
    ) {
        let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
        let sent = commands(&payloads);
        prop_assert_eq!(may_pass(&sent, at_once), may_pass(&sent, usize::MAX));
    }
}
