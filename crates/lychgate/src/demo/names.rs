//! Who is who in the demo.

/// The audience of the gateway.
pub(crate) const AUDIENCE: &str = "urn:legacy-identity";
/// The audience of another API of the same company.
pub(crate) const OTHER_AUDIENCE: &str = "urn:orders";
/// The application that people log in to.
pub(crate) const APPLICATION: &str = "sample-application";
/// The one client whose tokens the gateway takes.
pub(crate) const SCRIPT_CLIENT: &str = "script-client";
/// A client of somebody else.
pub(crate) const OTHER_CLIENT: &str = "other-client";
/// The client that may change users through the management API.
pub(crate) const KEEPER_CLIENT: &str = "keeper-client";
/// The connection whose scripts reach the gateway.
pub(crate) const CONNECTION: &str = "legacy";
