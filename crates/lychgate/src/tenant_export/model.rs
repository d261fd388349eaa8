//! The things of a tenant that a check asks about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::assets::Asset;
use super::error::ExportError;
use super::fields::Fields;

/// What holds for the whole tenant.
pub(crate) struct Settings {
    pub(crate) place: String,
    /// The API of whoever names none; `None`: there is no such API.
    pub(crate) default_audience: Option<String>,
    /// The version of Node that scripts run on.
    pub(crate) sandbox_version: Option<String>,
}

/// An API, which Auth0 also calls a resource server.
pub(crate) struct Api {
    pub(crate) place: String,
    pub(crate) identifier: Option<String>,
    pub(crate) user_policy: Option<String>,
    pub(crate) client_policy: Option<String>,
    /// `None`: nobody without a login gets a token, which is the default.
    pub(crate) anonymous_policy: Option<String>,
    pub(crate) signing_alg: Option<String>,
    pub(crate) token_dialect: Option<String>,
    /// Seconds.
    pub(crate) token_lifetime: Option<u64>,
    pub(crate) allow_offline_access: Option<bool>,
    pub(crate) skip_consent: Option<bool>,
    pub(crate) enforce_policies: Option<bool>,
    pub(crate) encrypts_tokens: bool,
    /// How tokens are bound to whom they are issued to (`proof_of_possession.mechanism`).
    pub(crate) proof_mechanism: Option<String>,
    pub(crate) proof_required: Option<bool>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// An application.
#[expect(
    clippy::struct_field_names,
    reason = "`client_id` is its name at the platform"
)]
pub(crate) struct Client {
    pub(crate) place: String,
    pub(crate) client_id: Option<String>,
    /// What else it is called by: its name, and its address in Terraform.
    pub(crate) names: Vec<String>,
    pub(crate) app_type: Option<String>,
    pub(crate) grant_types: Option<Vec<String>>,
    pub(crate) token_endpoint_auth_method: Option<String>,
    /// The audiences that its refresh tokens may be exchanged for (`refresh_token.policies`).
    pub(crate) refresh_audiences: Option<Vec<String>>,
    /// What it may exchange tokens for (`token_exchange.allow_any_profile_of_type`).
    pub(crate) token_exchange: Option<Vec<String>>,
    /// The API that this client is.
    pub(crate) resource_server_identifier: Option<String>,
}

/// What a client may have a token for.
pub(crate) struct Grant {
    pub(crate) place: String,
    /// Id, name or address of the client.
    pub(crate) client: Option<String>,
    pub(crate) default_for: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) subject_type: Option<String>,
    pub(crate) scope: Option<Vec<String>>,
    pub(crate) allow_all_scopes: Option<bool>,
}

/// A database connection.
pub(crate) struct Connection {
    pub(crate) place: String,
    pub(crate) strategy: Option<String>,
    pub(crate) is_custom: Option<bool>,
    pub(crate) import_mode: Option<bool>,
    pub(crate) disable_signup: Option<bool>,
    pub(crate) brute_force_protection: Option<bool>,
    pub(crate) password_policy: Option<String>,
    /// Characters.
    pub(crate) password_min_length: Option<u64>,
    /// Ids or names of the clients that it is on for.
    pub(crate) enabled_clients: Option<Vec<String>>,
    pub(crate) scripts: Option<BTreeMap<String, String>>,
    /// The names of what its scripts are configured with, and of each what it shows.
    pub(crate) configuration: Option<BTreeMap<String, Shown>>,
}

/// What an export shows of a value that may be a secret.
pub(crate) enum Shown {
    /// Nothing: a parameter, a mask, or a ciphertext.
    Nothing,
    /// An address, which is no secret.
    Address(String),
    /// The value itself. It is not kept.
    Value,
}

/// An action.
pub(crate) struct Action {
    pub(crate) place: String,
    /// What it is called by: name, id, and its address in Terraform.
    pub(crate) names: Vec<String>,
    pub(crate) code: Option<String>,
    pub(crate) runtime: Option<String>,
    pub(crate) is_deployed: Option<bool>,
    pub(crate) triggers: Option<Vec<String>>,
    /// The names of its secrets, and of each whether its value stands in the export.
    pub(crate) secrets: Option<BTreeMap<String, Shown>>,
}

/// A rule or a hook.
pub(crate) struct Switched {
    pub(crate) place: String,
    pub(crate) is_on: Option<bool>,
}

impl Settings {
    pub(super) fn read(asset: &Asset) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        let audience = fields.text("default_audience")?;
        Ok(Self {
            place: fields.place(),
            default_audience: audience.filter(|audience| !audience.is_empty()),
            sandbox_version: fields.text("sandbox_version")?,
        })
    }
}

impl Api {
    pub(super) fn read(asset: &Asset) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        let policy = |of: &str| fields.text(&format!("subject_type_authorization.{of}.policy"));
        Ok(Self {
            place: fields.place(),
            identifier: fields.text("identifier")?,
            user_policy: policy("user")?,
            client_policy: policy("client")?,
            anonymous_policy: policy("anonymous_user")?,
            signing_alg: fields.text("signing_alg")?,
            token_dialect: fields.text("token_dialect")?,
            token_lifetime: fields.number("token_lifetime")?,
            allow_offline_access: fields.flag("allow_offline_access")?,
            skip_consent: fields.flag("skip_consent_for_verifiable_first_party_clients")?,
            enforce_policies: fields.flag("enforce_policies")?,
            encrypts_tokens: fields.is_set("token_encryption.format"),
            proof_mechanism: fields.text("proof_of_possession.mechanism")?,
            proof_required: fields.flag("proof_of_possession.required")?,
            scopes: fields.texts_of("scopes", "value")?,
        })
    }
}

