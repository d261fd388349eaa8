//! `auth0-deploy-cli`, exactly as its lock file names it, for the tests of what is exported for it.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::{npm_ci, root};

/// What names the packages.
const NAMED_BY: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs it below `target`, unless it is there already.
pub(crate) fn install() -> Result<()> {
    let named = root().join("crates/lychgate/tests/deploy_cli");
    let folder = root().join("target/deploy-cli");
    let is_there = NAMED_BY.iter().all(|name| {
        let installed = fs::read(folder.join(name));
        installed.is_ok_and(|installed| {
            fs::read(named.join(name)).is_ok_and(|wanted| wanted == installed)
        })
    });
    if is_there && folder.join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in NAMED_BY {
        fs::copy(named.join(name), folder.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    npm_ci(&folder)
}
