//! Actions: a module, its `event`, and the `api` that records what was asked.

use std::collections::BTreeMap;

use lychgate_script::{ApiCall, Container, Failure, Run, Script, Settings};
use serde_json::{Value, json};

const POST_LOGIN: &str = "onExecutePostLogin";
const CREDENTIALS: &str = "onExecuteCredentialsExchange";

async fn act(source: &str, export: &str, event: Value) -> Run<Vec<ApiCall>> {
    let secrets = BTreeMap::from([("AUDIENCE".to_owned(), "urn:legacy".to_owned())]);
    let action = Script::new("action", source).unwrap();
    Container::new(Settings::default())
        .call_action(&action, export, event, &secrets)
        .await
}

/// The names and arguments of what an action's body asked for.
async fn asked(body: &str, export: &str) -> Value {
    let run = act(
        &format!("exports.{export} = async (event, api) => {{ {body} }};"),
        export,
        json!({}),
    )
    .await;
    let calls = run
        .outcome
        .unwrap_or_else(|failure| panic!("{failure}: {body}"));
    calls
        .into_iter()
        .map(|call| json!([call.name, call.arguments]))
        .collect()
}

async fn fails(body: &str, export: &str) -> String {
    let run = act(
        &format!("exports.{export} = async (event, api) => {{ {body} }};"),
        export,
        json!({}),
    )
    .await;
    crate::message(run.outcome.unwrap_err())
}

#[tokio::test]
async fn an_action_denies_the_audience_that_its_secret_names() {
    let source = "
        // Denies every end user a token for the legacy API.
        exports.onExecutePostLogin = async (event, api) => {
          if (event.resource_server?.identifier === event.secrets.AUDIENCE) {
            return api.access.deny('not for people');
          }
        };";
    let denied = act(
        source,
        POST_LOGIN,
        json!({ "resource_server": { "identifier": "urn:legacy" } }),
    )
    .await;
    assert_eq!(
        denied.outcome.unwrap(),
        [ApiCall {
            name: "access.deny",
            arguments: vec![json!("not for people")]
        }]
    );
    let other = act(
        source,
        POST_LOGIN,
        json!({ "resource_server": { "identifier": "urn:other" } }),
    )
    .await;
    assert_eq!(other.outcome.unwrap(), []);
    assert_eq!(
        act(source, POST_LOGIN, json!({})).await.outcome.unwrap(),
        []
    );
}

#[tokio::test]
async fn what_is_asked_is_recorded_in_order() {
    let body = "api.accessToken.setCustomClaim('https://a/b', { c: [1] }); api.accessToken.addScope('read:a'); api.accessToken.removeScope('b');
                api.idToken.setCustomClaim('d', true); api.user.setUserMetadata('e', null); api.user.setAppMetadata('f', 'g');";
    let expected = json!([
        ["accessToken.setCustomClaim", ["https://a/b", { "c": [1] }]], ["accessToken.addScope", ["read:a"]], ["accessToken.removeScope", ["b"]],
        ["idToken.setCustomClaim", ["d", true]], ["user.setUserMetadata", ["e", null]], ["user.setAppMetadata", ["f", "g"]],
    ]);
    assert_eq!(asked(body, POST_LOGIN).await, expected);
    let chained = "api.accessToken.setCustomClaim('a', 1).accessToken.setCustomClaim('b', 2)";
    assert_eq!(
        asked(chained, CREDENTIALS).await.as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn deny_takes_one_argument_after_a_login_and_two_in_the_exchange() {
    assert_eq!(
        asked("api.access.deny('why')", POST_LOGIN).await,
        json!([["access.deny", ["why"]]])
    );
    assert_eq!(
        asked("api.access.deny('invalid_request', 'why')", CREDENTIALS).await,
        json!([["access.deny", ["invalid_request", "why"]]])
    );
    assert!(
        fails("api.access.deny('invalid_request', 'why')", POST_LOGIN)
            .await
            .contains("api.access.deny takes 1 argument")
    );
    assert!(
        fails("api.access.deny('why')", CREDENTIALS)
            .await
            .contains("api.access.deny takes 2 argument")
    );
    assert!(
        fails("api.access.deny('nonsense', 'why')", CREDENTIALS)
            .await
            .contains("invalid_scope, invalid_request, server_error")
    );
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_named() {
    assert!(
        fails("api.access.allow()", POST_LOGIN)
            .await
            .contains("api.access.allow does not exist")
    );
    assert!(
        fails("api.multifactor.enable('any')", POST_LOGIN)
            .await
            .contains("api.multifactor.enable does not exist")
    );
    assert!(
        fails("api.idToken.setCustomClaim('a', 1)", CREDENTIALS)
            .await
            .contains("api.idToken.setCustomClaim does not exist")
    );
    assert_eq!(asked("try { api.nothing.here(); } catch (error) { if (error instanceof TypeError) api.access.deny(error.name); }", POST_LOGIN).await, json!([["access.deny", ["TypeError"]]]));
}

#[tokio::test]
async fn an_action_may_log_its_api_and_await_it() {
    assert_eq!(asked("console.log(api, event); await api; await api.access.deny('x'); String(JSON.stringify(api));", POST_LOGIN).await, json!([["access.deny", ["x"]]]));
}

#[tokio::test]
async fn an_action_that_throws_fails() {
    assert_eq!(
        fails("throw new Error('broken')", POST_LOGIN).await,
        "broken"
    );
    let run = act(
        "exports.onExecutePostLogin = (event, api) => { api.access.deny('a'); };",
        POST_LOGIN,
        json!({}),
    )
    .await;
    assert_eq!(run.outcome.unwrap().len(), 1);
    let top = act(
        "throw new Error('at load'); exports.a = 1;",
        POST_LOGIN,
        json!({}),
    )
    .await;
    assert_eq!(crate::message(top.outcome.unwrap_err()), "at load");
}

#[tokio::test]
async fn a_missing_export_is_named() {
    let source = "exports.onExecutePostLogin = async () => {};";
    assert_eq!(
        act(source, CREDENTIALS, json!({})).await.outcome,
        Err(Failure::NoFunction(CREDENTIALS.to_owned()))
    );
    assert_eq!(
        act(source, "onSomethingElse", json!({})).await.outcome,
        Err(Failure::NoFunction("onSomethingElse".to_owned()))
    );
    assert_eq!(
        act("function login(exports) {}", POST_LOGIN, json!({}))
            .await
            .outcome,
        Err(Failure::NoFunction(POST_LOGIN.to_owned()))
    );
}

#[tokio::test]
async fn module_exports_may_be_replaced_and_the_modules_own_state_lasts_one_call() {
    let source = "const { URL } = require('url'); let count = 0; global.count = global.count || 0;
                  module.exports = { onExecutePostLogin: async (event, api) => { count += 1; global.count += 1; api.access.deny(`${count} ${global.count} ${new URL('http://a').host}`); } };";
    let action = Script::new("action", source).unwrap();
    let container = Container::new(Settings::default());
    for expected in ["1 1 a", "1 2 a"] {
        let run = container
            .call_action(&action, POST_LOGIN, json!({}), &BTreeMap::new())
            .await;
        assert_eq!(run.outcome.unwrap()[0].arguments, [json!(expected)]);
    }
}

#[tokio::test]
async fn api_calls_are_bounded() {
    assert!(
        fails("for (;;) api.accessToken.addScope('a')", POST_LOGIN)
            .await
            .contains("200 times")
    );
}
