//! The programs that tests drive, from Debian's packages: installed when we may, named when we may not.

use anyhow::{Result, bail};

use crate::command::{answers, is_root, run};

/// A program that some test starts.
struct Prerequisite {
    program: &'static str,
    /// What makes the program tell its version and end.
    version: &'static str,
    package: &'static str,
    what_for: &'static str,
}

const PREREQUISITES: [Prerequisite; 16] = [
    Prerequisite {
        program: "node",
        version: "--version",
        package: "nodejs",
        what_for: "the action scripts are tested under Node, too",
    },
    Prerequisite {
        program: "npm",
        version: "--version",
        package: "npm",
        what_for: "what is exported for Auth0 is loaded with Auth0's own tool, which comes from npm",
    },
    Prerequisite {
        program: "chromium",
        version: "--version",
        package: "chromium",
        what_for: "a login is driven in a real browser",
    },
    Prerequisite {
        program: "chromedriver",
        version: "--version",
        package: "chromium-driver",
        what_for: "the browser is driven over WebDriver",
    },
    Prerequisite {
        program: "/usr/lib/postgresql/15/bin/postgres",
        version: "--version",
        package: "postgresql-15",
        what_for: "the store is tested on a real PostgreSQL",
    },
    Prerequisite {
        program: "pgbouncer",
        version: "--version",
        package: "pgbouncer",
        what_for: "the store is tested behind a real pooler",
    },
    Prerequisite {
        program: "mariadbd",
        version: "--version",
        package: "mariadb-server",
        what_for: "the store is tested on a real MariaDB",
    },
    Prerequisite {
        program: "/usr/sbin/slapd",
        version: "-VV",
        package: "slapd",
        what_for: "the store is tested on a real OpenLDAP",
    },
    Prerequisite {
        program: "ldapsearch",
        version: "-VV",
        package: "ldap-utils",
        what_for: "OpenLDAP is asked whether it runs, and looked into",
    },
    Prerequisite {
        program: "sqlite3",
        version: "--version",
        package: "sqlite3",
        what_for: "the tutorial makes a store with it",
    },
    Prerequisite {
        program: "openssl",
        version: "version",
        package: "openssl",
        what_for: "the servers' certificates and the tutorial's secrets are made with it",
    },
    Prerequisite {
        program: "curl",
        version: "--version",
        package: "curl",
        what_for: "the tutorial logs in with it",
    },
    Prerequisite {
        program: "/usr/sbin/nft",
        version: "--version",
        package: "nftables",
        what_for: "the allowlist for nftables is read back",
    },
    Prerequisite {
        program: "php",
        version: "--version",
        package: "php-cli",
        what_for: "fresh hashes of PHP are verified",
    },
    Prerequisite {
        program: "perl",
        version: "--version",
        package: "perl",
        what_for: "fresh hashes of crypt(3) are verified",
    },
    Prerequisite {
        program: "/usr/sbin/slappasswd",
        version: "-g",
        package: "slapd",
        what_for: "fresh hashes of OpenLDAP are verified",
    },
];

/// Makes sure that every prerequisite is there.
pub(crate) fn install_missing() -> Result<()> {
    let missing: Vec<&Prerequisite> = PREREQUISITES
        .iter()
        .filter(|prerequisite| !answers(prerequisite.program, prerequisite.version))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .map(|prerequisite| prerequisite.package)
        .collect();
    for prerequisite in &missing {
        eprintln!(
            "missing: {} ({})",
            prerequisite.program, prerequisite.what_for
        );
    }
    let install = [
        &["install", "--yes", "--no-install-recommends"],
        packages.as_slice(),
    ]
    .concat();
    if !is_root() {
        bail!(
            "install what is missing, then run this again: sudo apt-get {}",
            install.join(" ")
        );
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    run("apt-get", &["update"], &quiet)?;
    run("apt-get", &install, &quiet)
}
