//! `lychgate export allowlist`: the networks of the config in the words of what stands in front of it, so that there is
//! one list and not five.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use lychgate_gateway::{ClientAddress, Endpoint, Settings};
use serde_json::{Value, json};

use crate::commands::Failure;
use crate::config;

/// What is said of the list wherever there is room for it.
const WHAT: &str = "The networks of [gateway.allowlist]";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// For whom it is written.
    #[arg(long, value_enum)]
    form: Form,
    /// `pg_hba`: a user whom scripts log in as, with a certificate of that name. Can be given several times.
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,
    /// `pg_hba`: a database that they log in to. Can be given several times; if left out, the store's own.
    #[arg(long, value_name = "NAME")]
    database: Vec<String>,
}

/// Who reads the list.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Lines of `pg_hba.conf`, for scripts that speak to PostgreSQL itself.
    #[value(name = "pg_hba")]
    PgHba,
    /// A table for `nft -f`.
    Nftables,
    /// The input of `aws ec2 authorize-security-group-ingress --cli-input-json`.
    Aws,
    /// The security rules of an Azure network security group.
    Azure,
    /// Firewall rules of Google Cloud, as its API takes them.
    Gcp,
}

/// Prints the list.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = config::read(&arguments.config)?;
    let settings = config.gateway.ok_or_else(|| {
        Failure::Config("the config has no `[gateway]`, and so no allowlist".to_owned())
    })?;
    let networks = settings.allowlist.networks();
    let text = match arguments.form {
        Form::PgHba => pg_hba(networks, arguments, &settings)?,
        form => {
            if settings.client_address != ClientAddress::Peer {
                let reason = "clients come by way of `trusted_proxies`, so who connects here is a proxy; put these \
                              rules in front of the proxies";
                writeln!(std::io::stderr(), "{reason}").context("cannot print a warning")?;
            }
            let port = port(&settings.listen);
            match form {
                Form::Nftables => nftables(networks, port),
                Form::Aws => pretty(&aws(networks, port)),
                Form::Azure => pretty(&azure(networks, port)),
                Form::Gcp | Form::PgHba => pretty(&gcp(networks, port)),
            }
        }
    };
    write!(std::io::stdout(), "{text}").context("cannot print the list")?;
    Ok(())
}

fn port(listen: &Endpoint) -> u16 {
    match listen {
        Endpoint::Plain(address) => address.address().port(),
        Endpoint::Tls(address, _) | Endpoint::TerminatedByTrustedProxy(address) => address.port(),
    }
}

/// A line for each network, user and database: TLS, the password, and a certificate for the name of the user. Whoever
/// comes from elsewhere as one of these users is rejected, whatever stands below.
fn pg_hba(
    networks: &[IpNet],
    arguments: &Arguments,
    settings: &Settings,
) -> Result<String, Failure> {
    let store = settings
        .store
        .url_of_first_user()
        .context("cannot tell the database of the store")?;
    let own = store.server().map(|server| server.database.to_owned());
    let databases: BTreeSet<_> = match &*arguments.database {
        [] => own.into_iter().collect(),
        named => named.iter().cloned().collect(),
    };
    let users: BTreeSet<_> = arguments.user.iter().cloned().collect();
    if users.is_empty() || databases.is_empty() {
        return Err(Failure::Usage(
            "lines of pg_hba.conf are about users and databases: name them with --user and --database"
                .to_owned(),
        ));
    }
    let quoted = |names: &BTreeSet<String>| {
        let names: Result<Vec<_>, _> = names.iter().map(|name| quoted_for_pg_hba(name)).collect();
        names.map(|names| names.join(","))
    };
    let who = format!("{} {}", quoted(&databases)?, quoted(&users)?);
    let lines = networks
        .iter()
        .map(|network| format!("hostssl {who} {network} scram-sha-256 clientcert=verify-full\n"));
    let rest = format!("host {who} all reject\n");
    Ok(std::iter::once(format!(
        "# {WHAT}. Put these lines before all others about these users.\n"
    ))
    .chain(lines)
    .chain([rest])
    .collect())
}

