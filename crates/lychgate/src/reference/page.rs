//! A page in Markdown.

use std::fmt::Write as _;

/// A page that says of itself that it is made.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str, introduction: &str) -> Self {
        Self(format!(
            "<!-- Made from code by `cargo xtask generate`. -->\n\n# {title}\n\n{introduction}\n"
        ))
    }

    pub(super) fn heading(&mut self, heading: &str) {
        writeln!(self.0, "\n## {heading}").unwrap();
    }

    pub(super) fn text(&mut self, text: &str) {
        writeln!(self.0, "\n{text}").unwrap();
    }

    /// A block that is shown as it stands.
    pub(super) fn block(&mut self, language: &str, text: &str) {
        writeln!(self.0, "\n```{language}\n{}\n```", text.trim_end()).unwrap();
    }

    pub(super) fn table<const N: usize>(
        &mut self,
        heads: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        writeln!(
            self.0,
            "\n| {} |\n|{}",
            heads.join(" | "),
            " --- |".repeat(N)
        )
        .unwrap();
        for row in rows {
            let cells = row.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            writeln!(self.0, "| {} |", cells.join(" | ")).unwrap();
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Text as code.
pub(super) fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", text.as_ref())
}
