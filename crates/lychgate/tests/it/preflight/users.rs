//! Users of a store that nobody has looked after: each line is one trouble, or makes another's.

/// A bcrypt hash, a phpass one, and one of nothing that is known.
pub(super) const HASHES: [&str; 3] = [
    "$2b$10$N9qo8uLOickgx2ZMRZoMyehtJ/whDdsI.d1w/JqKiOrDw8pCT0JLG",
    "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
    "canary-of-nothing",
];

/// The users as rows of SQL.
pub(super) fn rows() -> Vec<String> {
    let [bcrypt, phpass, unknown] = HASHES.map(|hash| format!("'{hash}'"));
    let rows = USERS.iter().enumerate().map(|(number, user)| {
        let mut user = user.map(str::to_owned);
        if user[0].is_empty() {
            user[0] = format!("'canary-{number}'");
        }
        let row = format!("({})", user.join(", "));
        row.replace("BCRYPT", &bcrypt)
            .replace("PHPASS", &phpass)
            .replace("UNKNOWN", &unknown)
            .replace("LONG_HASH", &"h".repeat(1025))
            .replace("LONG_KEY", &"k".repeat(129))
            .replace("LONG_NAME", &"c".repeat(250))
    });
    rows.collect()
}

/// Key, address, username, hash, as SQL; a key that is left out is made of the row's number.
const USERS: [[&str; 4]; 33] = [
    // Two to the letter, one more by case: three who share an address.
    ["", "'canary.dup@example.com'", "'one'", "BCRYPT"],
    ["", "'canary.dup@example.com'", "'two'", "BCRYPT"],
    ["", "'Canary.Dup@example.com'", "'three'", "BCRYPT"],
    // Two by composition, two by spaces.
    ["", "'canary.zoë@example.com'", "'four'", "BCRYPT"],
    ["", "'canary.zoe\u{308}@example.com'", "'five'", "BCRYPT"],
    ["", "'canary.space@example.com'", "'six'", "BCRYPT"],
    ["", "' canary.space@example.com'", "'seven'", "BCRYPT"],
    // A username that is somebody else's address, and one that is one's own.
    [
        "",
        "'canary.victim@example.com'",
        "'canary.own@example.com'",
        "PHPASS",
    ],
    [
        "",
        "'canary.own@example.com'",
        "'Canary.Victim@example.com'",
        "PHPASS",
    ],
    [
        "",
        "'canary.self@example.com'",
        "'canary.self@example.com'",
        "PHPASS",
    ],
    // Usernames by case, and one that the platform does not take.
    ["", "'canary.a@example.com'", "'Canary'", "PHPASS"],
    ["", "'canary.b@example.com'", "'canary'", "PHPASS"],
    ["", "'canary.c@example.com'", "'can ary'", "PHPASS"],
    // Addresses that are none.
    ["", "'canary-without-at'", "'eight'", "BCRYPT"],
    ["", "'can ary@example.com'", "'nine'", "BCRYPT"],
    ["", "'LONG_NAME@example.com'", "'ten'", "BCRYPT"],
    ["", "'canary@localhost'", "'eleven'", "BCRYPT"],
    ["", "null", "'twelve'", "BCRYPT"],
    ["", "''", "null", "BCRYPT"],
    // Hashes that let nobody in.
    ["", "'canary.d@example.com'", "'thirteen'", "null"],
    ["", "'canary.e@example.com'", "'fourteen'", "''"],
    ["", "'canary.f@example.com'", "'fifteen'", "'!'"],
    ["", "'canary.g@example.com'", "'sixteen'", "UNKNOWN"],
    ["", "'canary.h@example.com'", "'seventeen'", "'LONG_HASH'"],
    // Keys that are none, or not for ever.
    ["null", "'canary.i@example.com'", "'eighteen'", "BCRYPT"],
    ["''", "'canary.j@example.com'", "'nineteen'", "BCRYPT"],
    [
        "'canary.k@example.com'",
        "'canary.k@example.com'",
        "'twenty'",
        "BCRYPT",
    ],
    ["'canary-same'", "'canary.l@example.com'", "'t1'", "BCRYPT"],
    ["'canary-same'", "'canary.m@example.com'", "'t2'", "BCRYPT"],
    ["'Canary-Same'", "'canary.n@example.com'", "'t3'", "BCRYPT"],
    ["'canary|pipe'", "'canary.o@example.com'", "'t4'", "BCRYPT"],
    ["'LONG_KEY'", "'canary.p@example.com'", "'t5'", "BCRYPT"],
    [
        "' canary-space'",
        "'canary.q@example.com'",
        "'t6'",
        "BCRYPT",
    ],
];
