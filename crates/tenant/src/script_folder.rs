//! Scripts from folders, in the order of their file names.

use std::path::{Path, PathBuf};

use lychgate_script::Script;

use crate::Error;

/// Files of one folder that are looked at.
const FILES: usize = 100;

/// Reads one script; its name is the file's, without `.js`.
pub(crate) fn read_script(file: &Path) -> Result<Script, Error> {
    let source = std::fs::read_to_string(file).map_err(|source| Error::Read {
        file: file.to_owned(),
        source,
    })?;
    let name = file
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Script::new(&name, &source).map_err(|source| Error::Script {
        file: file.to_owned(),
        source,
    })
}

/// Reads every `*.js` of a folder; the platform's `order` is the order of the file names.
pub(crate) fn read_scripts(folder: &Path) -> Result<Vec<Script>, Error> {
    let failed = |source| Error::Read {
        file: folder.to_owned(),
        source,
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "js") {
            files.push(file);
        }
    }
    if files.len() > FILES {
        return Err(Error::Setting {
            what: "folder",
            value: folder.display().to_string(),
            reason: "has more than 100 scripts",
        });
    }
    files.sort();
    files.iter().map(|file| read_script(file)).collect()
}
