//! The shapes that scripts have on the platform: its templates and documentation, reworded.

use lychgate_script::{Container, ErrorClass, Failure};
use serde_json::{Value, json};

use crate::call;
use crate::server::Server;

async fn outcome(
    container: &Container,
    source: &str,
    arguments: Vec<Value>,
) -> Result<Vec<Value>, Failure> {
    call(container, source, arguments).await.outcome
}

#[tokio::test]
async fn a_callback_style_login_over_request() {
    let server = Server::start().await;
    let source = "function login(email, password, callback) {
      const request = require('request@2.88.2');
      request.get({
        url: configuration.URL + (password === 'right' ? '/echo' : '/status/401'),
        auth: { username: email, password: password },
      }, function (err, response, body) {
        if (err) return callback(err);
        if (response.statusCode === 401) return callback(new WrongUsernameOrPasswordError(email, 'wrong password'));
        const user = JSON.parse(body);
        callback(null, { user_id: 'legacy|1', email: email, method: user.method });
      });
    }";
    let container = server.container();
    let right = outcome(
        &container,
        source,
        vec![json!("a@example.com"), json!("right")],
    )
    .await;
    assert_eq!(
        right.unwrap(),
        [json!({ "user_id": "legacy|1", "email": "a@example.com", "method": "GET" })]
    );
    let Err(Failure::Thrown(wrong)) = outcome(
        &container,
        source,
        vec![json!("a@example.com"), json!("wrong")],
    )
    .await
    else {
        panic!()
    };
    assert_eq!(
        wrong.class,
        ErrorClass::WrongUsernameOrPassword {
            identifier: Some("a@example.com".to_owned())
        }
    );
}

#[tokio::test]
async fn an_async_login_over_axios() {
    let server = Server::start().await;
    let source = "async function login(userNameOrEmail, password, context, callback) {
      const axios = require('axios@0.22.0');
      try {
        const response = await axios.post(configuration.URL + (password === 'right' ? '/echo' : '/status/401'), { email: userNameOrEmail, password }, {
          timeout: 10000,
          headers: { 'Content-Type': 'application/json', 'x-api-key': 'key' },
        });
        return callback(null, { user_id: 'legacy|2', email: userNameOrEmail, organization: context.organization.name, sent: JSON.parse(response.data.body).email });
      } catch (e) {
        if (e.response && e.response.status === 401) {
          return callback(new WrongUsernameOrPasswordError(userNameOrEmail, 'Invalid credentials provided.'));
        }
        return callback(new Error(e.message));
      }
    }";
    let container = server.container();
    let context = json!({ "organization": { "name": "acme" } });
    let right = outcome(
        &container,
        source,
        vec![json!("b@example.com"), json!("right"), context.clone()],
    )
    .await
    .unwrap();
    assert_eq!(right[0]["sent"], json!("b@example.com"));
    assert_eq!(right[0]["organization"], json!("acme"));
    let Err(Failure::Thrown(wrong)) = outcome(
        &container,
        source,
        vec![json!("b@example.com"), json!("x"), context],
    )
    .await
    else {
        panic!()
    };
    assert_eq!(wrong.message, "Invalid credentials provided.");
}

#[tokio::test]
async fn an_async_get_user_over_fetch_with_its_token_in_global() {
    let server = Server::start().await;
    let source = "async function getUser(email, callback) {
      const key = `token:${configuration.URL}`;
      try {
        const cached = global[key];
        if (!cached || cached.until < Date.now()) {
          const answer = await fetch(configuration.URL + '/token', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ grant_type: 'client_credentials', client_id: configuration.CLIENT_ID }),
            signal: AbortSignal.timeout(5000),
          });
          if (!answer.ok) throw new Error(`token: ${answer.status}`);
          const { access_token, expires_in } = await answer.json();
          global[key] = { access_token, until: Date.now() + (expires_in - 60) * 1000 };
        }
        const response = await fetch(configuration.URL + '/echo', { headers: { authorization: `Bearer ${global[key].access_token}` } });
        const { headers } = await response.json();
        callback(null, { user_id: headers.authorization });
      } catch (error) {
        callback(error);
      }
    }";
    let container = server.container();
    for _ in 0..3 {
        let found = outcome(&container, source, vec![json!("c@example.com")])
            .await
            .unwrap();
        assert_eq!(found, [json!({ "user_id": "Bearer token-1" })]);
    }
}

#[tokio::test]
async fn a_create_that_finds_the_user_there() {
    let source = "function create(user, callback) {
      if (user.email === 'there@example.com') return callback(new ValidationError('user_exists', 'the user exists'));
      callback(null);
    }";
    let container = Container::new(lychgate_script::Settings::default());
    assert!(
        outcome(
            &container,
            source,
            vec![json!({ "email": "new@example.com" })]
        )
        .await
        .unwrap()
        .is_empty()
    );
    let Err(Failure::Thrown(there)) = outcome(
        &container,
        source,
        vec![json!({ "email": "there@example.com" })],
    )
    .await
    else {
        panic!()
    };
    assert_eq!(
        there.class,
        ErrorClass::Validation {
            code: "user_exists".to_owned()
        }
    );
}

#[tokio::test]
async fn a_change_of_password_hashed_with_pbkdf2_as_old_templates_do() {
    let source = "function changePassword(email, newPassword, callback) {
      const crypto = require('crypto');
      const salt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
      crypto.pbkdf2(newPassword, salt, 1000, 32, 'sha1', function (err, key) {
        if (err) return callback(err);
        const blob = Buffer.concat([Buffer.from([0]), salt, key]);
        callback(null, blob.length === 49 && blob.toString('base64').length > 0);
      });
    }";
    let container = Container::new(lychgate_script::Settings::default());
    assert_eq!(
        outcome(
            &container,
            source,
            vec![json!("a@example.com"), json!("new")]
        )
        .await
        .unwrap(),
        [json!(true)]
    );
}

#[tokio::test]
async fn a_rule_that_denies_the_audience() {
    let source = "function denyLegacyAudience(user, context, callback) {
      const query = (context.request && context.request.query) || {};
      const audience = query.audience || query.resource;
      if (audience === configuration.AUDIENCE || [].concat(audience).includes('urn:legacy')) {
        return callback(new UnauthorizedError('this API is not for people'));
      }
      return callback(null, user, context);
    }";
    let container = Container::new(lychgate_script::Settings {
        configuration: [("AUDIENCE".to_owned(), "urn:legacy".to_owned())].into(),
        ..Default::default()
    });
    let asks = |audience: &str| {
        vec![
            json!({ "user_id": "1" }),
            json!({ "request": { "query": { "audience": audience } } }),
        ]
    };
    let Err(Failure::Thrown(denied)) = outcome(&container, source, asks("urn:legacy")).await else {
        panic!()
    };
    assert_eq!(
        (denied.class, denied.message.as_str()),
        (ErrorClass::Unauthorized, "this API is not for people")
    );
    assert_eq!(
        outcome(&container, source, asks("urn:other"))
            .await
            .unwrap()
            .len(),
        2
    );
}
