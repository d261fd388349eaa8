//! The sandbox in which action scripts, rules and actions run.
