use proptest::prelude::*;

use super::Loss;
use crate::{
    Declaration, DeclaredRecipe, Format, ParsedHash, Password, Pepper,
    expression::Values,
    function::Function,
    recipe::{Parsed, Secrets},
};

const USER: &str = "Ada";
const PEPPER: &str = "cGVwcGVy";

/// The hash of a password, of a format at a cost as low as it gets.
fn hash(format: Format, password: &str) -> Option<ParsedHash> {
    let cheapest = [64, 4, 7, 1, 1000, format.default_cost()];
    let blank = cheapest.into_iter().find_map(|cost| format.blank(cost))?;
    let values = Values {
        password: password.as_bytes(),
        user: USER.as_bytes(),
        pepper: PEPPER.as_bytes(),
        ..Values::default()
    };
    let prepared = match format.definition().preparation() {
        Some(preparation) => preparation.evaluate(values)?.to_vec(),
        None => values.password.to_vec(),
    };
    let secrets = Secrets {
        password: &prepared,
        user: values.user,
        pepper: values.pepper,
    };
    let digest = blank
        .recipe
        .derive(secrets, &blank.salt, blank.digest.len())
        .unwrap()?;
    let pepper = Some(Pepper::new(PEPPER.to_owned()).unwrap());
    let parsed = Parsed { digest, ..blank };
    Some(ParsedHash::new(format, parsed, pepper))
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

fn loss(format: Format, text: &str) -> Option<Loss> {
    hash(format, text)
        .unwrap()
        .loss(&password(text), Some(USER))
}

/// Formats of one's own that lose what no format of the table does.
fn declared() -> Vec<Format> {
    let expression = |name: &str, digest: &str, pbkdf2: Option<&str>| Declaration {
        name: name.to_owned(),
        recipe: DeclaredRecipe::Expression {
            stored: vec!["{digest:hex}:{salt}".to_owned()],
            digest: digest.to_owned(),
            again: None,
            pbkdf2: pbkdf2.map(str::to_owned),
            rounds: 1,
        },
    };
    let over = |name: &str, password: &str| Declaration {
        name: name.to_owned(),
        recipe: DeclaredRecipe::Over {
            like: vec![Format::Bcrypt],
            prefix: "~".to_owned(),
            password: password.to_owned(),
        },
    };
    [
        expression("loss-upper", "md5(salt + upper(password))", None),
        expression("loss-lower", "sha1(lower(password) + salt)", None),
        expression("loss-trim", "sha1(salt + trim(password))", None),
        expression("loss-latin", "md5(latin1(password) + salt)", None),
        expression("loss-key", "hmac_sha1(password, salt)", None),
        expression("loss-both", "hmac_sha1(password, upper(password) + salt)", None),
        expression("loss-twice", "md5(trim(password) + salt + password)", None),
        expression(
            "loss-beside",
            "sha1(salt + upper(password) + sha1(password))",
            None,
        ),
        expression("loss-key-of-digest", "md5(password) + salt", Some("sha256")),
        over("loss-bcrypt-upper", "upper(password)"),
        over("loss-bcrypt-raw-digest", "md5(password)"),
        over("loss-bcrypt-behind", "'01234567890123456789012345678901' + hex(sha1(password))"),
        over(
            "loss-bcrypt-far-behind",
            "'01234567890123456789012345678901234567890123456789012345678901234567890' + hex(md5(password))",
        ),
    ]
    .into_iter()
    .filter_map(|declaration| declaration.declare().ok())
    .collect()
}

fn formats() -> Vec<Format> {
    let declared = declared();
    assert!(declared.len() >= 12);
    Format::ALL.into_iter().chain(declared).collect()
}

/// Other passwords that a scheme with some flaw takes for this one.
fn siblings(text: &str) -> Vec<String> {
    let cycled = format!("{text}\0{text}");
    let cut = |bytes: usize| text.get(..bytes).map(str::to_owned);
    let flipped = text.chars().map(|character| {
        if character.is_ascii_uppercase() {
            character.to_ascii_lowercase()
        } else {
            character.to_ascii_uppercase()
        }
    });
    let digests = [Function::Sha1, Function::Sha256, Function::Md5]
        .map(|function| String::from_utf8(function.digest(&[text.as_bytes()]).to_vec()).ok());
    let mut siblings = vec![
        text.to_ascii_uppercase(),
        text.to_ascii_lowercase(),
        flipped.collect(),
        format!("{text} "),
        format!("\t{text}"),
        text.trim().to_owned(),
        format!("{text}\0"),
        text.trim_end_matches('\0').to_owned(),
        cycled,
        format!("{text}more"),
        format!("{text}{PEPPER}"),
        text.split('\0').next().unwrap_or_default().to_owned(),
    ];
    siblings.extend([8, 64, 71, 72, 73].into_iter().filter_map(cut));
    siblings.extend(digests.into_iter().flatten());
    siblings.retain(|sibling| !sibling.is_empty() && sibling != text);
    siblings
}

/// Passwords at the edges of what some scheme reads.
fn typed() -> impl Strategy<Value = String> {
    let edges = "[aB1 \0é]{1,12}";
    let long = (60_usize..76, "[aB \0]{0,3}").prop_map(|(length, end)| "x".repeat(length) + &end);
    prop_oneof![edges.prop_map(String::from), long]
}

/// `a` in its own hash, and whether `b` opens it.
fn never_both(format: Format, one: &str, other: &str) {
    let Some(hash) = hash(format, one) else {
        return;
    };
    let (one, other) = (password(one), password(other));
    assert!(hash.verify(&one, Some(USER)).unwrap(), "{format}");
    if hash.verify(&other, Some(USER)).unwrap() {
        let losses = [&one, &other].map(|typed| hash.loss(typed, Some(USER)));
        assert_ne!(losses, [None, None], "{format}");
    }
}

/// Formats whose cheapest hash takes more than a few milliseconds in a build for tests.
fn is_slow(format: Format) -> bool {
    let definition = format.definition();
    let blank = [64, 4, 7, 1, 1000, format.default_cost()]
        .into_iter()
        .find_map(|cost| definition.parse(&definition.example(cost)));
    let Some(blank) = blank else { return true };
    blank.recipe.memory_kib() > 1024 || blank.recipe.parameters()[0] > 2000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn of_two_passwords_of_one_hash_at_most_one_is_read_whole(text in typed()) {
        for format in formats().into_iter().filter(|format| !is_slow(*format)) {
            for sibling in siblings(&text) {
                never_both(format, &text, &sibling);
            }
        }
    }
}

#[test]
fn the_slow_formats_keep_it_at_their_edges() {
    let long = "x".repeat(65);
    for format in formats().into_iter().filter(|format| is_slow(*format)) {
        for (one, other) in [("a", "a\0"), ("a", "A"), ("a", "a "), ("a", "a\0a")] {
            never_both(format, one, other);
        }
        never_both(format, &long, &"x".repeat(64));
    }
}

#[test]
fn an_ordinary_password_is_read_whole_by_every_format_that_does_not_fold_case() {
    let folding = [
        "loss-upper",
        "loss-lower",
        "loss-bcrypt-upper",
        "loss-twice",
        "loss-bcrypt-far-behind",
    ];
    for format in formats() {
        let expected = match format.name() {
            "loss-twice" | "mysql-323" => Some(Loss::Ambiguous),
            "oracle-10" => Some(Loss::Case),
            // Eight bytes are not ordinary any more.
            "des-crypt" | "ldap-des-crypt" | "django-crypt" | "loss-bcrypt-far-behind" => {
                Some(Loss::Length)
            }
            name if folding.contains(&name) => Some(Loss::Case),
            _ => None,
        };
        assert_eq!(loss(format, "correct horse"), expected, "{format}");
    }
}

#[test]
fn what_each_scheme_does_not_read_is_named() {
    let long = |bytes: usize| "x".repeat(bytes);
    for (format, text, expected) in [
        (Format::Bcrypt, long(72), None),
        (Format::Bcrypt, long(73), Some(Loss::Length)),
        (Format::Bcrypt, "a\0b".to_owned(), Some(Loss::Nul)),
        (Format::SpringBcrypt, long(73), Some(Loss::Length)),
        (Format::DjangoBcrypt, "a\0".to_owned(), Some(Loss::Nul)),
        // Eight bytes of pepper behind it.
        (Format::Devise, long(64), None),
        (Format::Devise, long(65), Some(Loss::Length)),
        // The whole password is in the digest; it is the digest that is cut.
        (Format::BcryptSha512, long(1000), None),
        (Format::BcryptSha256, "a\0b ".to_owned(), None),
        (Format::PasslibBcryptSha256, long(1000), None),
        (Format::WordpressBcrypt, long(1000), None),
        (Format::WordpressBcrypt, "a b".to_owned(), None),
        (Format::WordpressBcrypt, " a".to_owned(), Some(Loss::Space)),
        (Format::WordpressBcrypt, "a\n".to_owned(), Some(Loss::Space)),
        (Format::LdapCrypt, long(73), None),
        (Format::DjangoPbkdf2, long(64), None),
        (Format::DjangoPbkdf2, long(65), Some(Loss::Length)),
        (Format::DjangoPbkdf2, "a\0".to_owned(), Some(Loss::Nul)),
        (Format::PasslibPbkdf2Sha512, long(128), None),
        (Format::PasslibPbkdf2Sha512, long(129), Some(Loss::Length)),
        (Format::Scrypt, long(65), Some(Loss::Length)),
        (Format::Argon2id, long(1000) + "\0", None),
        (Format::Phpass, " a ".to_owned(), None),
        (Format::Nt, "Пароль".to_owned(), None),
        (Format::Smf, "Secret".to_owned(), None),
        (Format::HmacMd5Salt, long(65), None),
    ] {
        assert_eq!(
            loss(format, &text),
            expected,
            "{format} of {} bytes",
            text.len()
        );
    }
}

/// Two passwords that PBKDF2 by HMAC-SHA-1 cannot tell apart, the shorter being the digest of the longer; found by Mathias
/// Bynens (2014), `PBKDF2+HMAC hash collisions explained`.
#[test]
fn the_known_collision_of_pbkdf2_is_not_taken_for_two_whole_passwords() {
    let long = "plnlrtfpijpuhqylxbgqiiyipieyxvfsavzgxbbcfusqkozwpngsyejqlmjsytrmd";
    let short = "eBkXQTfuBqp'cTcar&g*";
    let hash = hash(Format::DjangoPbkdf2Sha1, long).unwrap();
    assert!(hash.verify(&password(short), None).unwrap());
    assert_eq!(hash.loss(&password(short), None), None);
    assert_eq!(hash.loss(&password(long), None), Some(Loss::Length));
}
