//! Every command, in the words of its own `--help`.

use clap::{Command, CommandFactory as _};

use super::generated::compare_or_write;
use super::page::Page;
use crate::commands::Arguments;

#[test]
fn the_generated_commands_are_up_to_date() {
    let mut page = Page::new(
        "Commands",
        "One binary. Every command exits with 0 on success, 1 on a finding or a failure, 2 on wrong usage or config; \
         what was asked for goes to standard output, everything else to standard error. `LYCHGATE_LOG` chooses what a \
         server says (`info`, `lychgate_gateway=debug`), `NO_COLOR` is honoured.",
    );
    let mut root = Arguments::command().term_width(100);
    root.build();
    add(&root, &mut page);
    compare_or_write("docs/reference/commands.md", &page.finish());
}

fn add(command: &Command, page: &mut Page) {
    let mut command = command.clone();
    page.heading(&format!(
        "`{}`",
        command.get_bin_name().unwrap_or("lychgate")
    ));
    page.block(
        "text",
        &without_trailing_blanks(&command.render_long_help().to_string()),
    );
    for subcommand in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        add(subcommand, page);
    }
}

fn without_trailing_blanks(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}
