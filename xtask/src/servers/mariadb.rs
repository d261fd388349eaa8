//! MariaDB from Debian's package, in a folder of the run.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::certificates::Certificates;
use super::supervisor::{Supervised, wait_until};
use super::{Server, as_user, free_port, give};
use crate::command::{is_root, quietly, succeeds};

/// The user that Debian's package makes.
const USER: &str = "mysql";

/// Makes a data folder, and starts a server on it and one on a copy of it.
pub(super) fn start(folder: &Path, certificates: &Certificates) -> Result<[Server; 2]> {
    let folder = folder.join("mariadb");
    let first = folder.join("first");
    std::fs::create_dir_all(&first)?;
    for file in [&certificates.certificate, &certificates.key] {
        std::fs::copy(file, folder.join(file.file_name().unwrap_or_default()))?;
    }
    let data = format!("--datadir={}", first.display());
    let mut arguments = vec![
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
        &data,
    ];
    let user = format!("--user={USER}");
    if is_root() {
        arguments.push(&user);
    }
    quietly("mariadb-install-db", &arguments)?;
    let second = folder.join("second");
    let paths = [&first, &second].map(|path| path.display().to_string());
    quietly("cp", &["-r", &paths[0], &paths[1]])?;
    give(&folder, USER)?;
    Ok([launch(&folder, first)?, launch(&folder, second)?])
}

fn launch(shared: &Path, data: PathBuf) -> Result<Server> {
    let port = free_port()?;
    let log = data.with_extension("log");
    let socket = data.join("server.sock").display().to_string();
    let mut command = as_user(USER);
    command.extend(["mariadbd".to_owned(), "--no-defaults".to_owned()]);
    command.extend([
        format!("--datadir={}", data.display()),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--socket={socket}"),
        format!("--pid-file={}", data.join("server.pid").display()),
        format!("--ssl-cert={}", shared.join("server.pem").display()),
        format!("--ssl-key={}", shared.join("server.key").display()),
        "--skip-name-resolve".to_owned(),
        // What is committed outlives the server, though not the machine.
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
        "--innodb-buffer-pool-size=32M".to_owned(),
        "--max-connections=200".to_owned(),
    ]);
    let process = Supervised::start(&command, &log)?;
    let client = ["--no-defaults", "--user=root", "--socket", &socket];
    let is_ready = || {
        succeeds(
            "mariadb-admin",
            &[&client[..], &["--silent", "ping"]].concat(),
        )
    };
    wait_until(is_ready, "MariaDB", &log)?;
    quietly("mariadb", &[&client[..], &["--execute", SETUP]].concat())?;
    Ok(Server {
        process,
        url: format!("mysql://root@localhost:{port}/lychgate"),
        folder: data,
    })
}

/// A user that may connect from the loopback address, over TCP, and a database of ours.
const SETUP: &str = "
create or replace user root@'127.0.0.1' identified by '';
grant all on *.* to root@'127.0.0.1' with grant option;
create database if not exists lychgate character set utf8mb4";
