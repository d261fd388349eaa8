//! The attack that this product is about: a user logs in and names the audience of the legacy store.

use std::path::Path;

use lychgate_tenant::{
    ClientGrant, ClientPolicy, PipelineSettings, Settings, SubjectType, UserPolicy,
};
use lychgate_token::TokenDialect;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, exchange, returned},
    harness::{AUDIENCE, TestTenant, claims, header, write},
};

const RULE: &str = r"
function denyLegacyAudience(user, context, callback) {
    const query = (context.request && context.request.query) || {};
    const audience = query.audience || query.resource;
    if (audience === configuration.AUDIENCE) return callback(new UnauthorizedError('This API is not for users.'));
    context.accessToken['https://example.com/rule'] = context.protocol;
    context.idToken['https://example.com/rule'] = user.nickname;
    context.accessToken.sub = 'auth0|forged';
    callback(null, user, context);
}";

const ACTION: &str = r"
exports.onExecutePostLogin = async (event, api) => {
    if (event.resource_server && event.resource_server.identifier === event.secrets.AUDIENCE) {
        api.access.deny('This API is not for users.');
    }
    api.accessToken.setCustomClaim('https://example.com/action', event.connection.name);
    api.user.setAppMetadata('seen', event.stats.logins_count);
};";

/// What comes of asking for the audience: a code, or an error with its description.
async fn inject(tenant: &TestTenant, more: &[(&str, &str)]) -> Result<Value, (String, String)> {
    let query = Browser::default()
        .log_in(tenant, &[&[("scope", "openid read:users")], more].concat())
        .await;
    match query.get("code") {
        Some(code) => Ok(exchange(tenant, code).await.1),
        None => Err((query["error"].clone(), query["error_description"].clone())),
    }
}

fn denied(text: &str) -> Result<Value, (String, String)> {
    Err(("access_denied".to_owned(), text.to_owned()))
}

fn with_rule(source: &'static str) -> impl Fn(&Path, &mut Settings) {
    move |folder, settings| {
        write(&folder.join("rules/10-guard.js"), source.trim());
        settings
            .policy
            .pipeline
            .rules_sandbox
            .configuration
            .insert("AUDIENCE".to_owned(), AUDIENCE.to_owned());
        settings
            .policy
            .pipeline
            .read_rules(&folder.join("rules"))
            .unwrap();
    }
}

fn with_action(trigger: &'static str, source: &'static str) -> impl Fn(&Path, &mut Settings) {
    move |folder, settings| {
        write(
            &folder.join(format!("actions/{trigger}/10-guard.js")),
            source.trim(),
        );
        settings
            .policy
            .pipeline
            .read_actions(&folder.join("actions"))
            .unwrap();
    }
}

#[tokio::test]
async fn by_default_whoever_logs_in_gets_a_token_in_either_dialect() {
    for (dialect, token_type, client) in [
        (TokenDialect::AccessToken, "JWT", "azp"),
        (TokenDialect::Rfc9068Profile, "at+jwt", "client_id"),
    ] {
        let tenant =
            TestTenant::start_with(|_, settings| settings.policy.apis[0].token_dialect = dialect)
                .await;
        for parameter in ["audience", "resource"] {
            let tokens = inject(&tenant, &[(parameter, AUDIENCE)]).await.unwrap();
            let token = claims(&tokens["access_token"]);
            assert_eq!(token["aud"][0], AUDIENCE);
            assert_eq!(
                (&token["sub"], &token[client]),
                (&json!("auth0|7"), &json!("app"))
            );
            assert_eq!(header(&tokens["access_token"])["typ"], token_type);
        }
    }
}

#[tokio::test]
async fn the_default_audience_needs_no_parameter() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.default_audience = Some(AUDIENCE.to_owned());
    })
    .await;
    assert_eq!(
        claims(&inject(&tenant, &[]).await.unwrap()["access_token"])["aud"][0],
        AUDIENCE
    );
}

