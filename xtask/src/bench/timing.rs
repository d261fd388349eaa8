//! Refused logins: whether their time tells an unknown user, a wrong password and a disabled account apart.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::peers::{self, Peer};
use super::report::{self, Goal};
use super::scene::{PASSWORD, Scene, USERS, built, fill_with};
use crate::command::output;

/// Beyond it two means differ by more than chance, as leakage assessments have it.
const GOAL: f64 = 4.5;

/// The hash of the password of them all, as salted SHA-1: so cheap that all else shows.
const SSHA: &str = "{SSHA}4oYjUMqV0V66EZo/6Z1LRSdv8zYAESIzRFVmdw==";

/// Users from this number on are disabled.
const DISABLED_FROM: u32 = USERS / 5 * 4 + 1;

/// A store whose hashes are of these formats.
struct Store {
    name: &'static str,
    column: &'static str,
    decoy: &'static str,
    samples: u32,
}

const STORES: [Store; 3] = [
    Store {
        name: "`ldap-ssha`, a cheap format",
        column: "ssha_hash",
        decoy: "ldap-ssha = 1",
        samples: 100_000,
    },
    Store {
        name: "`argon2id`, the default",
        column: "argon2id_hash",
        decoy: "argon2id = 1",
        samples: 4_000,
    },
    Store {
        name: "mixed: half of each",
        column: "mixed_hash",
        decoy: "ldap-ssha = 1, argon2id = 1",
        samples: 4_000,
    },
];

#[derive(Deserialize)]
struct Pair {
    one: String,
    other: String,
    t: f64,
    t_of_the_faster: f64,
    difference_us: f64,
}

#[derive(Deserialize)]
struct Measured {
    samples: u64,
    p50_us: f64,
    pairs: Vec<Pair>,
}

/// Asks each store so many times; `quick` a twentieth of that.
pub(super) fn run(scene: &Scene, quick: bool) -> Result<String> {
    fill_with(&scene.store, &users())?;
    let mut all = Vec::new();
    for store in &STORES {
        let samples = if quick {
            store.samples / 20
        } else {
            store.samples
        };
        eprintln!("{samples} refused logins of {}", store.name);
        let peer = gateway(scene, store)?;
        all.push((store, measure(scene, &peer, samples)?));
    }
    page(scene, &all)
}

/// The same users as elsewhere, with names of one length, one in five disabled.
fn users() -> Vec<String> {
    vec![
        format!(
            "create table timed_users as select id, 'user' || lpad(id::text, 6, '0') || '@example.com' as email,
                id >= {DISABLED_FROM} as blocked, '{SSHA}' as ssha_hash, argon2id_hash,
                case when id % 2 = 0 then '{SSHA}' else argon2id_hash end as mixed_hash from users"
        ),
        "create unique index on timed_users (lower(email))".to_owned(),
        "vacuum analyze timed_users".to_owned(),
    ]
}

fn gateway(scene: &Scene, store: &Store) -> Result<Peer> {
    let Store { column, decoy, .. } = store;
    let sections = format!(
        r#"[gateway.lockout]
failures = 100000

[store.operations]
authenticate = "select id, email, blocked, {column} as password_hash from timed_users where lower(email) = :identifier"

[passwords]
accept = ["ldap-ssha", "argon2id"]
decoy = {{ {decoy} }}
"#
    );
    peers::gateway(scene, "Lychgate", &scene.cores.gateways, &sections)
}

fn measure(scene: &Scene, peer: &Peer, samples: u32) -> Result<Measured> {
    let said = output(
        "taskset",
        &[
            "--cpu-list",
            &scene.cores.others,
            &built("lychgate-bench"),
            "timing",
            &peer.address,
            "--token",
            &scene.token.display().to_string(),
            "--samples",
            &samples.to_string(),
            "--users",
            &USERS.to_string(),
            "--disabled-from",
            &DISABLED_FROM.to_string(),
            "--password",
            PASSWORD,
        ],
    )?;
    serde_json::from_str(&said).context("the measurement says something new")
}

fn page(scene: &Scene, all: &[(&Store, Measured)]) -> Result<String> {
    let head = [
        "",
        "between",
        "logins",
        "p50, ms",
        "difference of means, µs",
        "Welch's t",
        "t of the faster nine tenths",
    ];
    let rows = all.iter().flat_map(|(store, measured)| {
        measured.pairs.iter().map(|pair| {
            vec![
                store.name.to_owned(),
                format!("{}, {}", pair.one, pair.other),
                report::thousands(measured.samples),
                report::milliseconds(measured.p50_us),
                report::tenths(pair.difference_us),
                report::ratio(pair.t),
                report::ratio(pair.t_of_the_faster),
            ]
        })
    });
    let of_pairs = all.iter().flat_map(|(_, measured)| &measured.pairs);
    let greatest = of_pairs.fold(0.0, |most: f64, pair| {
        most.max(pair.t.abs()).max(pair.t_of_the_faster.abs())
    });
    let goal = Goal {
        what: "Welch's t between any two of them, without its sign",
        wanted: GOAL,
        at_most: true,
        found: greatest,
    };
    Ok(format!(
        "## Refused logins, by their time\n\n{}\n\n\
         An unknown user, a wrong password and a disabled account, in random order over one connection, each a user picked at \
         random; every answer is the same to the byte. Beyond a t of about {GOAL}, either way, two of them can be told apart. \
         With one who asks at a time there is little noise to hide in.\n\n{}\n{}\n",
        scene.machine()?,
        report::table(&head, rows),
        goal.line()
    ))
}
