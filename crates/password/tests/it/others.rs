//! Other implementations, asked at this very moment: fresh hashes of passwords that nobody chose, which must open here and
//! with nothing else.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use lychgate_password::{Format, Limits, Unusable};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    string::string_regex,
    test_runner::TestRunner,
};

use crate::family::{password, pool, stored};

/// How many passwords each program is asked for.
const PASSWORDS: usize = 6;

/// Passwords of every kind that a line can hold: short ones, long ones, spaces at the ends, all of Unicode.
fn passwords() -> Vec<String> {
    let mut drawn = vec![draw("[!-~]{1,7}"), draw("[!-~]{8}"), draw("[!-~]{9,60}")];
    while drawn.len() < PASSWORDS {
        drawn.push(draw("[ -~äöüßéпарольñ€𝄞]{1,40}"));
    }
    drawn
}

fn draw(pattern: &str) -> String {
    let strategy = string_regex(pattern).unwrap();
    strategy
        .new_tree(&mut TestRunner::default())
        .unwrap()
        .current()
}

/// What a program prints, asked with a password in its environment, where no list of processes shows it.
fn ask(program: &str, arguments: &[&str], typed: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("TYPED", typed);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end_matches('\n')
        .to_owned()
}

/// What a program prints, asked with a password on its standard input.
fn tell(program: &str, arguments: &[&str], typed: &str) -> String {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end_matches('\n')
        .to_owned()
}

/// Whether a fresh hash opens with its password and not with another one.
async fn opens(format: Format, typed: &str, hash: &str) {
    opens_for(None, format, typed, hash).await;
}

async fn opens_for(user_name: Option<&str>, format: Format, typed: &str, hash: &str) {
    let pool = pool(format, Limits::default());
    let mut verdicts = Vec::new();
    // One that differs in its first character, which no format passes over.
    let other = format!("{}{typed}", if typed.starts_with('x') { 'y' } else { 'x' });
    for candidate in [typed, &other] {
        let parsed = pool.parse(&stored(hash));
        let verdict: Result<bool, Unusable> = match parsed {
            Ok(parsed) => Ok(pool
                .verify(password(candidate), user_name, parsed)
                .await
                .unwrap()),
            Err(unusable) => Err(unusable),
        };
        verdicts.push(verdict);
    }
    assert_eq!(
        verdicts,
        [Ok(true), Ok(false)],
        "{format} of {typed:?}: {hash}"
    );
}

/// A salt of crypt(3)'s characters.
fn salt(characters: usize) -> String {
    draw(&format!("[./0-9A-Za-z]{{{characters}}}"))
}

#[tokio::test]
async fn libcrypt_agrees_on_every_hash_that_it_makes() {
    for typed in passwords() {
        for (format, setting) in [
            (Format::DesCrypt, salt(2)),
            (Format::BsdiCrypt, format!("_/6..{}", salt(4))),
            (Format::Md5Crypt, format!("$1${}", salt(8))),
            (Format::Sha1Crypt, format!("$sha1$123${}", salt(8))),
            (Format::Sha256Crypt, format!("$5$rounds=1000${}", salt(16))),
            (Format::Sha512Crypt, format!("$6$rounds=1234${}", salt(9))),
            (Format::ScryptCrypt, format!("$7$46..../....{}", salt(14))),
            (Format::Yescrypt, format!("$y$j75${}", salt(16))),
            (Format::GostYescrypt, format!("$gy$j75${}", salt(16))),
            (Format::Bcrypt, format!("$2b$04${}u", salt(21))),
        ] {
            let hash = ask(
                "perl",
                &["-e", "print crypt($ENV{TYPED}, $ARGV[0])", &setting],
                &typed,
            );
            opens(format, &typed, &hash).await;
        }
    }
}

#[tokio::test]
async fn php_agrees_on_every_hash_that_it_makes() {
    let digests = [
        (Format::Md5, "md5"),
        (Format::Sha1, "sha1"),
        (Format::Sha224, "sha224"),
        (Format::Sha256, "sha256"),
        (Format::Sha384, "sha384"),
        (Format::Sha512, "sha512"),
    ];
    let hash_of =
        |code: &str| format!("$p = getenv('TYPED'); $s = bin2hex(random_bytes(8)); echo {code};");
    let mut asked = vec![
        (Format::Bcrypt, "password_hash($p, PASSWORD_BCRYPT, ['cost' => 4])".to_owned()),
        (Format::Argon2i, "password_hash($p, PASSWORD_ARGON2I, ['memory_cost' => 512, 'time_cost' => 2])".to_owned()),
        (Format::Argon2id, "password_hash($p, PASSWORD_ARGON2ID, ['memory_cost' => 512, 'time_cost' => 1, 'threads' => 2])".to_owned()),
        (Format::BcryptMd5, "password_hash(md5($p), PASSWORD_BCRYPT, ['cost' => 4])".to_owned()),
        (Format::WordpressBcrypt, "'$wp' . password_hash(base64_encode(hash_hmac('sha384', trim($p), 'wp-sha384', true)), PASSWORD_BCRYPT, ['cost' => 4])".to_owned()),
        (Format::Joomla, "md5($p . $s) . ':' . $s".to_owned()),
        (Format::Vbulletin, "md5(md5($p) . $s) . ':' . $s".to_owned()),
        (Format::Mybb, "md5(md5($s) . md5($p)) . ':' . $s".to_owned()),
        (Format::HmacSha256Salt, "hash_hmac('sha256', $p, $s) . ':' . $s".to_owned()),
        (Format::MagentoArgon2, "bin2hex(sodium_crypto_pwhash(32, $p, $s, 2, 8388608, SODIUM_CRYPTO_PWHASH_ALG_ARGON2ID13)) . \":$s:3_32_2_8388608\"".to_owned()),
        (Format::MediawikiPbkdf2Sha512, "':pbkdf2:sha512:900:64:' . base64_encode($s) . ':' . base64_encode(hash_pbkdf2('sha512', $p, $s, 900, 64, true))".to_owned()),
        (Format::DjangoPbkdf2, "'pbkdf2_sha256$901$' . $s . '$' . base64_encode(hash_pbkdf2('sha256', $p, $s, 901, 32, true))".to_owned()),
        (Format::Nt, "hash('md4', iconv('UTF-8', 'UTF-16LE', $p))".to_owned()),
    ];
    for (format, name) in digests {
        asked.push((format, format!("hash('{name}', $p)")));
    }
    for typed in passwords() {
        for (format, code) in &asked {
            opens(
                *format,
                &typed,
                &ask("php", &["-r", &hash_of(code)], &typed),
            )
            .await;
        }
    }
}

