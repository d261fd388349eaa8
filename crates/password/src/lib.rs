//! Password hash formats of another decade, verified within bounds.
