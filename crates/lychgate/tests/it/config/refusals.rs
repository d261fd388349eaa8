//! The refusals, a table each.

/// One way to make a good config bad.
pub(super) struct Bad {
    /// What stands in the good config.
    pub(super) instead_of: &'static str,
    /// What is written there.
    pub(super) written: &'static str,
    /// The text in the bad config at which the error must point; empty where only the store can know.
    pub(super) at: &'static str,
    /// What must be said: the key or statement, the reason, the mend.
    pub(super) said: &'static [&'static str],
}

const fn bad(
    instead_of: &'static str,
    written: &'static str,
    at: &'static str,
    said: &'static [&'static str],
) -> Bad {
    Bad {
        instead_of,
        written,
        at,
        said,
    }
}

/// Rules that no password could keep, and a list that is not there.
pub(super) const UNFIT_RULES: [Bad; 2] = [
    bad(
        "[store]\n",
        "[passwords.rules]\nmax_length = 7\n\n[store]\n",
        "max_length = ",
        &["`passwords.rules.max_length`", "less than `min_length`"],
    ),
    bad(
        "[store]\n",
        "[passwords.rules]\nbreached_list = \"gone.txt\"\n\n[store]\n",
        "breached_list = ",
        &["`passwords.rules.breached_list`", "cannot be read"],
    ),
];

/// An audit log that could not be kept, and decoys that would be let in.
pub(super) const UNFIT_AUDIT: [Bad; 7] = [
    bad(
        "file = \"audit.jsonl\"",
        "file = \"audit.jsonl\"\nsigning_key = \"no key\"",
        "signing_key = ",
        &["`audit.signing_key`", "openssl genpkey"],
    ),
    bad(
        "file = \"audit.jsonl\"",
        "file = \"audit.jsonl\"\nsign_every = \"1m\"",
        "sign_every = ",
        &["`audit.sign_every`", "without `signing_key`"],
    ),
    bad(
        "file = \"audit.jsonl\"",
        "file = \"audit.jsonl\"\nrotate = { keep = 3 }",
        "rotate = ",
        &["`audit.rotate`", "never happens"],
    ),
    bad(
        "file = \"audit.jsonl\"",
        "rotate = { bytes = 3 }",
        "rotate = ",
        &["`audit.rotate`", "`file` names none"],
    ),
    bad(
        "file = \"audit.jsonl\"",
        "file = \"audit.jsonl\"\nsyslog = \"/dev/log\"",
        "syslog = ",
        &["`audit.syslog`", "beside `file`"],
    ),
    bad(
        "file = \"audit.jsonl\"",
        "syslog = \"tcp://192.0.2.1:601\"",
        "syslog = ",
        &["`audit.syslog`", "not a loopback address"],
    ),
    bad(
        "[store]\n",
        "[canaries]\nclients = [\"script-client\"]\n\n[store]\n",
        "\"script-client\"]\n\n",
        &["`canaries.clients[0]`", "never let in"],
    ),
];

/// A proof of possession that nothing could be held against, or that nobody asks for.
#[rustfmt::skip]
pub(super) const UNPROVABLE: [Bad; 4] = [
    bad("audience = ", "sender_constraint = \"dpop\"\naudience = ", "gateway]", &["`gateway.public_url`", "is missing", "`GATEWAY_URL`"]),
    bad(LISTEN, "public_url = \"https://gateway.example/\"\nlisten = \"127.0.0.1:0\"\nadmin", "public_url = ", &["`gateway.public_url`", "none are asked for"]),
    bad("audience = ", "sender_constraint = \"mtls\"\naudience = ", "gateway]", &["`gateway.tls`", "has no `client_ca`"]),
    bad("audience = ", "sender_constraint = \"bearer\"\naudience = ", "sender_constraint = ", &["`gateway.access_token.sender_constraint`"]),
];

const ACCESS_TOKEN: &str = "[gateway.access_token]\nissuers = [\"http://127.0.0.1:9/\"]\naudience = \"urn:legacy-identity\"\n\
                            clients = [\"script-client\"]\nalgorithms = [\"RS256\"]\n";
const ALLOWLIST: &str = "[gateway.allowlist]\nnetworks = [\"127.0.0.0/8\"]\n";
const NETWORKS: &str = "networks = [\"127.0.0.0/8\"]";
const LISTEN: &str = "listen = \"127.0.0.1:0\"\nadmin";
const LOOKUP: &str = "select id, email from users where email = :identifier\"";

