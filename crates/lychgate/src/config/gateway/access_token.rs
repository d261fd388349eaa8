//! `[gateway.access_token]`: without it an allowlist would be the only control, and there is no such gateway.

use std::collections::BTreeSet;
use std::time::Duration;

use lychgate_gateway::{
    AccessTokenSettings, Audience, ClientId, Issuer, IssuerSettings, KeyLimits, KeyLocation,
    PublicUrl, SenderConstraint,
};
use lychgate_token::Algorithm;

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::{RawAccessToken, RawGateway, RawGatewayTls, RawSenderConstraint};

/// Clocks that differ by more are broken, and every token would live that much longer.
const MOST_LEEWAY: Duration = Duration::from_mins(5);

/// What makes a token good.
pub(crate) fn settings(
    gateway: &RawGateway,
    findings: &mut Findings<'_>,
) -> Option<AccessTokenSettings> {
    let key = Key::new("gateway.access_token");
    let Some(raw) = &gateway.access_token else {
        let reason = "is missing: an allowlist is never the only control, because a platform's addresses serve all \
                      its customers; name `issuers`, `audience` and `clients`";
        findings.push(&key, reason);
        return None;
    };
    let sender_constraint = sender_constraint(raw.sender_constraint, gateway, findings);
    let issuers = issuers(raw, &key, findings);
    let audience = findings.keep(&key.member("audience"), Audience::parse(&raw.audience));
    let clients = list(
        &raw.clients,
        &key.member("clients"),
        findings,
        ClientId::parse,
    );
    let algorithms = match &raw.algorithms {
        Some(names) => list(names, &key.member("algorithms"), findings, |name| {
            name.parse::<Algorithm>()
        }),
        None => Some(vec![Algorithm::Rs256]),
    };
    let defaults = KeyLimits::default();
    let mut duration = |name, raw: &Option<_>, default| {
        duration::or(raw.as_ref(), default, &key.member(name), findings)
    };
    let leeway = duration("leeway", &raw.leeway, AccessTokenSettings::LEEWAY);
    let max_lifetime = duration(
        "max_lifetime",
        &raw.max_lifetime,
        AccessTokenSettings::MAX_LIFETIME,
    );
    let max_stale = duration("jwks_max_stale", &raw.jwks_max_stale, defaults.max_stale);
    if leeway.is_some_and(|leeway| leeway > MOST_LEEWAY) {
        let reason =
            "must be at most 5m: it lengthens the life of every token; set the clocks instead";
        findings.push(&key.member("leeway"), reason);
    }
    Some(AccessTokenSettings {
        issuers: issuers?,
        audience: audience?,
        clients: BTreeSet::from_iter(clients?),
        algorithms: algorithms?,
        sender_constraint: sender_constraint?,
        one_use: raw.one_use,
        leeway: leeway?,
        max_lifetime: max_lifetime?,
        keys: KeyLimits {
            max_stale: max_stale?,
            ..defaults
        },
        verified_tokens: AccessTokenSettings::VERIFIED_TOKENS,
    })
}

/// What a token must be bound to, with what it takes to prove it.
fn sender_constraint(
    constraint: RawSenderConstraint,
    gateway: &RawGateway,
    findings: &mut Findings<'_>,
) -> Option<SenderConstraint> {
    let key = Key::new("gateway.public_url");
    match (constraint, &gateway.public_url) {
        (RawSenderConstraint::None, None) => Some(SenderConstraint::None),
        (RawSenderConstraint::Mtls, None) if shows_certificates(gateway) => {
            Some(SenderConstraint::Mtls)
        }
        (RawSenderConstraint::Mtls, None) => {
            let reason = "has no `client_ca`: nobody shows a certificate, and a token that is bound to one could not be \
                          proven";
            findings.push(&Key::new("gateway.tls"), reason);
            None
        }
        (RawSenderConstraint::None | RawSenderConstraint::Mtls, Some(_)) => {
            let reason = "is what proofs of possession are made for, and none are asked for; leave it out, or set \
                          `sender_constraint = \"dpop\"`";
            findings.push(&key, reason);
            None
        }
        (RawSenderConstraint::Dpop, Some(url)) => findings
            .keep(&key, PublicUrl::parse(url))
            .map(SenderConstraint::Dpop),
        (RawSenderConstraint::Dpop, None) => {
            let reason = "is missing: a proof names the URL that it was made for, and what a request says of itself is \
                          not believed; write what the scripts have as `GATEWAY_URL`";
            findings.push(&key, reason);
            None
        }
    }
}

/// Whether TLS ends here, with clients that show a certificate.
fn shows_certificates(gateway: &RawGateway) -> bool {
    matches!(&gateway.tls, Some(RawGatewayTls::Here(tls)) if tls.client_ca.is_some())
}

fn issuers(
    raw: &RawAccessToken,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Vec<IssuerSettings>> {
    let issuers = list(
        &raw.issuers,
        &key.member("issuers"),
        findings,
        Issuer::parse,
    );
    let Some(uri) = &raw.jwks_uri else {
        return Some(
            issuers?
                .into_iter()
                .map(|issuer| IssuerSettings {
                    issuer,
                    jwks_uri: None,
                })
                .collect(),
        );
    };
    let key = key.member("jwks_uri");
    let location = findings.keep(&key, KeyLocation::parse(uri));
    if raw.issuers.len() > 1 {
        findings.push(
            &key,
            "names the keys of one issuer, and there are more; leave it out",
        );
    }
    let location = Some(location?);
    Some(
        issuers?
            .into_iter()
            .map(|issuer| IssuerSettings {
                issuer,
                jwks_uri: location.clone(),
            })
            .collect(),
    )
}

/// Every element parsed, of a list that has one at least.
fn list<T, E: std::fmt::Display>(
    texts: &[String],
    key: &Key,
    findings: &mut Findings<'_>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    if texts.is_empty() {
        findings.push(key, "is empty: nobody could call");
        return None;
    }
    findings.keep_each(key, texts, parse)
}
