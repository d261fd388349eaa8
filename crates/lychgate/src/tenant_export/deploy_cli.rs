//! The two layouts of `auth0-deploy-cli`: a folder with a file for each thing, and one YAML file with scripts beside it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use super::assets::{Asset, Assets};
use super::error::ExportError;

/// The largest file that is read, in bytes. Auth0 takes scripts of up to 100 kB.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The most files of one kind.
const MOST_FILES: usize = 10_000;

/// Reads a folder.
pub(super) fn folder(root: &Path) -> Result<Assets, ExportError> {
    let tree = Tree { root };
    let tenant = tree.optional_document("tenant.json")?;
    let actions = tree.documents("actions")?;
    let rules = tree.documents("rules")?;
    let mut triggers = tree.documents("triggers")?.unwrap_or_default();
    triggers.truncate(1);
    // A dump of a tenant has its settings; what is written to be imported into any has not. What a dump has no folder for,
    // the tenant has not.
    let is_whole = tenant.is_some();
    let none = || is_whole.then(Vec::new);
    let assets = Assets {
        is_whole,
        is_kept_in_files: true,
        domain: None,
        settings: tenant,
        apis: tree.documents("resource-servers")?,
        clients: tree.documents("clients")?,
        grants: tree.documents("grants")?,
        connections: tree.databases()?,
        actions: tree.with_text(actions, "code", "")?,
        triggers: triggers.first().map(bindings),
        rules: tree.with_text(rules, "script", "rules")?.or_else(none),
        hooks: tree.documents("hooks")?.or_else(none),
    };
    let is_empty =
        assets.apis.is_none() && assets.clients.is_none() && assets.connections.is_none();
    if is_empty {
        return Err(ExportError::unknown_form(root));
    }
    Ok(assets)
}

/// Reads a YAML file.
pub(super) fn yaml(path: &Path) -> Result<Assets, ExportError> {
    let root = path.parent().unwrap_or(Path::new(""));
    let tree = Tree { root };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = tree.text(&name)?;
    let document: Value = serde_saphyr::from_str(&quote_parameters(&text))
        .map_err(|_| ExportError::unreadable(&path.display(), &"it is no YAML"))?;
    let Some(members) = document.as_object() else {
        return Err(ExportError::unknown_form(path));
    };
    let list = |kind: &str| -> Option<Vec<Asset>> {
        let elements = members.get(kind)?.as_array()?.iter().enumerate();
        Some(
            elements
                .map(|(index, value)| Asset::new(format!("{kind}[{index}]"), value.clone()))
                .collect(),
        )
    };
    let mut databases = list("databases");
    for database in databases.iter_mut().flatten() {
        tree.fill_scripts(database, "")?;
    }
    let one = |kind: &str| {
        members
            .get(kind)
            .map(|value| Asset::new(kind, value.clone()))
    };
    let settings = one("tenant");
    if list("resourceServers").is_none() && list("clients").is_none() && databases.is_none() {
        return Err(ExportError::unknown_form(path));
    }
    let is_whole = settings.is_some();
    let none = || is_whole.then(Vec::new);
    Ok(Assets {
        is_whole,
        is_kept_in_files: true,
        domain: None,
        settings,
        apis: list("resourceServers"),
        clients: list("clients"),
        grants: list("clientGrants"),
        connections: databases,
        actions: tree.with_text(list("actions"), "code", "")?,
        triggers: one("triggers").as_ref().map(bindings),
        rules: tree.with_text(list("rules"), "script", "")?.or_else(none),
        hooks: list("hooks").or_else(none),
    })
}

/// What each trigger runs, by the names of its actions.
fn bindings(asset: &Asset) -> Vec<(String, Vec<String>)> {
    let triggers = asset.value.as_object().into_iter().flatten();
    let bound = triggers.map(|(trigger, actions)| {
        let actions = actions.as_array().into_iter().flatten();
        let names = actions.filter_map(|action| action.get("action_name")?.as_str());
        (trigger.clone(), names.map(str::to_owned).collect())
    });
    bound.collect()
}

/// The files of an export. None is read that is not among them.
struct Tree<'path> {
    root: &'path Path,
}

