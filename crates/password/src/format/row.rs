//! The short forms that the rows of the format table are written in.

use super::definition::{Family, Kind};
use crate::{
    function::Function,
    recipe::{Parsed, Stretch},
};

/// How the schemes of directories and mail servers announce what crypt(3) makes.
pub(super) const CRYPT_SCHEMES: &[&str] = &[
    "{CRYPT}",
    "{CRYPT-SHA256}",
    "{CRYPT-SHA512}",
    "{SHA256-CRYPT}",
    "{SHA512-CRYPT}",
    "{BLF-CRYPT}",
];

pub(super) fn family(
    prefixes: &'static [&'static str],
    parse: fn(&str) -> Option<Parsed>,
    example: fn(u32) -> String,
    default_cost: u32,
) -> Kind {
    Kind::Family(Family {
        prefixes,
        parse,
        example,
        default_cost,
        needs: None,
    })
}

pub(super) fn again(layouts: &[&str], digest: &str, again: &str, rounds: u32) -> Kind {
    Kind::stretched(layouts, digest, Stretch::Again(again.to_owned()), rounds)
}

pub(super) fn pbkdf2(function: Function, layouts: &[&str], rounds: u32) -> Kind {
    pbkdf2_with(function, layouts, rounds, "salt", "digest")
}

pub(super) fn pbkdf2_with(
    function: Function,
    layouts: &[&str],
    rounds: u32,
    salt: &str,
    finish: &str,
) -> Kind {
    let stretch = Stretch::Pbkdf2 {
        function,
        salt: salt.to_owned(),
        finish: finish.to_owned(),
    };
    Kind::stretched(layouts, "password", stretch, rounds)
}
