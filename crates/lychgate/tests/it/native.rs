//! The native interface, with the clients that people have, before the servers that they have.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::serve::{change_config, folder, write};
use crate::support::{Database, Kind, Serve};

/// How long a client may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The password of the database's user, who is called as the database is.
const PASSWORD: &str = "native-password-canary";

/// A gateway with one door, and the database behind it.
struct World {
    folder: TempDir,
    database: Database,
    serve: Serve,
    port: String,
}

impl World {
    /// A door in front of a database of its own; `more` is said of the door, too.
    async fn start(kind: Kind, more: &str) -> Self {
        let folder = folder("https://issuer.example/").await;
        let database = Database::new(kind, folder.path()).await;
        make_user(&database).await;
        certificates(folder.path());
        let (scheme, rest) = database.url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        let ca = certificate_of_the_servers();
        let door = format!(
            "[[native]]\nlisten = \"127.0.0.1:0\"\n\
             upstream = \"{scheme}://{place}?sslmode=verify-full&sslrootcert={ca}\"\n\
             tls = {{ certificate = \"door.pem\", key = \"door.key\", client_ca = \"ca.pem\" }}\n\
             users = [\"{}\"]\n{more}\n\n[audit]",
            database.name
        );
        change_config(folder.path(), "[audit]", &door);
        let serve = Serve::start(folder.path()).await;
        let line = serve.said("native interface listens on ").await;
        let port = line.rsplit(':').next().unwrap().trim().to_owned();
        Self {
            folder,
            database,
            serve,
            port,
        }
    }

    /// What the client of the database says to `sql`, as this user in this database, with or without the certificate.
    async fn ask(&self, who: Who<'_>, sql: &str) -> Output {
        let mut command = match self.database.kind {
            Kind::Mysql => self.mariadb(who, sql),
            Kind::Postgres | Kind::Sqlite => self.psql(who, sql),
        };
        command.current_dir(self.folder.path()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        output.expect("the client hangs").unwrap()
    }

    fn psql(&self, who: Who<'_>, sql: &str) -> Command {
        let tls = match who.way {
            Way::Certified => {
                "sslmode=verify-full sslrootcert=ca.pem sslcert=client.pem sslkey=client.key"
            }
            Way::Uncertified => "sslmode=verify-full sslrootcert=ca.pem sslcert=none sslkey=none",
            Way::Plain => "sslmode=disable",
        };
        let place = format!(
            "host=localhost port={} user={} dbname={} channel_binding=disable {tls} {}",
            self.port, who.user, who.database, who.more
        );
        let mut command = Command::new("psql");
        command
            .args(["--no-psqlrc", "-At", "-c", sql, &place])
            .env("PGPASSWORD", PASSWORD)
            .env("HOME", self.folder.path());
        command
    }

    fn mariadb(&self, who: Who<'_>, sql: &str) -> Command {
        let mut command = Command::new("mariadb");
        let port = format!("--port={}", self.port);
        let user = format!("--user={}", who.user);
        command.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", &port]);
        command.args([&user, "--skip-column-names", "--batch", "--execute", sql]);
        match who.way {
            Way::Certified => {
                command.args(["--ssl-ca=ca.pem", "--ssl-cert=client.pem"]);
                command.arg("--ssl-key=client.key");
            }
            Way::Uncertified => {
                command.arg("--ssl-ca=ca.pem");
            }
            Way::Plain => {
                command.arg("--skip-ssl");
            }
        }
        command.args(who.more.split_whitespace());
        command.arg(who.database).env("MYSQL_PWD", PASSWORD);
        command
    }

    fn right(&self) -> Who<'_> {
        Who {
            user: &self.database.name,
            database: &self.database.name,
            way: Way::Certified,
            more: "",
        }
    }

