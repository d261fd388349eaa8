//! A new user, with the profile that the tenant's sign-up collected and a hash in the store's written format.

use http::StatusCode;
use lychgate_password::Password;
use lychgate_store::{Identifier, IdentifierKind, Parameters, StatementName, Value};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use super::{Input, Operation, Output};
use crate::audit::Outcome;
use crate::body::fields::{Email, Fields};
use crate::legacy::Legacy;
use crate::problem::{FieldFault, InvalidField, Problem};
use crate::profile::Profile;
use crate::scope::Authorized;

/// The operation.
pub struct Create;

/// The body of [`Create`]: `email`, `username` or both.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CreateInput {
    /// By what the user is found again.
    #[schemars(skip)]
    identifier: Identifier,
    /// The e-mail address.
    #[schemars(with = "Option<String>", extend("type" = "string"))]
    pub email: Option<Email>,
    /// The name to log in with.
    #[schemars(with = "Option<String>", extend("type" = "string"))]
    pub username: Option<Identifier>,
    /// The password.
    #[schemars(with = "String")]
    pub password: Password,
    /// What to call the user.
    #[schemars(extend("type" = "string"))]
    pub nickname: Option<String>,
    /// The full name.
    #[schemars(extend("type" = "string"))]
    pub name: Option<String>,
    /// The given name.
    #[schemars(extend("type" = "string"))]
    pub given_name: Option<String>,
    /// The family name.
    #[schemars(extend("type" = "string"))]
    pub family_name: Option<String>,
    /// The URL of a picture.
    #[schemars(extend("type" = "string"))]
    pub picture: Option<String>,
    /// The phone number.
    #[schemars(extend("type" = "string"))]
    pub phone_number: Option<String>,
    /// Whether the number is the user's.
    #[schemars(extend("type" = "boolean"))]
    pub phone_verified: Option<bool>,
    /// Whether the address is the user's.
    #[schemars(extend("type" = "boolean"))]
    pub email_verified: Option<bool>,
    /// What the user may change about herself.
    #[schemars(extend("type" = "object"))]
    pub user_metadata: Option<Map<String, serde_json::Value>>,
    /// What only applications may change.
    #[schemars(extend("type" = "object"))]
    pub app_metadata: Option<Map<String, serde_json::Value>>,
}

/// The new user.
#[derive(Serialize, JsonSchema)]
pub struct UserCreated {
    /// The user's profile.
    pub user: Profile,
}

impl Operation for Create {
    const NAME: &'static str = "create";
    const PATH: &'static str = "/v1/users/create";
    const SCOPE: &'static str = "create:users";
    const SUMMARY: &'static str = "Makes a user";
    const STATEMENT: StatementName = StatementName::Create;
    const STATUS: StatusCode = StatusCode::CREATED;
    type Input = CreateInput;
    type Output = UserCreated;

    async fn run(
        _caller: Authorized<Self>,
        input: Self::Input,
        legacy: &Legacy,
    ) -> Result<UserCreated, Problem> {
        let identifier = input.identifier.clone();
        let username = input.username.clone();
        let (password, parameters) = input.into_parameters();
        let names = [Some(&identifier), username.as_ref()];
        let names: Vec<_> = names
            .into_iter()
            .flatten()
            .map(Identifier::as_str)
            .collect();
        let parameters = legacy
            .with_new_password(parameters, password, &names, "password")
            .await?;
        let written = legacy.write(Self::STATEMENT, &parameters).await?;
        if written.matched == 0 {
            return Err(Problem::UserExists);
        }
        let user = match written.row {
            Some(row) => legacy.profile(Self::STATEMENT, row)?,
            None => legacy
                .look_up(&identifier)
                .await?
                .ok_or(Problem::Internal("created-user-not-found"))?,
        };
        Ok(UserCreated { user })
    }
}

impl CreateInput {
    fn into_parameters(self) -> (Password, Parameters) {
        let text = |object: Map<_, _>| serde_json::Value::Object(object).to_string();
        let values: [(&str, Option<Value>); 12] = [
            ("email", self.email.map(|email| email.as_str().into())),
            (
                "username",
                self.username.map(|username| username.as_str().into()),
            ),
            ("nickname", self.nickname.map(Value::Text)),
            ("name", self.name.map(Value::Text)),
            ("given_name", self.given_name.map(Value::Text)),
            ("family_name", self.family_name.map(Value::Text)),
            ("picture", self.picture.map(Value::Text)),
            ("phone_number", self.phone_number.map(Value::Text)),
            ("phone_verified", self.phone_verified.map(Value::Boolean)),
            ("email_verified", self.email_verified.map(Value::Boolean)),
            (
                "user_metadata",
                self.user_metadata.map(text).map(Value::Text),
            ),
            ("app_metadata", self.app_metadata.map(text).map(Value::Text)),
        ];
        let parameters = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .fold(Parameters::new(), |parameters, (name, value)| {
                parameters.with(name, value)
            });
        (self.password, parameters)
    }
}

/// The first field by which the user can be found again.
fn found_by(
    email: Option<&Email>,
    username: Option<&Identifier>,
    kind: IdentifierKind,
) -> Result<Identifier, InvalidField> {
    let given = [email.map(Email::identifier), username];
    let mut given = given.into_iter().flatten();
    let (field, fault) = match (kind, username) {
        (IdentifierKind::Username, Some(_)) => ("username", FieldFault::Unacceptable),
        (IdentifierKind::Username, None) => ("username", FieldFault::Missing),
        (IdentifierKind::Email | IdentifierKind::Either, _) => ("email", FieldFault::Missing),
    };
    given
        .find(|given| given.is_of_kind())
        .cloned()
        .ok_or(InvalidField {
            field: field.into(),
            fault,
        })
}

impl Input for CreateInput {
    fn read(fields: &mut Fields<'_>) -> Result<Self, InvalidField> {
        let email: Option<Email> = fields.optional("email")?;
        let username: Option<Identifier> = fields.optional("username")?;
        Ok(Self {
            identifier: found_by(email.as_ref(), username.as_ref(), fields.identifier_kind())?,
            email,
            username,
            password: fields.required("password")?,
            nickname: fields.optional("nickname")?,
            name: fields.optional("name")?,
            given_name: fields.optional("given_name")?,
            family_name: fields.optional("family_name")?,
            picture: fields.optional("picture")?,
            phone_number: fields.optional("phone_number")?,
            phone_verified: fields.optional("phone_verified")?,
            email_verified: fields.optional("email_verified")?,
            user_metadata: fields.optional("user_metadata")?,
            app_metadata: fields.optional("app_metadata")?,
        })
    }

    fn about(&self) -> &str {
        self.identifier.as_str()
    }

    fn second_name(&self) -> Option<&str> {
        self.username.as_ref().map(Identifier::as_str)
    }
}

impl Output for UserCreated {
    fn outcome(&self) -> Outcome {
        Outcome::Created
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user.user_id)
    }
}
