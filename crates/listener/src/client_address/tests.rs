use proptest::prelude::*;

use super::*;

fn proxies() -> TrustedProxies {
    TrustedProxies::new(vec![
        "10.0.0.0/8".parse().unwrap(),
        "2001:db8:1::/48".parse().unwrap(),
    ])
    .unwrap()
}

fn peer(address: &str) -> Peer {
    Peer::told(address.parse().unwrap())
}

/// The client of a request from the proxy 10.0.0.1 with these lines of the field.
fn client(field: ForwardedField, lines: &[&str]) -> Result<String, Untold> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(field.name(), line.parse().unwrap());
    }
    let client = field.client(peer("10.0.0.1"), &proxies(), &headers)?;
    Ok(client.address().ip().to_string())
}

#[test]
fn nobody_is_trusted_by_mistake() {
    let refusal = |networks: &[&str]| {
        let networks = networks
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        TrustedProxies::new(networks).unwrap_err().to_string()
    };
    assert!(refusal(&[]).contains("trusted_proxies"));
    assert!(refusal(&["0.0.0.0/0"]).contains("every address of IPv4"));
    assert!(refusal(&["0.0.0.0/1", "128.0.0.0/1"]).contains("every address of IPv4"));
    assert!(refusal(&["10.0.0.1/8"]).contains("has bits set"));
}

#[test]
fn a_stranger_who_writes_the_field_herself_is_not_believed() {
    for field in [ForwardedField::Forwarded, ForwardedField::XForwardedFor] {
        let headers =
            HeaderMap::from_iter([(field.name(), HeaderValue::from_static("for=192.0.2.7"))]);
        let believed = field.client(peer("192.0.2.66"), &proxies(), &headers);
        assert_eq!(believed, Err(Untold::Stranger));
    }
}

#[test]
fn the_rightmost_address_that_is_no_proxy_is_the_client() {
    let field = ForwardedField::XForwardedFor;
    for (lines, expected) in [
        (&["192.0.2.7"][..], "192.0.2.7"),
        (&["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        (
            &["198.51.100.1, 192.0.2.7, 10.1.1.1, 2001:db8:1::5"],
            "192.0.2.7",
        ),
        (&["198.51.100.1", "192.0.2.7", "10.1.1.1"], "192.0.2.7"),
        (&["nonsense \" for=, 192.0.2.7"], "192.0.2.7"),
        (&["192.0.2.7:56324"], "192.0.2.7"),
        (&["[2001:db8::7]:56324"], "2001:db8::7"),
        (&["[2001:db8::7]"], "2001:db8::7"),
        (&["::ffff:192.0.2.7"], "192.0.2.7"),
        (&["192.0.2.7,,\t"], "192.0.2.7"),
        (&["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
    ] {
        assert_eq!(client(field, lines), Ok(expected.to_owned()), "{lines:?}");
    }
}

#[test]
fn a_field_that_names_no_client_is_no_client() {
    for (lines, expected) in [
        (&[][..], Untold::Missing),
        (&[""], Untold::Missing),
        (&["unknown"], Untold::Malformed),
        (&["192.0.2.7, unknown"], Untold::Malformed),
        (&["192.0.2.7, 10.1.1.1, _hidden"], Untold::Malformed),
        (&["192.0.2.07"], Untold::Malformed),
        (&["192.0.2.7:99999"], Untold::Malformed),
        (&["192.0.2.7 10.1.1.1"], Untold::Malformed),
    ] {
        assert_eq!(
            client(ForwardedField::XForwardedFor, lines),
            Err(expected),
            "{lines:?}"
        );
    }
}

/// The examples of RFC 7239 §4, and spellings that its grammar allows.
#[test]
fn forwarded_is_read_by_its_grammar() {
    for (lines, expected) in [
        (
            &["for=192.0.2.60;proto=http;by=203.0.113.43"][..],
            "192.0.2.60",
        ),
        (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
        (&["for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"),
        (&["for=192.0.2.43, for=\"[2001:db8:1::17]\""], "192.0.2.43"),
        (
            &["for=192.0.2.43,for=10.0.0.2;by=_edge", "for=10.0.0.3"],
            "192.0.2.43",
        ),
        (
            &["by=10.0.0.9;FOR=\"192.0.2.43:_port\" ;proto=https;"],
            "192.0.2.43",
        ),
        (&["for=\"192\\.0.2.43\""], "192.0.2.43"),
        (&["for=unknown, for=192.0.2.43, ,"], "192.0.2.43"),
    ] {
        assert_eq!(
            client(ForwardedField::Forwarded, lines),
            Ok(expected.to_owned()),
            "{lines:?}"
        );
    }
}

#[test]
fn an_open_quotation_mark_swallows_nothing_that_is_then_believed() {
    for line in [
        "for=198.51.100.1;x=\", for=192.0.2.7",
        "for=198.51.100.1;x=\", for=\"[2001:db8::7]\"",
        "for=198.51.100.1;x=\"\\, for=\"192.0.2.7\"",
        "for=198.51.100.1;for=192.0.2.7",
        "for=192.0.2.7 for=198.51.100.1",
        "for=[2001:db8::7]",
        "for = 192.0.2.7",
        "=192.0.2.7",
        "192.0.2.7",
        "for=unknown",
        "for=_hidden",
        "proto=https",
        "for=\"[2001:db8::7]:\"",
        "for=192.0.2.7:-1",
    ] {
        assert_eq!(
            client(ForwardedField::Forwarded, &[line]),
            Err(Untold::Malformed),
            "{line}"
        );
    }
}

proptest! {
    /// What a client sends, the proxy adds to: behind a comma in the same line, or in a line of its own.
    #[test]
    fn whatever_a_client_sends_she_is_who_the_proxy_saw_or_nobody(
        sent in "(for=|[0-9.]{1,4}|[ -~\t]|\"|\\\\|,|;){0,40}",
        in_one_line: bool,
    ) {
        for (field, added) in [
            (ForwardedField::XForwardedFor, "192.0.2.7"),
            (ForwardedField::Forwarded, "for=192.0.2.7;proto=https"),
            (ForwardedField::Forwarded, "for=\"192.0.2.7:443\""),
            (ForwardedField::Forwarded, "for=\"[::ffff:192.0.2.7]\""),
        ] {
            let joined = format!("{sent}, {added}");
            let lines = if in_one_line { vec![joined.as_str()] } else { vec![sent.as_str(), added] };
            if let Ok(client) = client(field, &lines) {
                prop_assert_eq!(client, "192.0.2.7");
            }
        }
    }
}
