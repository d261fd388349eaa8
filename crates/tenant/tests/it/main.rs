//! A real tenant on a loopback socket, real scripts in a folder, and a browser that is a few lines long.

#![cfg(test)]

mod audience_injection;
mod browser;
mod certificate;
mod client_credentials;
mod code_flow;
mod connection;
mod database_connections;
mod harness;
mod login_page;
mod possession;
mod refresh;
mod restart;
mod session;