#[tokio::test]
async fn openssl_agrees_on_every_hash_that_it_makes() {
    for typed in passwords() {
        for (format, option) in [
            (Format::Md5Crypt, "-1"),
            (Format::Apr1, "-apr1"),
            (Format::Sha256Crypt, "-5"),
            (Format::Sha512Crypt, "-6"),
        ] {
            opens(
                format,
                &typed,
                &tell("openssl", &["passwd", option, "-stdin"], &typed),
            )
            .await;
        }
    }
}

#[tokio::test]
async fn slappasswd_agrees_on_every_hash_that_it_makes() {
    let file = std::env::temp_dir().join(format!("lychgate-slappasswd-{}", std::process::id()));
    let built_in = "";
    for typed in passwords() {
        std::fs::write(&file, &typed).unwrap();
        for (format, module, scheme) in [
            (Format::LdapMd5, built_in, "{MD5}"),
            (Format::LdapSmd5, built_in, "{SMD5}"),
            (Format::LdapSha, built_in, "{SHA}"),
            (Format::LdapSsha, built_in, "{SSHA}"),
            (Format::LdapSha256, "pw-sha2", "{SHA256}"),
            (Format::LdapSha384, "pw-sha2", "{SHA384}"),
            (Format::LdapSha512, "pw-sha2", "{SHA512}"),
            (Format::LdapSsha256, "pw-sha2", "{SSHA256}"),
            (Format::LdapSsha384, "pw-sha2", "{SSHA384}"),
            (Format::LdapSsha512, "pw-sha2", "{SSHA512}"),
            (Format::LdapArgon2, "argon2", "{ARGON2}"),
        ] {
            let load = format!("module-load={module}.la");
            let mut arguments = vec!["-n", "-h", scheme, "-T", file.to_str().unwrap()];
            if module != built_in {
                arguments.extend(["-o", "module-path=/usr/lib/ldap", "-o", &load]);
            }
            opens(
                format,
                &typed,
                &tell("/usr/sbin/slappasswd", &arguments, ""),
            )
            .await;
        }
    }
    std::fs::remove_file(&file).unwrap();
}

/// The address of a server that the tests were given.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set; run the tests by `cargo xtask test`, which starts the servers"
        )
    })
}

#[tokio::test]
async fn mariadb_agrees_on_the_hashes_of_its_users() {
    let url = server("LYCHGATE_TEST_MYSQL");
    let (address, _) = url.trim_start_matches("mysql://").split_once('/').unwrap();
    let (user, address) = address.split_once('@').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let client = [
        "--no-defaults",
        "--protocol=tcp",
        "--default-character-set=utf8mb4",
        "--batch",
        "--skip-column-names",
        "--user",
        user,
        "--host",
        host,
        "--port",
        port,
        "--execute",
    ];
    for typed in passwords() {
        let hexadecimal = typed
            .bytes()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        for (format, function) in [
            (Format::Mysql41, "password"),
            (Format::Mysql323, "old_password"),
        ] {
            let statement = format!("select {function}(convert(x'{hexadecimal}' using utf8mb4))");
            let arguments = [&client[..], &[&statement]].concat();
            opens(format, &typed, &tell("mariadb", &arguments, "")).await;
        }
    }
}

#[tokio::test]
async fn postgresql_agrees_on_the_hashes_of_its_roles() {
    let url = server("LYCHGATE_TEST_POSTGRES");
    for typed in passwords() {
        // SCRAM prepares some characters (RFC 4013), which is the identity on these.
        let typed = typed.chars().filter(char::is_ascii).collect::<String>() + "a";
        for (format, encryption) in [
            (Format::PostgresScram, "scram-sha-256"),
            (Format::PostgresMd5, "md5"),
        ] {
            let statements = format!(
                "begin; set local password_encryption = '{encryption}';\n\
                 select format('create role lychgate_fresh password %L', :'typed') \\gexec\n\
                 select rolpassword from pg_authid where rolname = 'lychgate_fresh'; rollback;"
            );
            let variable = format!("typed={typed}");
            let arguments = [
                &url,
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--no-psqlrc",
                "--set",
                &variable,
            ];
            let hash = tell("psql", &arguments, &statements);
            opens_for(Some("lychgate_fresh"), format, &typed, &hash).await;
        }
    }
}
