//! What can be wrong with a listener, by whose fault it is: the system's, a list of networks', a certificate's.

use std::{io, net::SocketAddr};

use ipnet::IpNet;
use rustls::pki_types::pem;

/// What can be wrong with a listener, in words for the person who configures it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system does not give us the address.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },

    /// An allowlist without a network would admit nobody.
    #[error("the allowlist is empty: name the networks that calls may come from")]
    NoNetworks,
    /// An allowlist that holds all of a family is none.
    #[error(
        "the allowlist holds every {family} address: name the networks that calls come from, or set `i_accept_any_network = true`"
    )]
    EveryAddress {
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// A proxy is to be believed, and there is none.
    #[error(
        "`trusted_proxies` is empty: name the addresses of the proxies that say who the client is"
    )]
    NoProxies,
    /// To trust all of a family is to trust whoever calls.
    #[error(
        "`trusted_proxies` holds every address of {family}: anyone could say who she is; name the proxies"
    )]
    EveryProxy {
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// Neither an address nor a network.
    #[error(
        "not a network: write an address such as 203.0.113.7 or a network such as 203.0.113.0/24"
    )]
    NotANetwork,
    /// An address with a prefix that is shorter than what it says.
    #[error("{network} has bits set beyond its prefix: write {} for the network, or {} for the one address", network.trunc(), network.addr())]
    HostBits {
        /// What stands there.
        network: IpNet,
    },
    /// A line of a file of networks.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: Box<Error>,
    },
    /// A network of a region in `ip-ranges.json`.
    #[error("region {region}: {problem}")]
    Region {
        /// The region's name.
        region: String,
        /// What is wrong with it.
        problem: Box<Error>,
    },
    /// A file of networks beyond what is read.
    #[error(
        "the list of networks is too long: at most {bytes} bytes and {networks} networks are read"
    )]
    TooLong {
        /// The most bytes.
        bytes: usize,
        /// The most networks.
        networks: usize,
    },
    /// The file starts as JSON, but is not the document that Auth0 publishes.
    #[error("not the JSON of ip-ranges.json, at line {} and column {}", .0.line(), .0.column())]
    NotIpRanges(serde_json::Error),
    /// `ip-ranges.json` without a choice of regions.
    #[error("ip-ranges.json needs regions: name yours among {known}")]
    NoRegions {
        /// The regions of the file.
        known: String,
    },
    /// A region that the file does not have.
    #[error("a region is not in the file, which has {known}")]
    UnknownRegion {
        /// The regions of the file.
        known: String,
    },

    /// The certificate file is not PEM.
    #[error("the certificate cannot be read as PEM")]
    CertificatePem(#[source] pem::Error),
    /// The certificate file is PEM, but of something else.
    #[error("the certificate file has no CERTIFICATE section: are certificate and key mixed up?")]
    NoCertificate,
    /// The key file is not PEM. What the reader said is left out: it may quote the file.
    #[error("the private key cannot be read as PEM")]
    KeyPem,
    /// The key file is PEM, but of something else, or encrypted.
    #[error("the key file has no private key: it must be a PEM PRIVATE KEY without a passphrase")]
    NoKey,
    /// Certificate and key are readable, but of no use, or not of one another.
    #[error("certificate and key cannot be used: {0}")]
    Certificate(rustls::Error),
    /// The file of the clients' authorities is not PEM.
    #[error("the certificates of the clients' authorities cannot be read as PEM")]
    AuthorityPem(#[source] pem::Error),
    /// A certificate that cannot stand for others.
    #[error("a certificate among the clients' authorities cannot be used as one")]
    Authority,
    /// The file of the clients' authorities is PEM, but of something else.
    #[error("the file of the clients' authorities has no CERTIFICATE section")]
    NoAuthority,
    /// The file of the revocation lists is of something else, or has a list without a `nextUpdate`.
    #[error(
        "the revocation list cannot be read: it must be PEM with X509 CRL sections, each with a `nextUpdate`"
    )]
    RevocationList,
}
