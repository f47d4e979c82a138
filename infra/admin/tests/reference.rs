//! docs/reference/lunas.md is made from what clap knows of the commands.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory as _};
use lunas::cli::Cli;

const WRITE: &str = "WRITE=1 cargo test --package lunas --test reference";

#[test]
fn the_reference_page_is_what_the_commands_say_of_themselves() {
    let mut page = format!("<!-- Made from infra/admin/src/cli.rs; do not edit. To write it anew: {WRITE} -->\n\n");
    write_page(&mut page).unwrap();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/lunas.md");
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    assert!(file == page, "docs/reference/lunas.md is out of date: run {WRITE}, and read what changed");
}

fn write_page(page: &mut String) -> fmt::Result {
    let mut cli = Cli::command();
    cli.build();
    writeln!(page, "# The `lunas` command\n\n{}\n", sentence(cli.get_about()))?;
    writeln!(page, "How to install it: [first bill on AWS](../tutorial/first-bill-on-aws.md). The rights it needs:")?;
    writeln!(page, "[looking after Lunas](../operate/looking-after.md#rights-for-the-lunas-command).\n")?;
    writeln!(page, "| command | |\n|---|---|")?;
    for command in leaves(&cli) {
        let name = command.get_bin_name().unwrap_or_default();
        writeln!(page, "| [`{name}`](#{}) | {} |", name.replace(' ', "-"), cell(command.get_about()))?;
    }
    writeln!(page, "\n## Options of every command\n")?;
    write_arguments(page, cli.get_arguments().filter(|arg| arg.is_global_set()))?;
    write_rest(page, &cli)?;
    for command in leaves(&cli) {
        let usage = command.clone().render_usage().to_string();
        writeln!(page, "\n## {}\n\n{}\n", command.get_bin_name().unwrap_or_default(), sentence(command.get_about()))?;
        writeln!(page, "```text\n{}\n```", usage.trim_start_matches("Usage: "))?;
        let own: Vec<_> = command.get_arguments().filter(|arg| !arg.is_global_set()).collect();
        if own.iter().any(|arg| is_told(arg)) {
            writeln!(page)?;
            write_arguments(page, own)?;
        }
        write_rest(page, command)?;
    }
    Ok(())
}

/// Commands that do something, not those that only group others.
fn leaves(command: &Command) -> Vec<&Command> {
    let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() { vec![command] } else { below.into_iter().flat_map(leaves).collect() }
}

fn write_arguments<'a>(page: &mut String, arguments: impl IntoIterator<Item = &'a Arg>) -> fmt::Result {
    writeln!(page, "| argument | |\n|---|---|")?;
    for arg in arguments.into_iter().filter(|arg| is_told(arg)) {
        let mut help = cell(arg.get_help());
        if let Some(variable) = arg.get_env() {
            write!(help, ". Also as `{}`", variable.to_string_lossy())?;
        }
        if let [default] = arg.get_default_values()
            && arg.get_action().takes_values()
        {
            write!(help, ". Default: `{}`", default.to_string_lossy())?;
        }
        writeln!(page, "| `{}` | {help} |", arg.to_string().replace('|', "\\|"))?;
    }
    Ok(())
}

fn is_told(arg: &Arg) -> bool {
    !["help", "version"].contains(&arg.get_id().as_str())
}

/// What stands under the options: aligned by hand, so as it is.
fn write_rest(page: &mut String, command: &Command) -> fmt::Result {
    command.get_after_help().map_or(Ok(()), |rest| writeln!(page, "\n```text\n{rest}\n```"))
}

fn cell(text: Option<&impl ToString>) -> String {
    text.map(ToString::to_string).unwrap_or_default().replace('|', "\\|").replace('\n', " ")
}

fn sentence(text: Option<&impl ToString>) -> String {
    let text = cell(text);
    if text.ends_with('.') { text } else { format!("{text}.") }
}
