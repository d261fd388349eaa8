//! Files that are committed and made from code.

use std::path::Path;

/// Fails if the file at `path`, from the root of the repository, is not `text`; `cargo xtask generate` writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "how `cargo xtask generate` says that it wants files written"
)]
pub(crate) fn compare_or_write(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    if std::env::var("LYCHGATE_GENERATE").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is out of date: run `cargo xtask generate`",
        path.display()
    );
}
