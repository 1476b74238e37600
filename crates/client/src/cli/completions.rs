// SPDX-License-Identifier: Apache-2.0
//! `offstage completions`.

use super::{Cli, output::Printed, terminal::Terminal};
use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print what a shell needs to complete the commands and options of this program
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  offstage completions bash > ~/.local/share/bash-completion/completions/offstage
  offstage completions zsh  > ~/.zfunc/_offstage     with fpath+=~/.zfunc before compinit
  offstage completions fish > ~/.config/fish/completions/offstage.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<()> {
        let script = String::from_utf8(script(self.shell))?;
        terminal.print(&Printed::text(script.trim_end()));
        Ok(())
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    script
}

const NAME: &str = "offstage";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_completes_commands_and_options() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for word in ["shield-funds", "unshield-funds", "completions", "trusted-worker-port", "first-port"]
            {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
