//! `lychgate export allowlist`, read back by those whom it is written for.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::serve::{change_config, folder};
use crate::support::{Database, Kind, lychgate};

const NETWORKS: &str = r#"networks = ["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"]"#;

/// A folder whose config has networks of both families and a port of its own.
async fn with_networks() -> tempfile::TempDir {
    let folder = folder("https://issuer.example/").await;
    change_config(folder.path(), r#"networks = ["127.0.0.0/8"]"#, NETWORKS);
    let listen = "\nlisten = \"127.0.0.1:0\"";
    change_config(folder.path(), listen, "\nlisten = \"127.0.0.1:8443\"");
    folder
}

async fn exported(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["export", "allowlist", "--form"], arguments].concat();
    let output = lychgate(folder, &arguments).output().await.unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[tokio::test]
async fn nft_takes_the_table_and_it_replaces_the_one_before() {
    let folder = with_networks().await;
    let (status, table) = exported(folder.path(), &["nftables"]).await;
    assert_eq!(status, Some(0));
    // In a network of its own, so that the tests' machine keeps its rules; the second time it replaces the first.
    let script = "nft -f - && nft -f table && nft -j list table inet lychgate";
    std::fs::write(folder.path().join("table"), &table).unwrap();
    let mut nft = Command::new("unshare");
    nft.args(["--user", "--map-root-user", "--net", "sh", "-c", script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut nft = nft.spawn().unwrap();
    let mut input = nft.stdin.take().unwrap();
    input.write_all(table.as_bytes()).await.unwrap();
    drop(input);
    let output = nft.wait_with_output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{table}");
    let listed = String::from_utf8(output.stdout).unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let parts = listed["nftables"].as_array().unwrap();
    let of = |kind: &str| parts.iter().filter(|part| part[kind].is_object()).count();
    assert_eq!((of("set"), of("chain"), of("rule")), (2, 1, 3));
}

#[tokio::test]
async fn postgres_reads_the_lines_as_they_are_meant() {
    let folder = with_networks().await;
    let database = Database::new(Kind::Postgres, folder.path()).await;
    let named = ["--user", "scripts", "--user", "all", "--database", "legacy"];
    let (status, lines) = exported(folder.path(), &[&["pg_hba"], &named[..]].concat()).await;
    assert_eq!(status, Some(0));

    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let before: String = sqlx::query_scalar("select pg_read_file(current_setting('hba_file'))")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    write_hba(&mut connection, &format!("{lines}{before}")).await;
    let ours = i32::try_from(lines.lines().count()).unwrap();
    let read = sqlx::query(
        "select type, database::text, user_name::text, address, netmask, auth_method, options::text, error \
         from pg_hba_file_rules where line_number <= $1 order by line_number",
    )
    .bind(ours)
    .fetch_all(&mut connection)
    .await;
    write_hba(&mut connection, &before).await;

    let rules: Vec<Vec<Option<String>>> = read
        .unwrap()
        .iter()
        .map(|row| (0..8).map(|column| row.get(column)).collect())
        .collect();
    let hosts = [
        ("198.51.100.7", "255.255.255.255"),
        ("203.0.113.0", "255.255.255.0"),
        ("2001:db8::", "ffff:ffff::"),
    ];
    let some = |text: &str| Some(text.to_owned());
    let mut expected: Vec<Vec<Option<String>>> = hosts
        .iter()
        .map(|(address, mask)| {
            let method = [
                some("scram-sha-256"),
                some("{clientcert=verify-full}"),
                None,
            ];
            let who = ["hostssl", "{legacy}", "{all,scripts}", address, mask].map(some);
            [&who[..], &method].concat()
        })
        .collect();
    let rest = ["host", "{legacy}", "{all,scripts}", "all"].map(some);
    expected.push([&rest[..], &[None, some("reject"), None, None]].concat());
    assert_eq!(rules, expected, "{lines}");
}

async fn write_hba(connection: &mut PgConnection, text: &str) {
    let quoted = text.replace('\'', "''");
    let sql = format!(
        "do $do$ begin execute format('copy (select unnest(string_to_array(%L, E''\\n''))) to %L', \
         '{quoted}'::text, current_setting('hba_file')); end $do$"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_clouds_get_every_network_once_under_its_family_and_the_port() {
    let folder = with_networks().await;
    for form in ["aws", "azure", "gcp"] {
        let (status, text) = exported(folder.path(), &[form]).await;
        assert_eq!(status, Some(0), "{form}");
        let rules: Value = serde_json::from_str(&text).unwrap();
        for network in ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"] {
            assert_eq!(text.matches(network).count(), 1, "{network} in {text}");
        }
        let (four, six) = match form {
            "aws" => {
                let permission = &rules["IpPermissions"][0];
                assert_eq!(permission["FromPort"], 8443);
                (&permission["IpRanges"], &permission["Ipv6Ranges"])
            }
            "azure" => {
                let rule = |place: usize| &rules["securityRules"][place]["properties"];
                assert_eq!(rule(0)["destinationPortRange"], "8443");
                assert_ne!(rule(0)["priority"], rule(1)["priority"]);
                (
                    &rule(0)["sourceAddressPrefixes"],
                    &rule(1)["sourceAddressPrefixes"],
                )
            }
            _ => {
                assert_eq!(rules[0]["allowed"][0]["ports"][0], "8443");
                (&rules[0]["sourceRanges"], &rules[1]["sourceRanges"])
            }
        };
        let lengths = [four, six].map(|list| list.as_array().unwrap().len());
        assert_eq!(lengths, [2, 1], "{form}");
    }
}

#[tokio::test]
async fn lines_for_postgres_need_a_user_and_a_name_cannot_break_out_of_them() {
    let folder = with_networks().await;
    assert_eq!(exported(folder.path(), &["pg_hba"]).await.0, Some(2));
    for name in ["a\" all", "a\nhost all all all trust", ""] {
        let named = ["pg_hba", "--database", "legacy", "--user", name];
        let (status, lines) = exported(folder.path(), &named).await;
        assert_eq!((status, lines), (Some(2), String::new()), "{name:?}");
    }
}