#[tokio::test]
async fn a_rule_shuts_it() {
    let tenant = TestTenant::start_with(with_rule(RULE)).await;
    for parameter in ["audience", "resource"] {
        assert_eq!(
            inject(&tenant, &[(parameter, AUDIENCE)]).await,
            denied("This API is not for users.")
        );
    }
    let tokens = inject(&tenant, &[]).await.unwrap();
    let token = claims(&tokens["access_token"]);
    assert_eq!(token["https://example.com/rule"], "oidc-basic-profile");
    assert_eq!(token["sub"], "auth0|7", "a rule does not say who it is");
    assert_eq!(
        claims(&tokens["id_token"])["https://example.com/rule"],
        "ada"
    );
    assert_eq!(
        tenant.client_token(AUDIENCE).await.0,
        200,
        "rules do not run on client credentials"
    );
}

#[tokio::test]
async fn a_rule_does_not_see_the_default_audience() {
    let tenant = TestTenant::start_with(|folder, settings| {
        with_rule(RULE)(folder, settings);
        settings.policy.default_audience = Some(AUDIENCE.to_owned());
    })
    .await;
    let tokens = inject(&tenant, &[]).await.unwrap();
    assert_eq!(
        claims(&tokens["access_token"])["aud"][0],
        AUDIENCE,
        "as on the platform: actions see it, rules do not"
    );
}

#[tokio::test]
async fn a_rule_runs_on_silent_authentication_too() {
    let tenant = TestTenant::start_with(with_rule(RULE)).await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[]).await;
    let query = returned(
        &browser
            .authorize(&tenant, &[("audience", AUDIENCE), ("prompt", "none")])
            .await,
    );
    assert_eq!(query["error"], "access_denied");
    let query = returned(&browser.authorize(&tenant, &[("audience", AUDIENCE)]).await);
    assert_eq!(
        query["error"], "access_denied",
        "the session stays, and is denied again"
    );
}

#[tokio::test]
async fn an_action_shuts_it_whatever_the_parameter() {
    let tenant = TestTenant::start_with(with_action("post-login", ACTION)).await;
    for parameter in ["audience", "resource"] {
        assert_eq!(
            inject(&tenant, &[(parameter, AUDIENCE)]).await,
            denied("This API is not for users.")
        );
    }
    let tokens = inject(&tenant, &[]).await.unwrap();
    assert_eq!(
        claims(&tokens["access_token"])["https://example.com/action"],
        "legacy"
    );
    let defaulted = TestTenant::start_with(|folder, settings| {
        with_action("post-login", ACTION)(folder, settings);
        settings.policy.default_audience = Some(AUDIENCE.to_owned());
    })
    .await;
    assert_eq!(
        inject(&defaulted, &[]).await,
        denied("This API is not for users.")
    );
}

#[tokio::test]
async fn a_script_that_fails_denies() {
    for rule in [
        "function throws(user, context, callback) { nothing.there(); }",
        "function handsNothingOn(user, context, callback) { callback(null); }",
        "function wantsASecondFactor(user, context, callback) { context.multifactor = { provider: 'any' }; callback(null, user, context); }",
    ] {
        let tenant = TestTenant::start_with(with_rule(rule)).await;
        assert_eq!(
            inject(&tenant, &[]).await.unwrap_err().0,
            "access_denied",
            "{rule}"
        );
    }
    for action in [
        "exports.onExecutePostLogin = async () => { throw new Error('x'); };",
        "exports.onExecuteCredentialsExchange = async () => {};",
    ] {
        let tenant = TestTenant::start_with(with_action("post-login", action)).await;
        assert_eq!(
            inject(&tenant, &[]).await.unwrap_err().0,
            "access_denied",
            "{action}"
        );
    }
}

#[tokio::test]
async fn the_access_policy_shuts_it_without_any_code() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.apis[0].subject_type_authorization.user = UserPolicy::DenyAll;
    })
    .await;
    let text = format!("Client 'app' is not authorized to access resource server '{AUDIENCE}'.");
    assert_eq!(
        inject(&tenant, &[("audience", AUDIENCE)]).await,
        denied(&text)
    );
    assert_eq!(
        tenant.client_token(AUDIENCE).await.0,
        200,
        "the script client still gets its token"
    );
}