/// What would leave the gateway without one of its controls.
#[rustfmt::skip]
pub(super) const MISSING_CONTROLS: [Bad; 20] = [
    bad(ACCESS_TOKEN, "", "gateway]", &["`gateway.access_token`", "never the only control", "name `issuers`"]),
    bad(ALLOWLIST, "", "gateway]", &["`gateway.allowlist`", "is missing", "name the networks"]),
    bad(NETWORKS, "", "allowlist]", &["`gateway.allowlist`", "the allowlist is empty"]),
    bad(NETWORKS, "networks = []", "allowlist]", &["`gateway.allowlist`", "the allowlist is empty"]),
    bad(NETWORKS, "networks = [\"0.0.0.0/0\"]", "allowlist]", &["every IPv4 address", "`i_accept_any_network = true`"]),
    bad(NETWORKS, "networks = [\"0.0.0.0/1\", \"128.0.0.0/1\"]", "allowlist]", &["every IPv4 address"]),
    bad(NETWORKS, "networks = [\"127.0.0.1\", \"::/0\"]", "allowlist]", &["every IPv6 address"]),
    bad(NETWORKS, "url = \"https://127.0.0.1:9/\"\nregions = [\"EU\"]", "allowlist]", &["`gateway.allowlist.cache`", "is missing"]),
    bad(NETWORKS, "url = \"http://127.0.0.1:9/\"\ncache = \"c.json\"\nregions = [\"EU\"]\nnetworks = [\"127.0.0.1\"]", "url = ", &["`gateway.allowlist.url`", "must be an `https://` URL"]),
    bad(NETWORKS, "url = \"https://127.0.0.1:9/\"\ncache = \"c.json\"", "allowlist]", &["`gateway.allowlist.regions`", "name those of your tenant"]),
    bad(NETWORKS, "networks = [\"127.0.0.1\"]\nrefresh = \"1h\"", "refresh = ", &["`gateway.allowlist.refresh`", "does nothing without `url`"]),
    bad(NETWORKS, "networks = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:9/\"\ncache = \"c.json\"\nregions = [\"EU\"]\nrefresh = \"10s\"", "refresh = ", &["`gateway.allowlist.refresh`", "at least a minute"]),
    bad("[\"script-client\"]", "[]", "clients = ", &["`gateway.access_token.clients`", "nobody could call"]),
    bad("[\"script-client\"]", "[\"*\"]", "\"*\"", &["`gateway.access_token.clients[0]`", "wildcard", "name the client id"]),
    bad("\"urn:legacy-identity\"", "\"\"", "audience = ", &["`gateway.access_token.audience`", "empty or a wildcard"]),
    bad("\"urn:legacy-identity\"", "\"*\"", "audience = ", &["`gateway.access_token.audience`", "empty or a wildcard"]),
    bad("http://127.0.0.1:9/", "http://example.com/", "\"http://example", &["`gateway.access_token.issuers[0]`", "neither https nor on loopback"]),
    bad("[\"http://127.0.0.1:9/\"]", "[]", "issuers = ", &["`gateway.access_token.issuers`", "nobody could call"]),
    bad("\"RS256\"", "\"none\"", "\"none\"", &["`gateway.access_token.algorithms[0]`", "no signature", "use RS256"]),
    bad("\"RS256\"", "\"RS256\", \"HS256\"", "\"HS256\"", &["`gateway.access_token.algorithms[1]`", "HMAC", "use RS256"]),
];

/// What would let others listen in, or would not mean what it seems to.
#[rustfmt::skip]
pub(super) const OVERHEARD_OR_MISREAD: [Bad; 18] = [
    bad(LISTEN, "listen = \"0.0.0.0:0\"\nadmin", "listen = ", &["`gateway.listen`", "not a loopback address"]),
    bad(LISTEN, "listen = \"[::]:0\"\nadmin", "listen = ", &["`gateway.listen`", "not a loopback address"]),
    bad(LISTEN, "listen = \"localhost:8443\"\nadmin", "listen = ", &["`gateway.listen`", "must be an address and a port"]),
    bad(LISTEN, "tls = \"terminated-by-trusted-proxy\"\nlisten = \"0.0.0.0:0\"\nadmin", "tls = ", &["`gateway.tls`", "`trusted_proxies` names none"]),
    bad(LISTEN, "tls = \"terminated\"\nlisten = \"0.0.0.0:0\"\nadmin", "tls = ", &["`gateway.tls`", "must be"]),
    bad(LISTEN, "client_address = \"forwarded\"\nlisten = \"127.0.0.1:0\"\nadmin", "gateway]", &["`gateway.trusted_proxies`", "is empty", "name the addresses of the proxies"]),
    bad(LISTEN, "client_address = \"x-forwarded-for\"\ntrusted_proxies = [\"0.0.0.0/0\"]\nlisten = \"127.0.0.1:0\"\nadmin", "trusted_proxies", &["`gateway.trusted_proxies`", "anyone could say who she is"]),
    bad(LISTEN, "client_address = \"proxy-protocol\"\ntrusted_proxies = [\"10.0.0.1\", \"10.0.0.1/8\"]\nlisten = \"127.0.0.1:0\"\nadmin", "\"10.0.0.1/8\"", &["`gateway.trusted_proxies[1]`", "bits set beyond its prefix"]),
    bad(LISTEN, "tls = { certificate = \"no.pem\", key = \"no.key\" }\nlisten = \"0.0.0.0:0\"\nadmin", "certificate = ", &["`gateway.tls.certificate`", "cannot be read"]),
    bad("admin_listen = \"127.0.0.1:0\"", "admin_listen = \"0.0.0.0:0\"", "admin_listen", &["`gateway.admin_listen`", "not a loopback address", "`admin_tls`"]),
    bad(LISTEN, "admin_tls = { certificate = \"no.pem\", key = \"no.key\" }\nlisten = \"127.0.0.1:0\"\nadmin", "admin_tls", &["`gateway.admin_tls.client_ca`", "is missing", "anybody could look in"]),
    bad(LISTEN, "tls = { certificate = \"no.pem\", key = \"no.key\", client_crl = \"no.crl\" }\nlisten = \"127.0.0.1:0\"\nadmin", "client_crl", &["`gateway.tls.client_crl`", "there is no `client_ca`"]),
    bad(LISTEN, "tls = { certificate = \"no.pem\", key = \"no.key\", client_ca = \"no.ca\" }\nlisten = \"127.0.0.1:0\"\nadmin", "client_ca", &["`gateway.tls.client_ca`", "cannot be read"]),
    bad(LISTEN, "trusted_proxies = [\"127.0.0.1\"]\nlisten = \"127.0.0.1:0\"\nadmin", "trusted_proxies", &["`gateway.trusted_proxies`", "remove the list"]),
    bad("audience = ", "audiance = ", "audiance", &["`gateway.access_token.audiance`", "did you mean `audience`?"]),
    bad("clients = [", "clients = \"script-client\" #", "clients = ", &["`gateway.access_token.clients`", "must be a list"]),
    bad("file = \"audit.jsonl\"", "file = \"${env:LYCHGATE_NO_SUCH_VARIABLE}\"", "file = ", &["`audit.file`", "the environment has no variable"]),
    bad("file = \"audit.jsonl\"", "file = ", "", &["lychgate.toml:27:8: string values must be quoted"]),
];