/// A name in quotes, in which no name is a keyword.
fn quoted_for_pg_hba(name: &str) -> Result<String, Failure> {
    let is_plain =
        !name.is_empty() && !name.contains(|sign: char| sign == '"' || sign.is_control());
    if is_plain {
        Ok(format!("\"{name}\""))
    } else {
        Err(Failure::Usage(
            "a name with a quotation mark or a control character cannot stand in pg_hba.conf"
                .to_owned(),
        ))
    }
}

/// A table of its own, so that it touches no other: who is on the list passes it, everybody else is dropped at the port.
fn nftables(networks: &[IpNet], port: u16) -> String {
    let (four, six) = by_family(networks);
    let families = [
        ("ip", "allowed4", "ipv4_addr", four),
        ("ip6", "allowed6", "ipv6_addr", six),
    ];
    let families = families
        .iter()
        .filter(|(.., networks)| !networks.is_empty());
    let set = |(_, name, kind, networks): &(_, &str, &str, Vec<String>)| {
        let elements = networks.join(",\n                     ");
        [
            format!("    set {name} {{"),
            format!("        type {kind}"),
            "        flags interval".to_owned(),
            format!("        elements = {{ {elements} }}"),
            "    }".to_owned(),
        ]
    };
    let sets: Vec<String> = families.clone().flat_map(set).collect();
    let rules = families.map(|(family, name, ..)| {
        format!("        tcp dport {port} {family} saddr @{name} accept")
    });
    let rules: Vec<String> = rules.collect();
    let (sets, rules) = (sets.join("\n"), rules.join("\n"));
    format!(
        "# {WHAT}: who else connects to port {port} is dropped.\n\
         table inet lychgate\ndelete table inet lychgate\ntable inet lychgate {{\n{sets}\n    chain input {{\n        \
         type filter hook input priority filter; policy accept;\n{rules}\n        tcp dport {port} drop\n    }}\n}}\n"
    )
}

fn aws(networks: &[IpNet], port: u16) -> Value {
    let (four, six) = by_family(networks);
    let ranges = |key: &str, networks: Vec<String>| -> Vec<Value> {
        let range = |network| json!({ key: network, "Description": WHAT });
        networks.into_iter().map(range).collect()
    };
    json!({
        "GroupId": "${fill:the id of the security group}",
        "IpPermissions": [{
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "IpRanges": ranges("CidrIp", four),
            "Ipv6Ranges": ranges("CidrIpv6", six),
        }],
    })
}

/// A rule takes networks of one family.
fn azure(networks: &[IpNet], port: u16) -> Value {
    let rules = families(networks)
        .enumerate()
        .map(|(place, (family, networks))| {
            json!({
                "name": format!("lychgate-{family}"),
                "properties": {
                    "description": WHAT,
                    "priority": 100 + place,
                    "direction": "Inbound",
                    "access": "Allow",
                    "protocol": "Tcp",
                    "sourceAddressPrefixes": networks,
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "*",
                    "destinationPortRange": port.to_string(),
                },
            })
        });
    json!({ "securityRules": rules.collect::<Vec<_>>() })
}

/// A rule takes networks of one family.
fn gcp(networks: &[IpNet], port: u16) -> Value {
    let rules = families(networks).map(|(family, networks)| {
        json!({
            "name": format!("lychgate-{family}"),
            "description": WHAT,
            "direction": "INGRESS",
            "priority": 1000,
            "sourceRanges": networks,
            "allowed": [{ "IPProtocol": "tcp", "ports": [port.to_string()] }],
        })
    });
    Value::Array(rules.collect())
}

/// The families that have networks, with them.
fn families(networks: &[IpNet]) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    let (four, six) = by_family(networks);
    let families = [("ipv4", four), ("ipv6", six)];
    families
        .into_iter()
        .filter(|(_, networks)| !networks.is_empty())
}

fn by_family(networks: &[IpNet]) -> (Vec<String>, Vec<String>) {
    let of = |wanted: fn(&IpNet) -> bool| {
        let chosen = networks.iter().filter(|network| wanted(network));
        chosen.map(ToString::to_string).collect()
    };
    (
        of(|network| matches!(network, IpNet::V4(_))),
        of(|network| matches!(network, IpNet::V6(_))),
    )
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
