//! May this client have this audience, for this user or for itself?
//!
//! In comes an authenticated client with what it asks for; out comes the scope it gets. This is the declarative half of
//! keeping users' tokens away from an API (the pipeline is the other): an attacker who can log in as anybody would want a
//! token for the audience of the legacy store.

use std::collections::BTreeMap;

use lychgate_token::Scope;

use crate::{
    Error,
    apis::{
        Api, ClientGrant, ClientPolicy, MAX_TOKEN_LIFETIME, Mechanism, SubjectType,
        SubjectTypeAuthorization, UserPolicy,
    },
    clients::Client,
    issuer::Issuer,
    oauth_error::OAuthError,
    pipeline::{Pipeline, PipelineSettings},
};

/// The scopes of OpenID Connect, which belong to no API.
const OPENID_SCOPES: &str = "openid profile email phone address offline_access";
/// The scopes of the management API that exist here.
const MANAGEMENT_SCOPES: &str = "update:users delete:users create:user_tickets";

/// Who may get which token: everything that can change while a tenant runs.
#[derive(Clone)]
pub struct Policy {
    /// The APIs.
    pub apis: Vec<Api>,
    /// The API of a request that names none.
    pub default_audience: Option<String>,
    /// Which clients may have tokens for which API.
    pub client_grants: Vec<ClientGrant>,
    /// Rules and actions.
    pub pipeline: PipelineSettings,
}

/// A [`Policy`] whose parts fit together, in force.
pub(crate) struct Access {
    apis: BTreeMap<String, Api>,
    default_audience: Option<String>,
    client_grants: Vec<ClientGrant>,
    openid: Scope,
    pub(crate) pipeline: Pipeline,
}

impl Access {
    /// Puts a policy in force; an error names what does not fit.
    pub(crate) fn new(
        policy: Policy,
        issuer: &Issuer,
        clients: &BTreeMap<String, Client>,
    ) -> Result<Self, Error> {
        let mut apis = BTreeMap::from([(issuer.management_audience(), management_api(issuer)?)]);
        for api in policy.apis {
            let wrong = |reason| Error::Setting {
                what: "API",
                value: api.identifier.clone(),
                reason,
            };
            if api.identifier.is_empty() || api.identifier == issuer.userinfo() {
                return Err(wrong("needs an identifier of its own"));
            }
            if api.token_lifetime.is_zero() || api.token_lifetime > MAX_TOKEN_LIFETIME {
                return Err(wrong("token_lifetime must be 1 to 2592000 seconds"));
            }
            if apis.insert(api.identifier.clone(), api.clone()).is_some() {
                return Err(wrong("is there twice"));
            }
        }
        let unknown = |audience: &str| Error::Setting {
            what: "audience",
            value: audience.to_owned(),
            reason: "is not the identifier of an API: add it under [[tenant.apis]]",
        };
        if let Some(audience) = policy
            .default_audience
            .as_ref()
            .filter(|audience| !apis.contains_key(*audience))
        {
            return Err(unknown(audience));
        }
        for (index, grant) in policy.client_grants.iter().enumerate() {
            let api = apis
                .get(&grant.audience)
                .ok_or_else(|| unknown(&grant.audience))?;
            let wrong = |reason| Error::Setting {
                what: "client grant of",
                value: grant.client_id.clone(),
                reason,
            };
            if !clients.contains_key(&grant.client_id) {
                return Err(wrong(
                    "there is no such client: add it under [[tenant.clients]]",
                ));
            }
            if !grant.scope.is_subset(&api.scopes) {
                return Err(wrong("names a scope that its API does not have"));
            }
            if policy
                .client_grants
                .iter()
                .skip(index + 1)
                .any(|other| grant.is_about_what(other))
            {
                return Err(wrong("is there twice for the same API"));
            }
        }
        Ok(Self {
            apis,
            default_audience: policy.default_audience,
            client_grants: policy.client_grants,
            openid: OPENID_SCOPES.parse().map_err(Error::Token)?,
            pipeline: Pipeline::new(policy.pipeline),
        })
    }

    /// Whether there is an API whose tokens are bound to certificates.
    pub(crate) fn binds_to_certificates(&self) -> bool {
        let mut policies = self.apis.values().filter_map(|api| api.proof_of_possession);
        policies.any(|policy| policy.mechanism == Mechanism::Mtls)
    }

    /// The API of a request: the one it names, else the default, else none.
    pub(crate) fn api(&self, audience: Option<&str>) -> Result<Option<&Api>, OAuthError> {
        self.named_api(audience.or(self.default_audience.as_deref()))
    }

    /// The API of an audience that was settled before, the default included.
    pub(crate) fn named_api(&self, audience: Option<&str>) -> Result<Option<&Api>, OAuthError> {
        let Some(audience) = audience else {
            return Ok(None);
        };
        let unknown = || OAuthError::access_denied(format!("Service not found: {audience}"));
        self.apis.get(audience).map(Some).ok_or_else(unknown)
    }

