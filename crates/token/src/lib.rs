//! JOSE and OAuth token rules.
