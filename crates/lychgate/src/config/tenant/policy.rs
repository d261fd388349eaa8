//! `[[tenant.apis]]`, `[[tenant.client_grants]]` and `[tenant.pipeline]`: who may get which token.

use std::path::Path;

use lychgate_tenant::{
    Api, ClientGrant, ClientPolicy, Mechanism, PipelineSettings, Policy, ProofOfPossession,
    SubjectType, SubjectTypeAuthorization, UserPolicy,
};
use lychgate_token::{Scope, TokenDialect};

use super::connections::exposed;
use super::{asks_for_certificates, wrong_script};
use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::{
    RawApi, RawClientGrant, RawClientPolicy, RawMechanism, RawPipeline, RawSubjectType, RawTenant,
    RawTokenDialect, RawUserPolicy,
};

/// The policy; whether its parts fit together is found out when it is put in force.
pub(crate) fn policy(
    tenant: &RawTenant,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Policy> {
    let asks_for_certificates = asks_for_certificates(tenant);
    let apis: Vec<Option<Api>> = tenant
        .apis
        .iter()
        .enumerate()
        .map(|(index, raw)| {
            let key = key.member("apis").element(index);
            let api = api(raw, &key, findings)?;
            let binds = api.proof_of_possession;
            if binds.is_some_and(|binds| binds.mechanism == Mechanism::Mtls) && !asks_for_certificates {
                let reason = "binds tokens to certificates, and `tenant.tls` has no `client_ca`: nobody could show one";
                findings.push(&key.member("proof_of_possession"), reason);
                return None;
            }
            Some(api)
        })
        .collect();
    let grants = tenant.client_grants.iter().enumerate();
    let client_grants: Vec<Option<ClientGrant>> = grants
        .map(|(index, raw)| {
            client_grant(raw, &key.member("client_grants").element(index), findings)
        })
        .collect();
    let pipeline = pipeline(&tenant.pipeline, folder, &key.member("pipeline"), findings);
    Some(Policy {
        apis: apis.into_iter().collect::<Option<_>>()?,
        default_audience: tenant.default_audience.clone(),
        client_grants: client_grants.into_iter().collect::<Option<_>>()?,
        pipeline: pipeline?,
    })
}

fn api(raw: &RawApi, key: &Key, findings: &mut Findings<'_>) -> Option<Api> {
    let scopes = findings.keep(&key.member("scopes"), raw.scopes.join(" ").parse::<Scope>());
    let api = Api::new(raw.identifier.clone(), scopes?);
    let lifetime = key.member("token_lifetime");
    Some(Api {
        token_lifetime: duration::or(
            raw.token_lifetime.as_ref(),
            api.token_lifetime,
            &lifetime,
            findings,
        )?,
        token_dialect: match raw.token_dialect {
            RawTokenDialect::AccessToken => TokenDialect::AccessToken,
            RawTokenDialect::Rfc9068Profile => TokenDialect::Rfc9068Profile,
        },
        subject_type_authorization: SubjectTypeAuthorization {
            user: match raw.subject_type_authorization.user {
                RawUserPolicy::AllowAll => UserPolicy::AllowAll,
                RawUserPolicy::RequireClientGrant => UserPolicy::RequireClientGrant,
                RawUserPolicy::DenyAll => UserPolicy::DenyAll,
            },
            client: match raw.subject_type_authorization.client {
                RawClientPolicy::RequireClientGrant => ClientPolicy::RequireClientGrant,
                RawClientPolicy::DenyAll => ClientPolicy::DenyAll,
            },
        },
        allow_offline_access: raw.allow_offline_access,
        proof_of_possession: raw
            .proof_of_possession
            .as_ref()
            .map(|raw| ProofOfPossession {
                mechanism: match raw.mechanism {
                    RawMechanism::Dpop => Mechanism::Dpop,
                    RawMechanism::Mtls => Mechanism::Mtls,
                },
                required: raw.required,
            }),
        ..api
    })
}

fn client_grant(
    raw: &RawClientGrant,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<ClientGrant> {
    let scope = findings.keep(&key.member("scope"), raw.scope.join(" ").parse::<Scope>());
    Some(ClientGrant {
        client_id: raw.client_id.clone(),
        audience: raw.audience.clone(),
        scope: scope?,
        subject_type: match raw.subject_type {
            RawSubjectType::Client => SubjectType::Client,
            RawSubjectType::User => SubjectType::User,
        },
    })
}

fn pipeline(
    raw: &RawPipeline,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<PipelineSettings> {
    let mut pipeline = PipelineSettings {
        secrets: exposed(&raw.secrets),
        ..PipelineSettings::default()
    };
    pipeline.rules_sandbox.configuration = exposed(&raw.rules_configuration);
    let rules = raw.rules.as_ref().map(|rules| {
        let folder = folder.join(rules);
        let read = pipeline.read_rules(&folder);
        read.map_err(|error| wrong_script(error, &folder))
    });
    let rules = findings.keep(&key.member("rules"), rules.transpose());
    let actions = raw.actions.as_ref().map(|actions| {
        let folder = folder.join(actions);
        let read = pipeline.read_actions(&folder);
        read.map_err(|error| wrong_script(error, &folder))
    });
    let actions = findings.keep(&key.member("actions"), actions.transpose());
    rules.and(actions).map(|_| pipeline)
}
