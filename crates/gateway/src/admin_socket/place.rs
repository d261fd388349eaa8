//! Where the socket stands: in a folder that nobody else may write to, for its owner only from its first moment on.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::AdminSocket;
use crate::error::Error;

/// The user who may do anything anyway.
pub(super) const ROOT: u32 = 0;

impl AdminSocket {
    /// Binds the socket, in the place of one that a process has left behind.
    pub(crate) fn bind(path: &Path) -> Result<Self, Error> {
        let unusable = |reason| Error::AdminSocket {
            path: path.to_owned(),
            reason,
        };
        let failed = |source| Error::AdminSocketFile {
            path: path.to_owned(),
            source,
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let name = path.file_name().ok_or_else(|| unusable("names no file"))?;
        let metadata = fs::metadata(folder).map_err(failed)?;
        if metadata.mode() & 0o022 != 0 {
            return Err(unusable(
                "stands in a folder that others may write to; make one of mode 0700 for it",
            ));
        }
        if is_in_use(path).map_err(failed)? {
            return Err(unusable(
                "is in use: a file, or the socket of a process that runs",
            ));
        }
        // Under a name of its own until it has its mode: nobody else can open it in between.
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let made = Made(folder.join(hidden));
        take_away(&made.0);
        let listener = UnixListener::bind(&made.0).map_err(failed)?;
        fs::set_permissions(&made.0, Permissions::from_mode(0o600)).map_err(failed)?;
        let owner = fs::metadata(&made.0).map_err(failed)?.uid();
        if ![owner, ROOT].contains(&metadata.uid()) {
            return Err(unusable(
                "stands in a folder of another user, who may put another socket in its place",
            ));
        }
        fs::rename(&made.0, path).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            owner,
        })
    }
}

/// A socket under the name that it has at first; taken away if it does not come further.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        take_away(&self.0);
    }
}

/// Takes a socket away, if it is there.
pub(super) fn take_away(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(
            "the admin socket {} is left behind: {error}",
            path.display()
        );
    }
}

/// Whether something is there that is not just a socket that nobody listens at.
fn is_in_use(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => Ok(UnixStream::connect(path).is_ok()),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn it_is_for_its_owner_only_and_takes_the_place_of_one_that_was_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        drop(AdminSocket::bind(&path).unwrap());
        assert!(path.exists(), "left behind, as after a crash");
        let bound = AdminSocket::bind(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let second = AdminSocket::bind(&path);
        assert!(matches!(second, Err(Error::AdminSocket { .. })), "in use");
        drop(bound);
    }

    #[tokio::test]
    async fn a_folder_in_which_others_may_put_another_is_refused_and_so_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin");
        fs::write(&path, "precious").unwrap();
        assert!(AdminSocket::bind(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        for mode in [0o770, 0o707, 0o1777] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let refused = AdminSocket::bind(&path);
            assert!(
                matches!(refused, Err(Error::AdminSocket { .. })),
                "{mode:o}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
