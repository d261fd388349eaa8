//! The reference: pages made from the tables that the code itself works by, so that they cannot say anything else.
//!
//! Each test compares one committed file with what is true today; `cargo xtask generate` writes them.

mod commands;
mod config;
mod defaults;
#[path = "../tests/it/support/generated.rs"]
mod generated;
mod openapi;
mod page;

use lychgate_gateway::audit::{DETAILS, EVENTS, FIELDS, Outcome, Step};
use lychgate_gateway::metrics::{METRICS, MetricKind};
use lychgate_gateway::operations::OPERATIONS;
use lychgate_gateway::problem::{PROBLEMS, TYPE_PREFIX};
use lychgate_password::{Format, Limits};

use self::generated::compare_or_write;
use self::page::{Page, code};

#[test]
fn the_generated_operations_are_up_to_date() {
    let mut page = Page::new(
        "Operations",
        "What the gateway does, and nothing else. Every operation is a `POST` with a JSON body, because an identifier \
         in a URL ends up in logs. The access token's scope must name the operation, and config must define its \
         statement; bodies and answers are described in [`openapi.json`](openapi.json).",
    );
    let rows = OPERATIONS.iter().map(|operation| {
        [
            code(operation.name),
            code(operation.path),
            code(operation.scope),
            code(operation.statement.name()),
            operation.status.as_str().to_owned(),
            operation.summary.to_owned(),
        ]
    });
    page.table(
        ["operation", "path", "scope", "statement", "status", "does"],
        rows,
    );
    let mut rows = Vec::new();
    for operation in &OPERATIONS {
        let required = operation.statement.required_parameters();
        let taken = operation.statement.parameters().iter();
        rows.push([
            code(operation.statement.name()),
            taken
                .map(|name| code(format!(":{name}")))
                .collect::<Vec<_>>()
                .join(", "),
            required
                .iter()
                .map(|group| {
                    group
                        .iter()
                        .map(|name| code(format!(":{name}")))
                        .collect::<Vec<_>>()
                        .join(" or ")
                })
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    page.heading("Parameters of the statements");
    page.text(
        "A field of the body that the statement does not take is refused with `invalid-field`.",
    );
    page.table(["statement", "may take", "must take"], rows);
    compare_or_write("docs/reference/operations.md", &page.finish());
}

#[test]
fn the_generated_problems_are_up_to_date() {
    let mut page = Page::new(
        "Problems",
        "Every answer that is not what was asked for is RFC 9457 `application/problem+json` with `type`, `title`, \
         `status`, `detail` and `request_id`. Without a good token every path answers 401. What the caller is not told \
         stands in the [audit line](audit.md) of the same `request_id`.",
    );
    page.text(&format!(
        "`type` is the name below with `{TYPE_PREFIX}` in front of it."
    ));
    let rows = PROBLEMS.iter().map(|problem| {
        [
            problem.status.as_str().to_owned(),
            code(problem.name),
            problem.title.to_owned(),
            problem.when.to_owned(),
            problem
                .retry_after
                .map_or_else(String::new, |seconds| format!("{seconds} s")),
        ]
    });
    page.table(["status", "name", "title", "when", "`Retry-After`"], rows);
    compare_or_write("docs/reference/problems.md", &page.finish());
}

#[test]
fn the_generated_checks_are_up_to_date() {
    let mut page = Page::new(
        "Checks",
        "What `lychgate check` looks for. Each finding names the check by its id, which stays what it is, and says what \
         was found and what ends it; where that is SQL, it can be run as it stands. `--fail-on` says from which severity \
         on the exit status is 1.",
    );
    let rows = crate::commands::check::table::all()
        .into_iter()
        .map(|check| {
            [
                code(check.id),
                check.severity.name().to_owned(),
                check.title.to_owned(),
                check.why.to_owned(),
            ]
        });
    page.table(["id", "severity", "finds that", "why it matters"], rows);
    compare_or_write("docs/reference/checks.md", &page.finish());
}

#[test]
fn the_generated_attacks_are_up_to_date() {
    let mut page = Page::new(
        "Attacks",
        "What `lychgate attack` plays, in this order. Each is reported by its id, which stays what it is, as blocked, open \
         or not tried, with what was seen; one that is open makes the exit status 1.",
    );
    let rows = crate::attack::all().into_iter().map(|attack| {
        [
            code(attack.id),
            attack.severity.name().to_owned(),
            attack.what.to_owned(),
            attack.expected.to_owned(),
        ]
    });
    page.table(["id", "severity", "tries", "expected"], rows);
    compare_or_write("docs/reference/attacks.md", &page.finish());
}

#[test]
fn the_generated_metrics_are_up_to_date() {
    let mut page = Page::new(
        "Metrics",
        "`/metrics` of the admin listener, in the text format that Prometheus reads. Labels come from closed sets: \
         operations, [problems](problems.md), configured issuers.",
    );
    let rows = METRICS.iter().map(|metric| {
        let (suffix, kind) = match metric.kind {
            MetricKind::Counter => ("_total", "counter"),
            MetricKind::Gauge => ("", "gauge"),
            MetricKind::Histogram => ("", "histogram"),
        };
        [
            code(format!("{}{suffix}", metric.name)),
            kind.to_owned(),
            metric
                .labels
                .iter()
                .map(|label| code(*label))
                .collect::<Vec<_>>()
                .join(", "),
            metric.help.to_owned(),
        ]
    });
    page.table(["name", "kind", "labels", "what"], rows);
    compare_or_write("docs/reference/metrics.md", &page.finish());
}

#[test]
fn the_generated_audit_page_is_up_to_date() {
    let mut page = Page::new(
        "Audit",
        "One JSON line for each answer, each refused connection, each rewritten hash and each unlock, two for each session of the native interface, and what the log says of itself. There is no field for a password, a hash, a token \
         or a plain identifier; a request whose line cannot be written is not answered. Lines are a chain, which \
         [`lychgate audit verify`](../how-to/audit.md) proves.",
    );
    page.heading("Fields");
    page.text("In this order. A field that does not apply is left out.");
    page.table(
        ["field", "what"],
        FIELDS
            .iter()
            .map(|(name, what)| [code(*name), (*what).to_owned()]),
    );
    page.heading("Detail");
    page.text("What `lychgate explain` tells of a request, in `detail`.");
    page.table(
        ["field", "what"],
        DETAILS
            .iter()
            .map(|(name, what)| [code(*name), (*what).to_owned()]),
    );
    page.heading("Events");
    page.table(
        ["event", "when"],
        EVENTS
            .iter()
            .map(|(name, when)| [code(*name), (*when).to_owned()]),
    );
    page.heading("Steps");
    page.text("The way of a request. The step of a line is the one that decided.");
    let steps = Step::ALL.into_iter();
    page.table(
        ["step", "decides"],
        steps.map(|step| [code(step.name()), step.decides().to_owned()]),
    );
    page.heading("Outcomes");
    page.text("One of these, or the name of a [problem](problems.md).");
    let outcomes = Outcome::ALL.into_iter();
    page.table(
        ["outcome", "says"],
        outcomes.map(|outcome| [code(outcome.name()), outcome.says().to_owned()]),
    );
    compare_or_write("docs/reference/audit.md", &page.finish());
}

#[test]
fn the_generated_password_formats_are_up_to_date() {
    let mut page = Page::new(
        "Password formats",
        "What a stored hash may be. `[passwords] accept` names the formats that may log in, `write` the one of new \
         hashes. A hash that asks for more work than the limits is refused before any of it.",
    );
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let rows = Format::ALL.map(|format| {
        let needs = match (format.needs_user_name(), format.needs_pepper()) {
            (true, _) => "the user's name",
            (_, true) => "a pepper",
            _ => "",
        };
        [
            code(format.name()),
            format.description().to_owned(),
            yes_or_no(format.is_weak()),
            needs.to_owned(),
            yes_or_no(format.is_writable()),
            format.default_cost().to_string(),
        ]
    });
    page.table(
        [
            "format",
            "what it is",
            "weak",
            "needs",
            "written",
            "cost of a decoy",
        ],
        rows,
    );
    page.text(
        "Weak formats are accepted only where `accept` names them. What of two formats one hash may be is not accepted \
         together: accept one of them, or let the statement put a prefix before its hashes and declare that as a format.",
    );
    page.text(
        "Spring's DelegatingPasswordEncoder puts an id before each hash: accept the `spring-…` formats of the ids that \
         your rows begin with, all at once if need be, and `ldap-argon2` for `{argon2}`; rows of before it are `bcrypt`. \
         A salt, an algorithm or iterations in columns of their own are put together by the statement: see \
         [hashes in several columns](../how-to/hashes-in-columns.md). Which software each format was verified against \
         stands in [the table of vectors](password-vectors.md); what a hash of yours is, \
         [`lychgate password identify`](commands.md) says.",
    );
    page.heading("Not read, and why");
    page.table(["what", "why"], not_read());
    page.heading("A format of one's own");
    page.text(
        "A format of one's own is declared in `[[passwords.formats]]`: how hashes are laid out (`stored`, such as \
         `{digest:hex}:{salt}`) and an expression for the digest. It knows `password`, `salt`, `user` and `pepper`, texts \
         in single quotes, `+`, the functions `md4`, `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`, each also as \
         `hmac_…(key, message)`, and the encodings `hex`, `HEX`, `base64`, `utf16le`, `latin1`, `upper`, `lower` and \
         `trim`. Further rounds are `again`, an expression over the `digest` before, or `pbkdf2`. Fields of a layout are \
         encoded as `hex`, `base64`, `base64-no-padding`, `base64-crypt` or `base64-adapted`, or are a `word`; `{digest+salt:base64}` are \
         two in one, `{salt[16]:hex}` has a length in bytes, `{{` is a brace and `{$}` a dollar. Or it is `like` another format, after a \
         `prefix`, over a `password` such as `hex(md5(password))`.",
    );
    page.heading("Limits");
    page.table(
        ["parameter", "at most"],
        limits_of_hashes().map(|(what, most)| [what.to_owned(), most]),
    );
    page.text(
        "An unknown user costs what a known one does: the work is done against a decoy, whose format and cost are \
         chosen over the store's own mix (`[passwords.decoy]`).",
    );
    compare_or_write("docs/reference/password-formats.md", &page.finish());
}

/// What legacy stores hold beside these, and the reason why no hash of it opens an account.
fn not_read() -> [[String; 2]; 8] {
    [
        [
            "`{CLEARTEXT}`, `{noop}`, a password as it is",
            "Whoever reads the store has every password. Hash the column first; then it is a format like any other.",
        ],
        [
            "`{SASL}user@realm`, `{KERBEROS}`, `{UNIX}`",
            "No hash, but the address of another service that knows the password. Point the connection at that service.",
        ],
        [
            "passwords that are encrypted, such as format 2 of ASP.NET Membership",
            "Decryption would give the password itself to the gateway. Export and hash them with the software that has the key.",
        ],
        [
            "LM hashes of Windows, BCODE (CODVN B) of SAP",
            "Two halves of seven characters in upper case, or eight bytes in an alphabet of their own: beside each there usually stands a \
             better hash, `nt` or `sap-issha`, in the same row.",
        ],
        [
            "`$md5$` of Solaris, `$sm3$`",
            "Found in `/etc/shadow` of their systems, in no application's table that we know of.",
        ],
        [
            "`$2x$` of bcrypt, `$2$`",
            "Made by a library with a bug that drops bits of a password; `$2x$` marks what must be changed.",
        ],
        [
            "RIPEMD-160, Whirlpool, MDC-2, SHA-3, BLAKE2",
            "Rare as bare hashes of passwords, and each is another function to keep. Ask for the one that you have.",
        ],
        [
            "a pre-hash that the application keeps to itself",
            "Declare it: `like` another format, over `password` such as `hex(sha256(password + pepper))`.",
        ],
    ]
    .map(|row| row.map(str::to_owned))
}

/// What a stored hash may ask for, by default.
fn limits_of_hashes() -> [(&'static str, String); 10] {
    let limits = Limits::default();
    [
        ("memory", format!("{} KiB", limits.memory_kib)),
        ("passes of Argon2", limits.argon2_passes.to_string()),
        (
            "memory of scrypt, over all lanes",
            format!("{} KiB", limits.scrypt_kib),
        ),
        (
            "lanes of Argon2, scrypt and yescrypt",
            limits.lanes.to_string(),
        ),
        (
            "log₂ of the rounds of bcrypt",
            limits.bcrypt_cost.to_string(),
        ),
        (
            "log₂ of the rounds of phpass",
            limits.phpass_log2_rounds.to_string(),
        ),
        ("iterations of PBKDF2", limits.pbkdf2_iterations.to_string()),
        (
            "rounds of crypt(3) by SHA-1 and SHA-2",
            limits.sha_crypt_rounds.to_string(),
        ),
        (
            "rounds of crypt(3) by DES",
            limits.des_crypt_rounds.to_string(),
        ),
        (
            "rounds of an expression",
            limits.expression_rounds.to_string(),
        ),
    ]
}