impl Client {
    pub(super) fn read(asset: &Asset, is_whole: bool) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        // These are opt-in: a client that is told whole and has none is none.
        let none = |path: &str| (is_whole && fields.is_absent(path)).then(Vec::new);
        let (policies, exchange) = (
            "refresh_token.policies",
            "token_exchange.allow_any_profile_of_type",
        );
        Ok(Self {
            place: fields.place(),
            client_id: fields.text("client_id")?,
            names: names(&fields, &["name"])?,
            app_type: fields.text("app_type")?,
            grant_types: fields.texts("grant_types")?,
            token_endpoint_auth_method: fields.text("token_endpoint_auth_method")?,
            refresh_audiences: fields
                .texts_of(policies, "audience")?
                .or_else(|| none(policies)),
            token_exchange: fields.texts(exchange)?.or_else(|| none(exchange)),
            resource_server_identifier: fields.text("resource_server_identifier")?,
        })
    }

    /// Whether this is the client that somebody names.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.client_id.as_deref() == Some(name) || self.names.iter().any(|own| own == name)
    }
}

impl Grant {
    pub(super) fn read(asset: &Asset) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        Ok(Self {
            place: fields.place(),
            client: fields.text("client_id")?,
            default_for: fields.text("default_for")?,
            audience: fields.text("audience")?,
            subject_type: fields.text("subject_type")?,
            scope: fields.texts("scope")?,
            allow_all_scopes: fields.flag("allow_all_scopes")?,
        })
    }
}

impl Connection {
    pub(super) fn read(asset: &Asset, is_whole: bool) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        let scripts = fields.map("options.customScripts")?;
        let min_length = match fields.number("options.password_options.complexity.min_length")? {
            Some(length) => Some(length),
            None => fields.number("options.password_complexity_options.min_length")?,
        };
        let enabled_clients = fields.texts("enabled_clients")?;
        let configuration = fields.map("options.configuration")?;
        Ok(Self {
            place: fields.place(),
            strategy: fields.text("strategy")?,
            is_custom: fields
                .flag("options.enabledDatabaseCustomization")?
                .or_else(|| scripts.as_ref().map(|scripts| !scripts.is_empty())),
            import_mode: fields.flag("options.import_mode")?,
            disable_signup: fields.flag("options.disable_signup")?,
            brute_force_protection: fields.flag("options.brute_force_protection")?,
            password_policy: fields.text("options.passwordPolicy")?,
            password_min_length: min_length,
            enabled_clients: enabled_clients
                .or_else(|| (is_whole && fields.is_absent("enabled_clients")).then(Vec::new)),
            scripts,
            configuration: configuration.map(|values| {
                let values = values.into_iter();
                values
                    .map(|(name, value)| (name, Shown::of(value)))
                    .collect()
            }),
        })
    }
}

impl Action {
    pub(super) fn read(asset: &Asset) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        let secrets = fields.texts_of("secrets", "name")?;
        let secrets = secrets.map(|names| names.into_iter().map(|name| (name, Shown::Nothing)));
        let mut secrets: Option<BTreeMap<_, _>> = secrets.map(Iterator::collect);
        // The Management API names secrets and shows no value.
        if let (Some(secrets), Some(values)) = (
            &mut secrets,
            asset.value.get("secrets").and_then(Value::as_array),
        ) {
            for secret in values {
                if let (Some(name), Some(value)) =
                    (secret["name"].as_str(), secret["value"].as_str())
                {
                    secrets.insert(name.to_owned(), Shown::of(value.to_owned()));
                }
            }
        }
        Ok(Self {
            place: fields.place(),
            names: names(&fields, &["name", "id", "display_name"])?,
            code: fields.text("code")?,
            runtime: fields.text("runtime")?,
            is_deployed: fields.flag("deployed")?,
            triggers: fields.texts_of("supported_triggers", "id")?,
            secrets,
        })
    }

    /// Whether this is the action that a flow names.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

impl Switched {
    pub(super) fn read(asset: &Asset) -> Result<Self, ExportError> {
        let fields = Fields::of(asset);
        let is_on = match fields.flag("enabled")? {
            Some(enabled) => Some(enabled),
            None => fields.flag("active")?,
        };
        Ok(Self {
            place: fields.place(),
            is_on,
        })
    }
}

impl Shown {
    /// What `auth0-deploy-cli` writes in place of a value, and what the Management API encrypts one to, show nothing.
    fn of(value: String) -> Self {
        let hidden = value.is_empty()
            || value == "_VALUE_NOT_SHOWN_"
            || value.starts_with("2.0$")
            || super::fields::is_parameter(&value);
        if hidden {
            Self::Nothing
        } else if url::Url::parse(&value).is_ok_and(|url| url.has_host()) {
            Self::Address(value)
        } else {
            Self::Value
        }
    }
}

/// What a thing is called by.
fn names(fields: &Fields<'_>, of: &[&str]) -> Result<Vec<String>, ExportError> {
    let mut names = Vec::new();
    for name in of.iter().chain(&["address"]) {
        names.extend(fields.text(name)?);
    }
    Ok(names)
}
