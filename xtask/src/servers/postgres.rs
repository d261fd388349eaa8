//! PostgreSQL from Debian's package, as a cluster of the run.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::certificates::Certificates;
use super::supervisor::{Supervised, wait_until};
use super::{Server, as_user, free_port, give};
use crate::command::{quietly, succeeds};

/// The user that Debian's package makes; PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// Makes a cluster, and starts it and a copy of it.
pub(super) fn start(folder: &Path, certificates: &Certificates) -> Result<[Server; 2]> {
    let programs = programs()?;
    let (folder, first) = cluster(&programs, folder, certificates)?;
    let second = folder.join("second");
    run_as_user(&format!("cp -r {} {}", first.display(), second.display()))?;
    Ok([
        launch(&programs, &folder, first)?,
        launch(&programs, &folder, second)?,
    ])
}

/// Makes a cluster and starts it.
pub(crate) fn start_one(folder: &Path) -> Result<Server> {
    let programs = programs()?;
    let certificates = super::certificates::make(folder)?;
    let (folder, data) = cluster(&programs, folder, &certificates)?;
    launch(&programs, &folder, data)
}

/// A cluster, and the folder about it with the server's certificate.
fn cluster(
    programs: &Path,
    folder: &Path,
    certificates: &Certificates,
) -> Result<(PathBuf, PathBuf)> {
    let folder = folder.join("postgres");
    std::fs::create_dir(&folder)?;
    for file in [&certificates.certificate, &certificates.key] {
        std::fs::copy(file, folder.join(file.file_name().unwrap_or_default()))?;
    }
    give(&folder, USER)?;
    let first = folder.join("first");
    let initdb = [
        programs.join("initdb").display().to_string(),
        format!("--pgdata={}", first.display()),
        "--username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync".to_owned(),
    ];
    run_as_user(&initdb.join(" "))?;
    std::fs::write(first.join("pg_hba.conf"), WHO_MAY_CONNECT)?;
    give(&first, USER)?;
    Ok((folder, first))
}

fn launch(programs: &Path, shared: &Path, data: PathBuf) -> Result<Server> {
    let port = free_port()?;
    let log = data.with_extension("log");
    let certificate = |name| shared.join(name).display().to_string();
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", data.display()),
        format!("external_pid_file={}/server.pid", data.display()),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", certificate("server.pem")),
        format!("ssl_key_file={}", certificate("server.key")),
        "fsync=off".to_owned(),
        "max_connections=200".to_owned(),
    ];
    let mut command = as_user(USER);
    command.push(programs.join("postgres").display().to_string());
    command.extend(["-D".to_owned(), data.display().to_string()]);
    command.extend(
        settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting]),
    );
    let process = Supervised::start(&command, &log)?;
    let ready = programs.join("pg_isready").display().to_string();
    let port_text = port.to_string();
    let is_ready = || {
        succeeds(
            &ready,
            &["--quiet", "--host=127.0.0.1", "--port", &port_text],
        )
    };
    wait_until(is_ready, "PostgreSQL", &log)?;
    Ok(Server {
        process,
        url: format!("postgres://postgres@localhost:{port}/postgres"),
        folder: data,
    })
}

/// The tests' own user without a password, and those that they make with one.
const WHO_MAY_CONNECT: &str = "\
local all all trust
host all postgres all trust
host all all all scram-sha-256
";

fn run_as_user(command: &str) -> Result<()> {
    let mut words = as_user(USER);
    words.extend(command.split(' ').map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (program, arguments) = words.split_first().context("a command has a program")?;
    quietly(program, arguments)
}

/// The folder of the newest version that is installed: Debian leaves the server's programs out of the path.
pub(crate) fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is missing")?;
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| number(path));
    Ok(newest.context("PostgreSQL is missing")?.join("bin"))
}
