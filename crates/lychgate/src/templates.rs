//! The scripts that a platform runs, as they leave this binary.
//!
//! They are the same text for the embedded tenant and for any other: nothing of a deployment stands in them. What the
//! seven action scripts share is written once and included in each, because a platform takes one function a script.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;

/// A file that ships in the binary: its name below `templates/`, and its text.
type Template = (&'static str, &'static str);

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),+]
    };
}

/// What the action scripts include.
const PARTS: [Template; 1] = templates!["action_scripts/gateway.js"];

/// The seven action scripts of a custom database connection.
const ACTION_SCRIPTS: [Template; 7] = templates![
    "action_scripts/login.js",
    "action_scripts/get_user.js",
    "action_scripts/create.js",
    "action_scripts/verify.js",
    "action_scripts/change_password.js",
    "action_scripts/change_email.js",
    "action_scripts/delete.js",
];

/// The rule that keeps users away from the gateway's audience.
const RULES: [Template; 1] = templates!["rules/restrict_gateway_audience.js"];

/// The actions that keep users, and clients other than the scripts', away from it.
const ACTIONS: [Template; 2] = templates![
    "actions/post-login/deny_gateway_audience.js",
    "actions/credentials-exchange/restrict_gateway_clients.js",
];

/// What goes beside the scripts into an export for a platform.
const EXPORTS: [Template; 3] = templates![
    "auth0/README.md",
    "terraform/README.md",
    "terraform/main.tf"
];

/// The config of the demo's servers.
pub(crate) const DEMO_CONFIG: &str = include_str!("../templates/demo/lychgate.toml");

/// The config that is proposed for a store.
pub(crate) const INIT_CONFIG: &str = include_str!("../templates/init/lychgate.toml");

/// The page of the demo's sample application.
pub(crate) const DEMO_APPLICATION: &str = include_str!("../templates/demo/application.html");

/// Writes the action scripts, the rule and the actions below `folder`, in folders of these names, and says which files
/// they are. Where one of them is there already, nothing is written.
pub(crate) fn write_scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = ACTION_SCRIPTS.iter().chain(&RULES).chain(&ACTIONS);
    let files = files.map(|(name, _)| Ok(((*name).to_owned(), render(name, ())?)));
    write_new(folder, &files.collect::<Result<Vec<_>>>()?)
}

/// The text of a template, by its name below `templates/`.
pub(crate) fn render(name: &str, context: impl Into<minijinja::Value>) -> Result<String> {
    Ok(environment()?.get_template(name)?.render(context)?)
}

/// Writes files, each with its name below `folder` and its text, and says which they are. Where one of them is there
/// already, nothing is written.
pub(crate) fn write_new(folder: &Path, files: &[(String, String)]) -> Result<Vec<PathBuf>> {
    for (name, _) in files {
        let path = folder.join(name);
        ensure!(
            !path.exists(),
            "{} is there already; nothing was written: choose another folder",
            path.display()
        );
    }
    let write = |(name, text): &(String, String)| write_file(folder.join(name), text);
    files.iter().map(write).collect()
}

fn write_file(path: PathBuf, text: &str) -> Result<PathBuf> {
    let parent = path.parent().context("a file stands in a folder")?;
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let write = || File::create_new(&path)?.write_all(text.as_bytes());
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .build()?,
    );
    environment.add_filter("hcl", hcl_string);
    for (name, text) in PARTS
        .iter()
        .chain(&ACTION_SCRIPTS)
        .chain(&RULES)
        .chain(&ACTIONS)
        .chain(&EXPORTS)
    {
        environment
            .add_template(name, text)
            .with_context(|| format!("template {name}"))?;
    }
    Ok(environment)
}

/// A text as HCL writes it: as JSON does, and with nothing in it that HCL would fill in.
fn hcl_string(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_written_whole_and_within_the_platforms_limit() {
        let folder = tempfile::tempdir().unwrap();
        write_scripts(folder.path()).unwrap();
        for (name, _) in ACTION_SCRIPTS.iter().chain(&RULES).chain(&ACTIONS) {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(
                !text.contains("{%") && !text.contains("{{"),
                "{name} is not rendered"
            );
            assert!(text.len() < 100_000, "{name} is too large for a platform");
        }
    }

    #[test]
    fn a_script_that_is_there_is_not_overwritten_and_nothing_else_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        std::fs::create_dir(&rules).unwrap();
        std::fs::write(rules.join("restrict_gateway_audience.js"), "mine").unwrap();
        let error = write_scripts(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert!(!folder.path().join("action_scripts").exists());
    }
}