#[tokio::test]
async fn with_a_required_grant_only_granted_applications_get_a_token() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.apis[0].subject_type_authorization.user = UserPolicy::RequireClientGrant;
    })
    .await;
    assert!(inject(&tenant, &[("audience", AUDIENCE)]).await.is_err());
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.apis[0].subject_type_authorization.user = UserPolicy::RequireClientGrant;
        settings.policy.client_grants.push(ClientGrant {
            client_id: "app".to_owned(),
            audience: AUDIENCE.to_owned(),
            scope: "read:users".parse().unwrap(),
            subject_type: SubjectType::User,
        });
    })
    .await;
    assert_eq!(
        claims(&inject(&tenant, &[("audience", AUDIENCE)]).await.unwrap()["access_token"])["scope"],
        "openid read:users"
    );
}

#[tokio::test]
async fn a_policy_can_be_changed_while_the_tenant_runs() {
    let tenant = TestTenant::start().await;
    let open = Browser::default()
        .log_in(&tenant, &[("audience", AUDIENCE)])
        .await;
    let port = tenant.port;
    let mut policy = crate::harness::policy(port);
    policy.apis[0].subject_type_authorization.user = UserPolicy::DenyAll;
    tenant.handle.adopt(policy).unwrap();
    assert!(inject(&tenant, &[("audience", AUDIENCE)]).await.is_err());
    let (status, error) = exchange(&tenant, &open["code"]).await;
    assert_eq!(
        (status, &error["error"]),
        (403, &json!("access_denied")),
        "a code from before gets nothing either"
    );
}

#[tokio::test]
async fn a_credentials_exchange_action_decides_about_clients() {
    let source = r"
exports.onExecuteCredentialsExchange = async (event, api) => {
    if (event.client.client_id !== 'basic') return api.access.deny('invalid_scope', 'Only one client may have this API.');
    if (JSON.stringify(event).includes('a-secret-that')) return api.access.deny('server_error', 'secret seen');
    api.accessToken.setCustomClaim('https://example.com/scopes', event.accessToken.scope.length);
};";
    let tenant = TestTenant::start_with(with_action("credentials-exchange", source)).await;
    let (status, error) = tenant.client_token(AUDIENCE).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_scope")));
    let form = [("grant_type", "client_credentials"), ("audience", AUDIENCE)];
    let request = tenant
        .http
        .post(tenant.url("oauth/token"))
        .basic_auth("basic", Some(crate::harness::SECRET))
        .form(&form);
    let (status, tokens) = crate::harness::answer(request).await;
    assert_eq!(
        (
            status,
            &claims(&tokens["access_token"])["https://example.com/scopes"]
        ),
        (200, &json!(1))
    );
}

#[tokio::test]
async fn a_client_policy_of_deny_all_means_no_client() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.apis[0].subject_type_authorization.client = ClientPolicy::DenyAll;
        settings.policy.pipeline = PipelineSettings::default();
    })
    .await;
    assert_eq!(tenant.client_token(AUDIENCE).await.0, 403);
}

#[tokio::test]
async fn rules_run_in_the_order_of_their_file_names_and_actions_after_them() {
    let tenant = TestTenant::start_with(|folder, settings| {
        let rule = |name: &str| {
            format!(
                "function (user, context, callback) {{ user.seen = (user.seen || '') + '{name}'; \
                 context.accessToken['https://example.com/seen'] = user.seen; callback(null, user, context); }}"
            )
        };
        for name in ["30-c", "10-a", "20-b"] {
            write(&folder.join(format!("rules/{name}.js")), &rule(name));
        }
        write(&folder.join("rules/notes.txt"), "not a rule");
        let action = "exports.onExecutePostLogin = async (event, api) => { api.accessToken.setCustomClaim('https://example.com/last', event.transaction.protocol); };";
        write(&folder.join("actions/post-login/1.js"), action);
        settings.policy.pipeline.read_rules(&folder.join("rules")).unwrap();
        settings.policy.pipeline.read_actions(&folder.join("actions")).unwrap();
    })
    .await;
    let token = claims(&inject(&tenant, &[]).await.unwrap()["access_token"]);
    assert_eq!(token["https://example.com/seen"], "10-a20-b30-c");
    assert_eq!(token["https://example.com/last"], "oidc-basic-profile");
}
