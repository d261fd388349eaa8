//! OpenLDAP from Debian's package, with a fresh configuration of the run.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::certificates::Certificates;
use super::supervisor::{Supervised, wait_until};
use super::{Server, as_user, free_port, give};
use crate::command::{quietly, succeeds};

/// The user that Debian's package makes.
const USER: &str = "openldap";

/// A directory that runs, and the other ways into it.
pub(super) struct Directory {
    pub(super) server: Server,
    /// Where it speaks TLS from the first byte on.
    pub(super) tls_url: String,
    pub(super) socket: String,
}

/// Makes two directories, and starts a server on each.
pub(super) fn start(folder: &Path, certificates: &Certificates) -> Result<[Directory; 2]> {
    let folder = folder.join("openldap");
    std::fs::create_dir(&folder)?;
    for file in [
        &certificates.root,
        &certificates.certificate,
        &certificates.key,
    ] {
        std::fs::copy(file, folder.join(file.file_name().unwrap_or_default()))?;
    }
    let [first, second] = ["first", "second"].map(|name| folder.join(name));
    make(&folder, &first)?;
    make(&folder, &second)?;
    give(&folder, USER)?;
    Ok([launch(first)?, launch(second)?])
}

/// Writes the configuration and the root of the tree.
fn make(shared: &Path, home: &Path) -> Result<()> {
    for name in ["config", "data"] {
        std::fs::create_dir_all(home.join(name))?;
    }
    let paths = |text: &str| {
        text.replace("SHARED", &shared.display().to_string())
            .replace("HOME", &home.display().to_string())
    };
    let configuration = home.display().to_string() + "/config";
    for (number, name, text) in [("0", "config.ldif", CONFIG), ("1", "tree.ldif", TREE)] {
        let file = home.join(name);
        std::fs::write(&file, paths(text)).context("cannot write what slapadd reads")?;
        let file = file.display().to_string();
        quietly(
            "/usr/sbin/slapadd",
            &["-q", "-n", number, "-F", &configuration, "-l", &file],
        )?;
    }
    Ok(())
}

fn launch(home: PathBuf) -> Result<Directory> {
    let (port, tls_port) = (free_port()?, free_port()?);
    let log = home.with_extension("log");
    let socket = home.join("ldapi").display().to_string();
    let mut command = as_user(USER);
    command.extend(["/usr/sbin/slapd".to_owned(), "-d0".to_owned()]);
    command.extend(["-F".to_owned(), format!("{}/config", home.display())]);
    let listeners = [
        format!("ldap://127.0.0.1:{port}"),
        format!("ldaps://127.0.0.1:{tls_port}"),
        format!("ldapi://{}", socket.replace('/', "%2F")),
    ];
    command.extend(["-h".to_owned(), listeners.join(" ")]);
    let process = Supervised::start(&command, &log)?;
    let address = format!("ldap://127.0.0.1:{port}");
    let is_ready = || {
        succeeds(
            "ldapsearch",
            &["-x", "-H", &address, "-s", "base", "-b", "", "1.1"],
        )
    };
    wait_until(is_ready, "OpenLDAP", &log)?;
    Ok(Directory {
        server: Server {
            process,
            url: format!("ldap://localhost:{port}/{SUFFIX}"),
            folder: home,
        },
        tls_url: format!("ldaps://localhost:{tls_port}/{SUFFIX}"),
        socket,
    })
}

const SUFFIX: &str = "dc=example,dc=com";

/// Each test has a tree of its own below the suffix, `ou=TEST`, with its people and its service accounts. What such an
/// account may do, it may do in its own tree: `cn=lychgate` what the operations need, `cn=reader` what a gateway needs
/// that verifies hashes itself, `cn=keeper` everything.
const CONFIG: &str = include_str!("openldap/config.ldif");

const TREE: &str = "dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: example
";
