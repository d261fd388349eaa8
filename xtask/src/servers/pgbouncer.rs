//! PgBouncer from Debian's package, in transaction mode: a session is somebody's for one transaction only.

use std::net::TcpStream;
use std::path::Path;

use anyhow::Result;

use super::supervisor::{Supervised, wait_until};
use super::{Server, as_user, free_port, give};

/// PgBouncer refuses to run as root, and needs no user of its own.
const USER: &str = "postgres";

/// Starts a pooler with few sessions in front of the PostgreSQL server of this URL.
pub(super) fn start(folder: &Path, postgres: &str) -> Result<Server> {
    let folder = folder.join("pgbouncer");
    std::fs::create_dir(&folder)?;
    let port = free_port()?;
    let server_port = postgres
        .rsplit_once(':')
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("5432", |(port, _)| port);
    let users = folder.join("users.txt");
    std::fs::write(&users, "\"postgres\" \"\"\n")?;
    let config = folder.join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
         pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n",
        users.display()
    );
    std::fs::write(&config, text)?;
    give(&folder, USER)?;
    let mut command = as_user(USER);
    command.extend(["pgbouncer".to_owned(), config.display().to_string()]);
    let log = folder.join("pgbouncer.log");
    let process = Supervised::start(&command, &log)?;
    let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until(is_ready, "PgBouncer", &log)?;
    Ok(Server {
        process,
        url: format!("postgres://postgres@localhost:{port}/postgres"),
        folder,
    })
}