    /// The scope of a token that acts for a user who has logged in; the API's `user` policy decides.
    pub(crate) fn for_user(
        &self,
        client_id: &str,
        api: Option<&Api>,
        requested: &Scope,
    ) -> Result<Scope, OAuthError> {
        let openid = requested.intersection(&self.openid);
        let Some(api) = api else { return Ok(openid) };
        let denied = || {
            let audience = &api.identifier;
            OAuthError::access_denied(format!(
                "Client '{client_id}' is not authorized to access resource server '{audience}'."
            ))
        };
        let granted = match api.subject_type_authorization.user {
            UserPolicy::AllowAll => requested.intersection(&api.scopes),
            UserPolicy::RequireClientGrant => {
                let grant = self
                    .grant(client_id, &api.identifier, SubjectType::User)
                    .ok_or_else(denied)?;
                requested.intersection(&grant.scope)
            }
            UserPolicy::DenyAll => return Err(denied()),
        };
        Ok(union(&granted, &openid))
    }

    /// The API and the scope of a token that acts for a client itself; nothing requested means all that is granted.
    pub(crate) fn for_client(
        &self,
        client_id: &str,
        audience: Option<&str>,
        requested: &Scope,
    ) -> Result<(&Api, Scope), OAuthError> {
        let api = self
            .api(audience)?
            .ok_or_else(|| OAuthError::invalid_request("the parameter 'audience' is missing"))?;
        let denied = || {
            let audience = &api.identifier;
            OAuthError::access_denied(format!(
                "Client is not authorized to access '{audience}'. You need to create a 'client-grant' associated to this API."
            ))
        };
        if api.subject_type_authorization.client == ClientPolicy::DenyAll {
            return Err(denied());
        }
        let grant = self
            .grant(client_id, &api.identifier, SubjectType::Client)
            .ok_or_else(denied)?;
        if requested.is_empty() {
            return Ok((api, grant.scope.clone()));
        }
        let missing: Vec<&str> = requested
            .iter()
            .filter(|scope| !grant.scope.contains(scope))
            .collect();
        if missing.is_empty() {
            Ok((api, requested.clone()))
        } else {
            Err(OAuthError::access_denied(format!(
                "Client has not been granted scopes: {}",
                missing.join(", ")
            )))
        }
    }

    fn grant(
        &self,
        client_id: &str,
        audience: &str,
        subject_type: SubjectType,
    ) -> Option<&ClientGrant> {
        self.client_grants.iter().find(|grant| {
            grant.client_id == client_id
                && grant.audience == audience
                && grant.subject_type == subject_type
        })
    }
}

/// The tenant's own API; no token of a user opens it.
fn management_api(issuer: &Issuer) -> Result<Api, Error> {
    let mut api = Api::new(
        issuer.management_audience(),
        MANAGEMENT_SCOPES.parse().map_err(Error::Token)?,
    );
    api.subject_type_authorization = SubjectTypeAuthorization {
        user: UserPolicy::DenyAll,
        client: ClientPolicy::RequireClientGrant,
    };
    Ok(api)
}

