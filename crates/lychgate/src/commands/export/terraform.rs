//! `lychgate export terraform`: resources of the provider `auth0/auth0`, with the scripts beside them.

use anyhow::Result;
use minijinja::context;

use super::platform::{
    API, DENY_ACTION, Platform, PlatformArguments, RESTRICT_ACTION, RUNTIME, SCRIPT_CLIENT,
};
use crate::commands::Failure;
use crate::templates;

/// Writes the files, and prints their names.
pub(super) fn run(arguments: &PlatformArguments) -> Result<(), Failure> {
    let platform = Platform::read(arguments)?;
    Ok(super::write(&arguments.out, &files(&platform)?)?)
}

/// Every file of the folder: its name in it, and its text.
fn files(platform: &Platform) -> Result<Vec<(String, String)>> {
    let scripts = platform.scripts()?;
    // One below the other, as `terraform fmt` has them.
    let longest = scripts.iter().map(|(name, _)| name.len()).max();
    let longest = longest.unwrap_or_default();
    let keys = scripts.iter();
    let keys = keys.map(|(name, _)| context! { name => *name, key => format!("{name:<longest$}") });
    let operations = platform.operations.iter();
    let operations = operations
        .map(|operation| context! { scope => operation.scope, summary => operation.summary });
    let resources = context! {
        api => API,
        audience => &platform.audience,
        algorithm => platform.algorithm.name(),
        token_lifetime => platform.token_lifetime.as_secs(),
        binds_tokens => platform.binds_tokens,
        operations => operations.collect::<Vec<_>>(),
        client => SCRIPT_CLIENT,
        connection => &platform.connection,
        // As HCL writes them; the template's own words for them are others.
        imports_users => platform.imports_users.to_string(),
        disable_signup => (!platform.has_sign_up()).to_string(),
        scripts => keys.collect::<Vec<_>>(),
        deny => DENY_ACTION,
        restrict => RESTRICT_ACTION,
        runtime => RUNTIME,
    };
    let facts = context! {
        audience_is_a_parameter => platform.audience.is_none(),
        connection => &platform.connection,
    };
    let mut files = vec![
        (
            "main.tf".to_owned(),
            templates::render("terraform/main.tf", resources)?,
        ),
        (
            "README.md".to_owned(),
            templates::render("terraform/README.md", facts)?,
        ),
    ];
    let scripts = scripts.into_iter();
    files.extend(scripts.map(|(name, text)| (format!("action_scripts/{name}.js"), text)));
    for (trigger, name) in [
        ("post-login", DENY_ACTION),
        ("credentials-exchange", RESTRICT_ACTION),
    ] {
        let text = templates::render(&format!("actions/{trigger}/{name}.js"), ())?;
        files.push((format!("actions/{name}.js"), text));
    }
    Ok(files)
}
