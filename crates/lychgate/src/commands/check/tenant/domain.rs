//! Which tenant it is: the one whose tokens the gateway takes, and from whose region it is called.

use url::Url;

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Shown;

static ISSUER: Check = Check {
    severity: Severity::Medium,
    id: "tenant-issuer",
    title: "the gateway takes tokens of another tenant",
    why: "This tenant's scripts are refused, and somebody else's are not.",
};

static REGION: Check = Check {
    severity: Severity::Medium,
    id: "tenant-region",
    title: "the allowlist's regions are not the tenant's",
    why: "A platform calls from the addresses of the tenant's own region; those of another are other customers'.",
};

pub(super) static CHECKS: [&Check; 2] = [&ISSUER, &REGION];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    let issuers = tenant.gateway.access_token.issuers.iter();
    let issuers: Vec<_> = issuers
        .filter_map(|issuer| host(issuer.issuer.as_str()))
        .collect();
    let asked = token_endpoint(tenant);
    match &asked {
        Some(domain) if !issuers.contains(domain) => findings.push_in_export(
            &ISSUER,
            "the export",
            format!("its scripts ask `{domain}` for tokens, which is no issuer of the config"),
            "name its issuer in `gateway.access_token.issuers`, or give the export of the right tenant",
        ),
        Some(_) => {}
        None => findings.not_told(&ISSUER, "where the scripts ask for their tokens (`TOKEN_URL`)"),
    }
    let hosts = asked.iter().chain(&tenant.export.domain).chain(&issuers);
    region(tenant, hosts.map(String::as_str), findings);
}

fn region<'host>(
    tenant: &Tenant<'_>,
    mut hosts: impl Iterator<Item = &'host str>,
    findings: &mut Findings,
) {
    let Some(region) = hosts.find_map(region_of) else {
        return findings.not_told(
            &REGION,
            "the region: no name of the tenant is of `auth0.com`",
        );
    };
    if tenant.regions.is_empty() {
        return findings.not_told(
            &REGION,
            "whether the networks of the allowlist are those of the region: it names no `regions`",
        );
    }
    let is_it = |named: &String| named.eq_ignore_ascii_case(region);
    if !tenant.regions.iter().all(is_it) {
        findings.push(
            &REGION,
            "gateway.allowlist.regions",
            format!(
                "the tenant is in {region}, and the regions are {}",
                tenant.regions.join(", ")
            ),
            format!("`regions = [\"{region}\"]`"),
        );
    }
}

/// The host that the scripts ask for tokens.
fn token_endpoint(tenant: &Tenant<'_>) -> Option<String> {
    tenant.connections().find_map(|connection| {
        match connection.configuration.as_ref()?.get("TOKEN_URL")? {
            Shown::Address(address) => host(address),
            Shown::Nothing | Shown::Value => None,
        }
    })
}

fn host(address: &str) -> Option<String> {
    Some(Url::parse(address).ok()?.host_str()?.to_owned())
}

/// The region of a tenant's own domain, as the published list of addresses names it. The oldest tenants have none in their
/// name and are in the US.
fn region_of(host: &str) -> Option<&'static str> {
    let name = host.strip_suffix(".auth0.com")?;
    match name.rsplit_once('.').map(|(_, region)| region) {
        None | Some("us") => Some("US"),
        Some("eu") => Some("EU"),
        Some("au") => Some("AU"),
        Some("jp") => Some("JP"),
        Some("ca") => Some("CA"),
        Some("uk") => Some("UK"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_in_the_name() {
        assert_eq!(region_of("example.eu.auth0.com"), Some("EU"));
        assert_eq!(region_of("example.auth0.com"), Some("US"));
        assert_eq!(region_of("example.mars.auth0.com"), None);
        assert_eq!(region_of("login.example.com"), None);
        assert_eq!(region_of("evilauth0.com"), None);
    }
}