impl Tree<'_> {
    /// The `.json` files of a folder, in the order of their names.
    fn documents(&self, kind: &str) -> Result<Option<Vec<Asset>>, ExportError> {
        let Some(names) = self.names(kind)? else {
            return Ok(None);
        };
        let is_document =
            |name: &String| Path::new(name).extension().is_some_and(|it| it == "json");
        let names = names.into_iter().filter(is_document);
        let documents = names.map(|name| self.document(format!("{kind}/{name}")));
        documents.collect::<Result<_, _>>().map(Some)
    }

    fn databases(&self) -> Result<Option<Vec<Asset>>, ExportError> {
        let kind = "database-connections";
        let Some(names) = self.names(kind)? else {
            return Ok(None);
        };
        let mut databases = Vec::new();
        for name in names {
            let folder = format!("{kind}/{name}");
            if let Some(mut database) =
                self.optional_document(&format!("{folder}/database.json"))?
            {
                self.fill_scripts(&mut database, &folder)?;
                databases.push(database);
            }
        }
        Ok(Some(databases))
    }

    /// Puts the texts of a connection's scripts in the place of their names.
    fn fill_scripts(&self, database: &mut Asset, folder: &str) -> Result<(), ExportError> {
        // Old exports have them beside the options.
        let beside = database.value.get("customScripts").cloned();
        if let (Some(scripts), Some(members)) = (beside, database.value.as_object_mut()) {
            let options = members
                .entry("options")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(options) = options.as_object_mut() {
                options.insert("customScripts".to_owned(), scripts);
            }
        }
        let scripts = database.value.pointer_mut("/options/customScripts");
        for (_, script) in scripts.and_then(Value::as_object_mut).into_iter().flatten() {
            if let Value::String(name) = script {
                *name = self.text_named(name, folder, &database.place)?;
            }
        }
        Ok(())
    }

    /// Puts a text in the place of the name of its file.
    fn with_text(
        &self,
        assets: Option<Vec<Asset>>,
        field: &str,
        folder: &str,
    ) -> Result<Option<Vec<Asset>>, ExportError> {
        let Some(mut assets) = assets else {
            return Ok(None);
        };
        for asset in &mut assets {
            let named = asset.value.get_mut(field);
            if let Some(Value::String(name)) = named {
                *name = self.text_named(name, folder, &asset.place)?;
            }
        }
        Ok(Some(assets))
    }

    fn text_named(&self, name: &str, folder: &str, place: &str) -> Result<String, ExportError> {
        let mut path = PathBuf::from(folder);
        for part in Path::new(&name.replace('\\', "/")).components() {
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir if path.pop() => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(ExportError::Outside {
                        place: place.to_owned(),
                        named: name.to_owned(),
                    });
                }
            }
        }
        self.text(&path.to_string_lossy())
    }

    fn optional_document(&self, name: &str) -> Result<Option<Asset>, ExportError> {
        if self.root.join(name).is_file() {
            self.document(name.to_owned()).map(Some)
        } else {
            Ok(None)
        }
    }

    fn document(&self, name: String) -> Result<Asset, ExportError> {
        let text = quote_parameters(&self.text(&name)?);
        // The parser's own message may show a value.
        let value = serde_json::from_str(&text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            ExportError::unreadable(&name, &format!("it is no JSON at {place}"))
        })?;
        Ok(Asset::new(name, value))
    }

    fn text(&self, name: &str) -> Result<String, ExportError> {
        let unreadable = |error: std::io::Error| ExportError::unreadable(&name, &error);
        let file = File::open(self.root.join(name)).map_err(unreadable)?;
        let mut text = String::new();
        file.take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(ExportError::TooLarge {
                place: name.to_owned(),
                most: MOST_BYTES,
            });
        }
        Ok(text)
    }

    /// What is in a folder, if it is there.
    fn names(&self, kind: &str) -> Result<Option<Vec<String>>, ExportError> {
        let Ok(entries) = std::fs::read_dir(self.root.join(kind)) else {
            return Ok(None);
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| ExportError::unreadable(&kind, &error))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
            if names.len() > MOST_FILES {
                return Err(ExportError::TooMany {
                    place: kind.to_owned(),
                    most: MOST_FILES,
                });
            }
        }
        names.sort();
        Ok(Some(names))
    }
}

/// `@@NAME@@` stands for a whole value, with or without quotes; with them it is a text in either language.
fn quote_parameters(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@@") {
        quoted.push_str(before);
        let inner = after.split_once("@@");
        let parameter = inner.filter(|(name, _)| {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            !name.is_empty() && name.bytes().all(is_name)
        });
        if let Some((name, following)) = parameter {
            let mark = if before.ends_with(['"', '\'']) {
                ""
            } else {
                "\""
            };
            quoted.extend([mark, "@@", name, "@@", mark]);
            rest = following;
        } else {
            quoted.push_str("@@");
            rest = after;
        }
    }
    quoted.push_str(rest);
    quoted
}
