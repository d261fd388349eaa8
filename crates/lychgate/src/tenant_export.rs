//! What a tenant says of itself: an export of `auth0-deploy-cli`, a state or a plan of Terraform, or its Management API.
//!
//! Each form is read into the same assets, under the names of the Management API, and these into one model. A field is
//! `None` where the export does not tell it, be it that it is not there or that it stands for a parameter: nobody may take
//! that for a good one. No value of a configuration or a secret leaves here, but for addresses.

mod assets;
mod deploy_cli;
mod error;
mod fields;
mod management_api;
mod model;
mod terraform;

use std::path::Path;

use self::assets::Assets;
pub(crate) use self::error::ExportError;
pub(crate) use self::management_api::ManagementApi;
pub(crate) use self::model::{Action, Api, Client, Connection, Grant, Settings, Shown, Switched};

/// A tenant's own configuration.
pub(crate) struct TenantExport {
    /// Where it comes from: a path or an address.
    pub(crate) origin: String,
    /// Whether what is not in it is not in the tenant either.
    pub(crate) is_whole: bool,
    /// Whether it is kept where others read it, so that a secret in it is one too many.
    pub(crate) is_kept_in_files: bool,
    /// The host of the tenant.
    pub(crate) domain: Option<String>,
    pub(crate) settings: Option<Settings>,
    pub(crate) apis: Option<Vec<Api>>,
    pub(crate) clients: Option<Vec<Client>>,
    pub(crate) grants: Option<Vec<Grant>>,
    pub(crate) connections: Option<Vec<Connection>>,
    pub(crate) actions: Option<Vec<Action>>,
    /// What each flow runs, in order: names or ids of actions, under the name of the trigger.
    pub(crate) triggers: Option<Vec<(String, Vec<String>)>>,
    pub(crate) rules: Option<Vec<Switched>>,
    pub(crate) hooks: Option<Vec<Switched>>,
}

impl TenantExport {
    /// Reads a folder or a YAML file of `auth0-deploy-cli`, or what Terraform has written as JSON.
    pub(crate) fn read(path: &Path) -> Result<Self, ExportError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let assets = if path.is_dir() {
            deploy_cli::folder(path)?
        } else {
            match extension {
                Some("yaml" | "yml") => deploy_cli::yaml(path)?,
                Some("json" | "tfstate") => terraform::read(path)?,
                _ => return Err(ExportError::unknown_form(path)),
            }
        };
        Self::of(path.display().to_string(), assets)
    }

    /// Asks a tenant itself.
    pub(crate) async fn ask(api: &ManagementApi) -> Result<Self, ExportError> {
        let assets = api.read().await?;
        Self::of(api.origin(), assets)
    }

    fn of(origin: String, assets: Assets) -> Result<Self, ExportError> {
        let Assets {
            is_whole,
            is_kept_in_files,
            domain,
            settings,
            apis,
            clients,
            grants,
            connections,
            actions,
            triggers,
            rules,
            hooks,
        } = assets;
        let settings = settings.as_ref().map(Settings::read).transpose()?;
        let connections = each(connections, |asset| Connection::read(asset, is_whole))?;
        let connections = connections.map(|mut all| {
            all.retain(|connection| connection.strategy.as_deref() == Some("auth0"));
            all
        });
        Ok(Self {
            origin,
            is_whole,
            is_kept_in_files,
            domain,
            settings,
            apis: each(apis, Api::read)?,
            clients: each(clients, |asset| Client::read(asset, is_whole))?,
            grants: each(grants, Grant::read)?,
            connections,
            actions: each(actions, Action::read)?,
            triggers,
            rules: each(rules, Switched::read)?,
            hooks: each(hooks, Switched::read)?,
        })
    }

    /// The file that a place of it names, or all of it.
    pub(crate) fn file_of(&self, place: &str) -> String {
        let file = format!("{}/{place}", self.origin.trim_end_matches('/'));
        if Path::new(&file).is_file() {
            file
        } else {
            self.origin.clone()
        }
    }
}

fn each<T>(
    assets: Option<Vec<assets::Asset>>,
    read: impl Fn(&assets::Asset) -> Result<T, ExportError>,
) -> Result<Option<Vec<T>>, ExportError> {
    assets
        .map(|assets| assets.iter().map(read).collect())
        .transpose()
}
