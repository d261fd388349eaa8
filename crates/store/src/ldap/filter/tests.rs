use ldap3::asn1::{ASNTag as _, PL, StructureTag};
use proptest::prelude::*;

use super::*;
use crate::parameters::{Binding, Value};

fn filled(filter: &str, value: &Value) -> Option<String> {
    let names = ["identifier".to_owned()];
    let bindings = [Binding::Value(value)];
    Filter::parse(filter)
        .unwrap()
        .fill(&Values::new(&names, &bindings))
}

#[test]
fn the_filter_for_anybody_asks_whether_there_is_a_value_where_a_parameter_stands() {
    for (filter, anybody) in [
        ("(mail=:identifier)", "(mail=*)"),
        (
            "(&(objectClass=person)(|(mail=:identifier)(uid=x:identifier*)))",
            "(&(objectClass=person)(|(mail=*)(uid=*)))",
        ),
        (
            "(&(mail=:identifier)(!(uid=:identifier))(!(st=x)))",
            "(&(mail=*)(objectClass=*)(!(st=x)))",
        ),
        ("(:caseExactMatch:=:identifier)", "(objectClass=*)"),
    ] {
        assert_eq!(
            Filter::parse(filter).unwrap().anybody(),
            anybody,
            "{filter}"
        );
    }
}

/// The filter as the driver sends it: its shape, and its values apart.
fn sent(text: &str) -> (String, Vec<Vec<u8>>) {
    fn walk(tag: StructureTag, shape: &mut String, values: &mut Vec<Vec<u8>>) {
        shape.push('[');
        shape.push_str(&tag.id.to_string());
        match tag.payload {
            PL::P(bytes) => values.push(bytes),
            PL::C(tags) => tags.into_iter().for_each(|tag| walk(tag, shape, values)),
        }
        shape.push(']');
    }
    let tag = ldap3::parse_filter(text).unwrap_or_else(|()| panic!("the driver refuses {text}"));
    let (mut shape, mut values) = (String::new(), Vec::new());
    walk(tag.into_structure(), &mut shape, &mut values);
    (shape, values)
}

const FILTERS: [&str; 9] = [
    "(mail=:identifier)",
    "(&(objectClass=inetOrgPerson)(mail=:identifier))",
    "(|(mail=:identifier)(uid=:identifier))",
    "(&(sAMAccountName=:identifier)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
    "(proxyAddresses=smtp\\3a:identifier)",
    "(cn=*:identifier*)",
    "(cn=a*:identifier*b)",
    "(cn:caseExactMatch:=:identifier)",
    "(mail>=:identifier)",
];

proptest! {
    #[test]
    fn no_value_changes_the_shape_of_a_filter(
        number in 0..FILTERS.len(),
        value in prop_oneof![any::<String>(), "[*()\\\\\\x00:&|!=~<>]{1,12}", "\\PC{1,40}"],
    ) {
        let filter = FILTERS[number];
        let (shape, plain) = sent(&filled(filter, &"x".into()).unwrap());
        match filled(filter, &value.as_str().into()) {
            Some(text) => {
                let (with_value, values) = sent(&text);
                prop_assert_eq!(with_value, shape);
                // Where the plain value stood there is this one, to the byte, and nothing else has changed.
                for (mine, plain) in values.iter().zip(&plain) {
                    let expected = match plain.as_slice() {
                        b"x" => value.as_bytes().to_vec(),
                        b"smtp:x" => [b"smtp:", value.as_bytes()].concat(),
                        other => other.to_vec(),
                    };
                    prop_assert_eq!(mine, &expected);
                }
            }
            // A part of a value cannot be empty, and no value holds a NUL: then nobody is meant.
            None => prop_assert!(
                value.contains('\0') || (value.is_empty() && filter.contains('*'))
            ),
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[(&|!=*:\\\\a-z)]{0,40}|\\PC{0,40}") {
        drop(Filter::parse(&text));
    }

    #[test]
    fn what_is_accepted_the_driver_accepts(text in "\\([&|!(=*:a-z)<>~.0-9]{0,20}\\)") {
        if let Ok(filter) = Filter::parse(&text) {
            let mut names = BTreeSet::new();
            filter.collect_parameters(&mut names);
            if names.is_empty() && let Some(text) = filter.fill(&Values::new(&[], &[])) {
                sent(&text);
            }
        }
    }
}

#[test]
fn a_filter_is_read_as_the_driver_reads_it() {
    for text in [
        "(cn=Babs Jensen)",
        "(!(cn=Tim Howes))",
        "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
        "(o=univ*of*mich*)",
        "(seeAlso=)",
        "(cn:caseExactMatch:=Fred Flintstone)",
        "(cn:=Betty Rubble)",
        "(sn:dn:2.4.6.8.10:=Barney Rubble)",
        "(o:dn:=Ace Industry)",
        "(:1.2.3:=Wilma Flintstone)",
        "(:DN:2.4.6.8.10:=Dino)",
        "(o=Parens R Us \\28for all your parenthetical needs\\29)",
        "(cn=*\\2A*)",
        "(filename=C:\\5cMyFile)",
        "(bin=\\01\\ff\\7f\\04)",
        "(sn=Lu\\c4\\8di\\c4\\87)",
    ] {
        let ours = Filter::parse(text).unwrap_or_else(|flaw| panic!("{text}: {flaw}"));
        let ours = ours.fill(&Values::new(&[], &[])).unwrap();
        // The first three come from RFC 4515 §4, which the driver follows but for the case of `dn`.
        let theirs = text.replace(":DN:", ":dn:");
        assert_eq!(sent(&ours.replace(":DN:", ":dn:")), sent(&theirs), "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    for text in [
        "",
        "mail=:identifier",
        "(mail=:identifier",
        "(mail=:identifier))",
        "(mail=:identifier)(uid=a)",
        "(&)",
        "(|)",
        "(!)",
        "()",
        "(mail)",
        "(=x)",
        "(ma il=x)",
        "(mail=a**b)",
        "(mail>=a*)",
        "(mail=a\\)",
        "(mail=\0)",
        "(:=x)",
        "select id from users where email = :identifier",
    ] {
        assert!(Filter::parse(text).is_err(), "{text}");
    }
    let deep = "(!".repeat(100) + "(a=b)" + &")".repeat(100);
    assert!(Filter::parse(&deep).is_err());
}

#[test]
fn a_value_that_is_not_there_finds_nobody() {
    assert_eq!(filled("(mail=:identifier)", &Value::Null), None);
    assert_eq!(
        filled("(!(mail=:identifier))", &Value::Null),
        None,
        "not everybody"
    );
    assert_eq!(
        filled("(|(uid=a)(mail=:identifier))", &Value::Null).as_deref(),
        Some("(|(uid=a))")
    );
    assert_eq!(filled("(&(uid=a)(mail=:identifier))", &Value::Null), None);
}

#[test]
fn a_binary_id_is_asked_for_by_its_bytes() {
    // The text form of these bytes by .NET's `Guid`, which Active Directory's tools show.
    let id = "33221100-5544-7766-8899-aabbccddeeff".into();
    let bytes = (0..16).map(|number| number * 0x11).collect::<Vec<u8>>();
    let (_, values) = sent(&filled("(objectGUID=:identifier)", &id).unwrap());
    assert_eq!(values, [b"objectGUID".to_vec(), bytes]);
    assert_eq!(filled("(objectGUID=:identifier)", &"*".into()), None);
}
