//! What every form of export is read into: JSON under the names of the Management API, with the texts of scripts in it.

use serde_json::Value;

/// One thing of a tenant, and where in the export it stands.
pub(super) struct Asset {
    pub(super) place: String,
    pub(super) value: Value,
}

/// What an export holds. `None`: it does not tell.
#[derive(Default)]
pub(super) struct Assets {
    pub(super) is_whole: bool,
    pub(super) is_kept_in_files: bool,
    pub(super) domain: Option<String>,
    pub(super) settings: Option<Asset>,
    pub(super) apis: Option<Vec<Asset>>,
    pub(super) clients: Option<Vec<Asset>>,
    pub(super) grants: Option<Vec<Asset>>,
    pub(super) connections: Option<Vec<Asset>>,
    pub(super) actions: Option<Vec<Asset>>,
    pub(super) triggers: Option<Vec<(String, Vec<String>)>>,
    pub(super) rules: Option<Vec<Asset>>,
    pub(super) hooks: Option<Vec<Asset>>,
}

impl Asset {
    pub(super) fn new(place: impl Into<String>, value: Value) -> Self {
        Self {
            place: place.into(),
            value,
        }
    }
}

/// Sets a member of what is an object.
pub(super) fn set(value: &mut Value, name: &str, member: Value) {
    if let Some(members) = value.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}