    /// The audit lines about sessions, once there are so many.
    async fn lines(&self, count: usize) -> Vec<Value> {
        let file = self.folder.path().join("audit.jsonl");
        let written = async {
            loop {
                let text = std::fs::read_to_string(&file).unwrap();
                // The last one may be half-way to the file.
                let lines = text
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                let lines: Vec<Value> = lines
                    .filter(|line: &Value| line["event"] == "native-session")
                    .collect();
                if lines.len() >= count {
                    return lines;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let lines = tokio::time::timeout(PATIENCE, written).await;
        lines.expect("the lines do not come")
    }
}

#[tokio::test]
async fn a_door_takes_other_certificates_and_another_authority_without_a_restart() {
    let world = World::start(Kind::Postgres, "").await;
    assert!(world.ask(world.right(), "select 1").await.status.success());
    certificates(world.folder.path());
    let taken = async {
        while !world.ask(world.right(), "select 1").await.status.success() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let taken = tokio::time::timeout(PATIENCE, taken).await;
    assert!(taken.is_ok(), "the new certificates are not taken");
    assert!(!world.serve.said_so_far().contains("needs a restart"));
}

/// As whom, where to, and how.
#[derive(Clone, Copy)]
struct Who<'a> {
    user: &'a str,
    database: &'a str,
    way: Way,
    /// What else the client is told.
    more: &'a str,
}

#[derive(Clone, Copy)]
enum Way {
    Certified,
    Uncertified,
    Plain,
}

async fn make_user(database: &Database) {
    let name = &database.name;
    let sql = match database.kind {
        Kind::Mysql => format!(
            "create user {name}@'127.0.0.1' identified by '{PASSWORD}'; \
             grant all on {name}.* to {name}@'127.0.0.1'; grant all on lychgate.* to {name}@'127.0.0.1'"
        ),
        Kind::Postgres | Kind::Sqlite => format!("create role {name} login password '{PASSWORD}'"),
    };
    database.run(&sql).await;
}

/// An authority, and below it a certificate of the door and one of a client.
fn certificates(folder: &Path) {
    let mut params = named(Vec::new(), "the authority of the scripts");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(folder, "ca.pem", &authority.pem());
    for (name, usage) in [
        ("door", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = named(names, name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        write(folder, &format!("{name}.pem"), &certificate.pem());
        write(folder, &format!("{name}.key"), &key.serialize_pem());
    }
    // PostgreSQL's client takes no key that others may read.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.join("client.key"), mode).unwrap();
}

/// OpenSSL takes what is called like its issuer for its own issuer.
fn named(addresses: Vec<String>, name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(addresses).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
fn certificate_of_the_servers() -> String {
    std::env::var("LYCHGATE_TEST_CA").expect("the servers are running")
}

fn said(output: &Output) -> (bool, String) {
    let text = if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    };
    (
        output.status.success(),
        String::from_utf8_lossy(text).trim().to_owned(),
    )
}

/// That a session is refused, with these words, and the line of it with this reason.
async fn is_refused(world: &World, who: Who<'_>, words: &str, reason: &str) {
    let before = world.lines(0).await.len();
    let (is_in, text) = said(&world.ask(who, "select 1").await);
    assert!(!is_in && text.contains(words), "{reason}: {text}");
    let line = world.lines(before + 1).await.pop().unwrap();
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"refused".into(), &reason.into()),
        "{line}"
    );
    assert!(!line.to_string().contains("nobody-we-know"), "{line}");
}

async fn whoever_has_certificate_user_and_database_gets_in_and_nobody_else(
    kind: Kind,
    question: &str,
    (no_certificate, no_tls, refused): (&str, &str, &str),
) {
    let world = World::start(kind, "").await;
    let (is_in, text) = said(&world.ask(world.right(), question).await);
    assert!(is_in, "{text}");
    assert_eq!(text, world.database.name, "the server's own word");
    let lines = world.lines(2).await;
    let name = Value::from(world.database.name.as_str());
    for (line, outcome) in lines.iter().zip(["opened", "closed"]) {
        assert_eq!(line["outcome"], outcome);
        assert_eq!((&line["user"], &line["database"]), (&name, &name));
        assert_eq!(line["certificate"].as_str().unwrap().len(), 64);
        assert_eq!(line["address"], "127.0.0.1");
        assert_eq!(line["request_id"], lines[0]["request_id"]);
    }
    assert!(lines[1]["bytes_from_client"].as_u64().unwrap() > 20);
    assert!(lines[1]["bytes_from_server"].as_u64().unwrap() > 20);

    let right = world.right();
    let way = |way| Who { way, ..right };
    is_refused(
        &world,
        way(Way::Uncertified),
        no_certificate,
        "no-certificate",
    )
    .await;
    is_refused(&world, way(Way::Plain), no_tls, "no-tls").await;
    let user = Who {
        user: "nobody-we-know",
        ..right
    };
    is_refused(&world, user, refused, "user-not-allowed").await;
    let database = Who {
        database: "nobody-we-know",
        ..right
    };
    is_refused(&world, database, refused, "database-not-allowed").await;

    let audit = std::fs::read_to_string(world.folder.path().join("audit.jsonl")).unwrap();
    assert!(!audit.contains(PASSWORD) && !audit.contains(question));
    assert_eq!(world.serve.stop().await.0, Some(0));
}

#[tokio::test]
async fn in_postgres_whoever_has_certificate_user_and_database_gets_in_and_nobody_else() {
    let words = (
        "certificate required",
        "TLS and a client certificate",
        "not reached by this way",
    );
    let question = "select current_user where current_user = current_database() \
                    and (select ssl from pg_stat_ssl where pid = pg_backend_pid())";
    whoever_has_certificate_user_and_database_gets_in_and_nobody_else(
        Kind::Postgres,
        question,
        words,
    )
    .await;
}

#[tokio::test]
async fn in_mysql_whoever_has_certificate_user_and_database_gets_in_and_nobody_else() {
    let words = (
        "certificate required",
        "TLS and a client certificate",
        "not one that is passed on",
    );
    let question = "select database() where current_user() = concat(database(), '@127.0.0.1') \
                    and (select variable_value from information_schema.session_status \
                         where variable_name = 'Ssl_version') like 'TLS%'";
    whoever_has_certificate_user_and_database_gets_in_and_nobody_else(Kind::Mysql, question, words)
        .await;
}

#[tokio::test]
async fn a_stream_of_replication_and_a_wrong_password_get_no_session() {
    let world = World::start(Kind::Postgres, "").await;
    let replication = Who {
        more: "replication=database",
        ..world.right()
    };
    is_refused(
        &world,
        replication,
        "not one that is passed on",
        "replication",
    )
    .await;
    let mut wrong = world.psql(world.right(), "select 1");
    wrong
        .env("PGPASSWORD", "wrong")
        .current_dir(world.folder.path());
    let (is_in, text) = said(&wrong.output().await.unwrap());
    assert!(
        !is_in && text.contains("password authentication failed"),
        "{text}"
    );
}

#[tokio::test]
async fn in_mysql_another_database_and_another_user_end_the_session() {
    let world = World::start(Kind::Mysql, "").await;
    let use_own = format!("use {}; select 1", world.database.name);
    assert_eq!(
        said(&world.ask(world.right(), &use_own).await),
        (true, "1".to_owned())
    );
    let (is_in, text) = said(&world.ask(world.right(), "use lychgate; select 1").await);
    assert!(!is_in, "{text}");
    let line = world.lines(4).await.pop().unwrap();
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"closed".into(), &"command-not-allowed".into())
    );
}

#[tokio::test]
async fn a_session_that_says_too_much_or_nothing_is_ended_and_one_too_many_is_closed() {
    let more = "session_mib = 1\nidle = \"3s\"\nconnections = 2";
    let world = World::start(Kind::Postgres, more).await;
    let much = "select repeat('x', 2 * 1024 * 1024)";
    let (is_in, _) = said(&world.ask(world.right(), much).await);
    assert!(!is_in, "more than a session may hear");
    let line = world.lines(2).await.pop().unwrap();
    assert_eq!(line["reason"], "too-many-bytes");

    let (is_in, _) = said(&world.ask(world.right(), "select pg_sleep(30)").await);
    assert!(!is_in, "nothing was said for too long");
    let line = world.lines(4).await.pop().unwrap();
    assert_eq!(line["reason"], "idle");

    let address = format!("127.0.0.1:{}", world.port);
    let mut held = Vec::new();
    let closed = async {
        loop {
            let next = TcpStream::connect(&address).await.unwrap();
            let read = tokio::time::timeout(Duration::from_millis(200), next.readable()).await;
            if read.is_ok() && matches!(next.try_read(&mut [0]), Ok(0) | Err(_)) {
                return;
            }
            held.push(next);
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("one too many is closed");
}

#[tokio::test]
async fn a_door_without_client_certificates_does_not_open_and_a_stranger_is_not_greeted() {
    let world = World::start(Kind::Mysql, "").await;
    let allowed = "networks = [\"127.0.0.0/8\"]";
    let config = std::fs::read_to_string(world.folder.path().join("lychgate.toml")).unwrap();
    drop(world.serve);
    let elsewhere = config.replace(allowed, "networks = [\"203.0.113.0/24\"]");
    write(world.folder.path(), "lychgate.toml", &elsewhere);
    let serve = Serve::start(world.folder.path()).await;
    let line = serve.said("native interface listens on ").await;
    let address = line.rsplit("listens on ").next().unwrap().trim().to_owned();
    let stranger = TcpStream::connect(&address).await.unwrap();
    let greeting = async {
        stranger.readable().await.unwrap();
        stranger.try_read(&mut [0])
    };
    let greeting = tokio::time::timeout(PATIENCE, greeting).await.unwrap();
    assert!(
        matches!(greeting, Ok(0) | Err(_)),
        "not a byte: {greeting:?}"
    );
    drop(serve);

    let bare = config.replace(", client_ca = \"ca.pem\"", "");
    assert_ne!(bare, config);
    write(world.folder.path(), "lychgate.toml", &bare);
    let output = crate::support::lychgate(world.folder.path(), &["serve"])
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("`native[0].tls.client_ca`"), "{errors}");
}
