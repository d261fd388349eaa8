//! A file that has to be scrolled for long is two files.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::root;

/// The most lines of a source file, its tests left out.
const MOST_LINES: usize = 400;

pub(crate) fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for folder in ["bench/src", "crates", "xtask"] {
        for file in files_below(&root().join(folder), &["rs", "js", "mjs", "html", "css"])? {
            if is_test(&file) {
                continue;
            }
            let text = std::fs::read_to_string(&file)?;
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .count();
            if lines > MOST_LINES {
                let shown = file.strip_prefix(root()).unwrap_or(&file).display();
                findings.push(format!(
                    "{shown} has {lines} lines without its tests; {MOST_LINES} are the most"
                ));
            }
        }
    }
    Ok(findings)
}

/// The files below `folder` with one of these extensions, in order.
pub(crate) fn files_below(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|it| extensions.contains(&it))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests")
        || file.file_stem().is_some_and(|stem| stem == "tests")
}