/// Both scopes together.
pub(crate) fn union(one: &Scope, other: &Scope) -> Scope {
    // Both are made of scope tokens, so what they make together is a scope.
    format!("{one} {other}").trim().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{ClientAuthentication, GrantType};

    const AUDIENCE: &str = "urn:legacy-identity";

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn clients() -> BTreeMap<String, Client> {
        let client = Client {
            client_id: "granted".to_owned(),
            name: String::new(),
            authentication: ClientAuthentication::None,
            grant_types: [GrantType::AuthorizationCode].into(),
            callbacks: Vec::new(),
            allowed_logout_urls: Vec::new(),
            require_proof_of_possession: false,
        };
        BTreeMap::from([(client.client_id.clone(), client)])
    }

    fn access(user: UserPolicy, client: ClientPolicy, subject_type: SubjectType) -> Access {
        let mut api = Api::new(AUDIENCE.to_owned(), scope("read:users delete:users"));
        api.subject_type_authorization = SubjectTypeAuthorization { user, client };
        let policy = Policy {
            apis: vec![api],
            default_audience: None,
            client_grants: vec![ClientGrant {
                client_id: "granted".to_owned(),
                audience: AUDIENCE.to_owned(),
                scope: scope("read:users"),
                subject_type,
            }],
            pipeline: PipelineSettings::default(),
        };
        Access::new(
            policy,
            &"https://login.example.com/".parse().unwrap(),
            &clients(),
        )
        .unwrap()
    }

    fn for_user(access: &Access, client_id: &str) -> Result<String, String> {
        let api = access.api(Some(AUDIENCE)).unwrap();
        access
            .for_user(
                client_id,
                api,
                &scope("openid read:users delete:users made:up"),
            )
            .map(|scope| scope.to_string())
            .map_err(|error| error.code.name().to_owned())
    }

    #[test]
    fn by_default_whoever_logs_in_gets_a_token() {
        let access = access(
            UserPolicy::AllowAll,
            ClientPolicy::RequireClientGrant,
            SubjectType::Client,
        );
        assert_eq!(
            for_user(&access, "any").unwrap(),
            "delete:users openid read:users"
        );
    }

    #[test]
    fn deny_all_means_nobody() {
        let access = access(
            UserPolicy::DenyAll,
            ClientPolicy::RequireClientGrant,
            SubjectType::User,
        );
        assert_eq!(for_user(&access, "granted").unwrap_err(), "access_denied");
    }

    #[test]
    fn a_grant_for_clients_is_none_for_users() {
        let users = access(
            UserPolicy::RequireClientGrant,
            ClientPolicy::RequireClientGrant,
            SubjectType::User,
        );
        assert_eq!(for_user(&users, "granted").unwrap(), "openid read:users");
        assert_eq!(for_user(&users, "other").unwrap_err(), "access_denied");
        let clients = access(
            UserPolicy::RequireClientGrant,
            ClientPolicy::RequireClientGrant,
            SubjectType::Client,
        );
        assert_eq!(for_user(&clients, "granted").unwrap_err(), "access_denied");
        assert!(
            users
                .for_client("granted", Some(AUDIENCE), &Scope::default())
                .is_err()
        );
    }

    #[test]
    fn a_client_gets_what_it_was_granted_and_no_more() {
        let access = access(
            UserPolicy::AllowAll,
            ClientPolicy::RequireClientGrant,
            SubjectType::Client,
        );
        let granted = |client, requested: &str| {
            let requested = if requested.is_empty() {
                Scope::default()
            } else {
                scope(requested)
            };
            access
                .for_client(client, Some(AUDIENCE), &requested)
                .map(|(_, scope)| scope.to_string())
                .map_err(|error| error.code.name())
        };
        assert_eq!(granted("granted", "").unwrap(), "read:users");
        assert_eq!(granted("granted", "read:users").unwrap(), "read:users");
        assert_eq!(
            granted("granted", "read:users delete:users").unwrap_err(),
            "access_denied"
        );
        assert_eq!(granted("other", "").unwrap_err(), "access_denied");
    }

    #[test]
    fn an_unknown_audience_is_named() {
        let access = access(
            UserPolicy::AllowAll,
            ClientPolicy::DenyAll,
            SubjectType::Client,
        );
        let error = access.api(Some("urn:other")).unwrap_err();
        assert_eq!(
            (error.code.name(), error.description()),
            ("access_denied", "Service not found: urn:other")
        );
        assert!(
            access
                .for_client("granted", Some(AUDIENCE), &Scope::default())
                .is_err()
        );
    }

    #[test]
    fn no_user_gets_a_token_for_the_management_api() {
        let access = access(
            UserPolicy::AllowAll,
            ClientPolicy::RequireClientGrant,
            SubjectType::Client,
        );
        let api = access
            .api(Some("https://login.example.com/api/v2/"))
            .unwrap();
        assert!(
            access
                .for_user("granted", api, &scope("update:users"))
                .is_err()
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let issuer: Issuer = "https://login.example.com/".parse().unwrap();
        let api = || Api::new(AUDIENCE.to_owned(), scope("read:users"));
        let grant = |client: &str, audience: &str, granted: &str| ClientGrant {
            client_id: client.to_owned(),
            audience: audience.to_owned(),
            scope: scope(granted),
            subject_type: SubjectType::Client,
        };
        let fits =
            |apis: Vec<Api>, default_audience: Option<&str>, client_grants: Vec<ClientGrant>| {
                let policy = Policy {
                    apis,
                    default_audience: default_audience.map(str::to_owned),
                    client_grants,
                    pipeline: PipelineSettings::default(),
                };
                Access::new(policy, &issuer, &clients()).is_ok()
            };
        let good = || grant("granted", AUDIENCE, "read:users");
        assert!(fits(vec![api()], Some(AUDIENCE), vec![good()]));
        assert!(!fits(vec![api(), api()], None, vec![]), "an API twice");
        assert!(
            !fits(vec![api()], Some("urn:other"), vec![]),
            "an unknown default audience"
        );
        assert!(
            !fits(vec![api()], None, vec![good(), good()]),
            "a grant twice"
        );
        assert!(
            !fits(
                vec![api()],
                None,
                vec![grant("other", AUDIENCE, "read:users")]
            ),
            "an unknown client"
        );
        assert!(
            !fits(
                vec![api()],
                None,
                vec![grant("granted", "urn:other", "read:users")]
            ),
            "an unknown API"
        );
        assert!(
            !fits(
                vec![api()],
                None,
                vec![grant("granted", AUDIENCE, "delete:users")]
            ),
            "an unknown scope"
        );
        let mut endless = api();
        endless.token_lifetime = MAX_TOKEN_LIFETIME + std::time::Duration::from_secs(1);
        assert!(
            !fits(vec![endless], None, vec![]),
            "a token for more than 30 days"
        );
        let mut userinfo = api();
        userinfo.identifier = issuer.userinfo();
        assert!(
            !fits(vec![userinfo], None, vec![]),
            "an API in the place of userinfo"
        );
    }
}
