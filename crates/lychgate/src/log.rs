//! What the process says while it runs, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The variable that chooses what is said: `info`, `lychgate_gateway=debug`, …
const VARIABLE: &str = "LYCHGATE_LOG";

/// Starts saying what is at least as grave as `level`, unless the environment wants otherwise.
pub(crate) fn start(level: &str) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    // The driver of directories would show what it cannot deliver, names and all.
    let filter = match "ldap3=off".parse() {
        Ok(silence) => filter.add_directive(silence),
        Err(_) => filter,
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = std::io::stderr().is_terminal() && !no_color;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .init();
}
