//! An authorization server with custom database connections.