/// What does not fit an operation or its store.
#[rustfmt::skip]
pub(super) const UNFIT_STATEMENTS: [Bad; 20] = [
    bad("delete = ", "upgrade_password = \"update users set password_hash = :password_hash where email = :identifier\"\ndelete = ", "upgrade_password = ", &["`store.operations.upgrade_password`", "does not use `:old_hash`"]),
    bad("where id = :user_id", "where id = :id", "delete = ", &["`store.operations.delete`", "unknown parameter `:id`"]),
    bad("where id = :user_id", "", "delete = ", &["`store.operations.delete`", "does not use `:user_id`"]),
    bad("\"delete from users where id = :user_id\"", "\"select id from users where id = :user_id\"", "delete = ", &["`store.operations.delete`", "it must write"]),
    bad(LOOKUP, "delete from users where email = :identifier\"", "lookup = ", &["`store.operations.lookup`", "it must only read"]),
    bad(LOOKUP, "select id from users where email = :identifier; drop table users\"", "lookup = ", &["`store.operations.lookup`", "write one SQL statement"]),
    bad(LOOKUP, "select id, email, password_hash from users where email = :identifier\"", "", &["statement `lookup`", "only `authenticate` may"]),
    bad(LOOKUP, "select id, email, 1 as ssn from users where email = :identifier\"", "", &["statement `lookup`", "`ssn`", "leave it out"]),
    bad(LOOKUP, "select id, emial from users where email = :identifier\"", "", &["statement `lookup`", "the database does not accept it"]),
    bad("select id, email, password_hash from", "select id, email from", "", &["statement `authenticate`", "does not return `password_hash`"]),
    bad("lookup = \"select id, email from users where email = :identifier\"\n", "", "", &["statement `create`", "no `lookup`"]),
    bad("user_id = \"id\"", "", "", &["returns column `id`"]),
    bad("user_id = \"id\"", "user_id = \"id\"\npicture = \"avatar\"", "", &["`picture`", "`avatar`", "no statement returns"]),
    bad("url = \"sqlite:store.db\"", "url = \"sqlite:elsewhere.db\"", "", &["elsewhere.db"]),
    bad("url = \"sqlite:store.db\"", "url = \"postgres://db/legacy\"", "url = ", &["`store.url`", "names no user"]),
    bad("url = \"sqlite:store.db\"", "url = \"sqlite:store.db\"\ncredentials = [{ user = \"a\" }]", "credentials = ", &["`store.credentials`", "has no users"]),
    bad("url = \"sqlite:store.db\"", "url = \"postgres://root@db/legacy\"\ncredentials = [{ user = \"a\" }]", "url = ", &["`store.url`", "names a user"]),
    bad("url = \"sqlite:store.db\"", "url = \"postgres://db/legacy\"\ncredentials = []", "credentials = ", &["`store.credentials`", "name a user"]),
    bad("url = \"sqlite:store.db\"", "url = \"ldaps://root@db/dc=legacy\"", "url = ", &["`store.url`", "`bind_dn`"]),
    bad("file = \"audit.jsonl\"", "file = \"no/such/folder/audit.jsonl\"", "", &["the audit file", "cannot be opened"]),
];
