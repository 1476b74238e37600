// SPDX-License-Identifier: Apache-2.0
//! The tutorial of the manual, done as a reader does it: every listing goes into the file that it names, every command
//! is run, and what it shows must come.
//!
//! In the tutorial a file's name in bold stands before its listing. A `diff` changes the file named last; there is no
//! place in it, so what it takes away must be in the file once. In a `console`, a line after `$` is a command, and the
//! lines below it are lines, or beginnings of lines, that it prints in this order, with others between them or not; `…`
//! stands for anything.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{
    network::binary,
    workspace::{as_from_a_shell, root},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// It builds a crate and runs two networks, so it takes minutes.
#[test]
fn the_tutorial_leads_to_a_pallet_on_a_network() {
    let folder = tempfile::Builder::new().prefix("offstage-tutorial-").tempdir().expect("a folder");
    let done = follow(&tutorial(), folder.path());
    if let Err(error) = done {
        panic!("{error:#}\nwhat the reader made is kept in {}", folder.keep().display());
    }
}

/// So that the long test is not the first to notice.
#[test]
fn every_listing_of_the_tutorial_has_a_file_and_every_console_a_command() {
    let steps = tutorial();
    let count = |is: fn(&Step) -> bool| steps.iter().filter(|step| is(step)).count();
    assert!(count(|step| matches!(step, Step::Write { .. })) >= 3);
    assert!(count(|step| matches!(step, Step::Change { .. })) >= 2);
    assert!(count(|step| matches!(step, Step::Run(_))) >= 10);
}

/// One thing that the reader does.
#[derive(Debug)]
enum Step {
    /// Writes a file.
    Write { file: String, text: String },
    /// Puts something else in the place of lines.
    Change { file: String, from: String, to: String },
    /// Runs a command.
    Run(Shown),
    /// Begins a section.
    Section,
}

/// A command, and what it prints.
#[derive(Debug)]
struct Shown {
    command: String,
    lines: Vec<String>,
}

fn tutorial() -> Vec<Step> {
    let page = fs::read_to_string(root().join("docs/src/tutorial.md")).expect("the tutorial is there");
    let (mut steps, mut file, mut lines) = (Vec::new(), None, page.lines());
    while let Some(line) = lines.next() {
        if line.starts_with("## ") {
            steps.push(Step::Section);
        } else if let Some(name) = line.strip_prefix("**`").and_then(|rest| rest.strip_suffix("`**")) {
            file = Some(name.to_owned());
        } else if let Some(kind) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let named = || file.clone().unwrap_or_else(|| panic!("a listing of no file: {block:?}"));
            match kind {
                "console" => steps.extend(commands(&block).into_iter().map(Step::Run)),
                "diff" => {
                    let side = |other: char| {
                        let kept = block.iter().filter(|line| !line.starts_with(other));
                        kept.map(|line| format!("{}\n", &line[1..])).collect::<String>()
                    };
                    steps.push(Step::Change { file: named(), from: side('+'), to: side('-') });
                }
                "rust,ignore" | "sh" => {
                    steps.push(Step::Write { file: named(), text: block.join("\n") + "\n" });
                }
                other => panic!("what is a listing of the kind {other:?}?"),
            }
        }
    }
    steps
}

fn commands(block: &[&str]) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { command: command.to_owned(), lines: Vec::new() });
        } else {
            commands.last_mut().expect("a command before what it prints").lines.push((*line).to_owned());
        }
    }
    commands
}

fn follow(steps: &[Step], folder: &Path) -> Result<()> {
    let reader = Reader::new(folder)?;
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Section => {}
            Step::Write { file, text } => fs::write(reader.place()?.join(file), text)?,
            Step::Change { file, from, to } => {
                let path = reader.place()?.join(file);
                let text = fs::read_to_string(&path)?;
                ensure!(text.matches(from.as_str()).count() == 1, "{file} does not have once:\n{from}");
                fs::write(&path, text.replace(from, to))?;
            }
            // It stays, and the commands of the section are for another terminal. Here they are its command, and it
            // tells them by variables what the profile says.
            Step::Run(Shown { command, .. }) if command == "offstage dev" => {
                let mut inside = Vec::new();
                while let Some(Step::Run(shown)) = steps.next_if(|step| matches!(step, Step::Run(_))) {
                    if shown.command != "export OFFSTAGE_PROFILE=dev" {
                        inside.push(shown);
                    }
                }
                reader.run(&inside, &["offstage", "dev", "--once"])?;
            }
            Step::Run(shown) => reader.run(&[shown], &[])?,
        }
    }
    Ok(())
}

/// Whoever follows the tutorial: with a shell, which remembers where it is.
struct Reader {
    folder: PathBuf,
    /// Folder of the programs.
    programs: PathBuf,
}

impl Reader {
    fn new(folder: &Path) -> Result<Self> {
        let program = binary("offstage")?;
        let programs = program.parent().context("the program is in a folder")?.to_owned();
        let reader = Self { folder: folder.to_owned(), programs };
        fs::create_dir(folder.join("work"))?;
        fs::create_dir(folder.join("seen"))?;
        reader.stand(&folder.join("work"))?;
        Ok(reader)
    }

    /// Where the shell is.
    fn place(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(fs::read_to_string(self.folder.join("place"))?.trim_end()))
    }

    fn stand(&self, place: &Path) -> Result<()> {
        Ok(fs::write(self.folder.join("place"), format!("{}\n", place.display()))?)
    }

    /// Runs commands in one shell, by itself or as the command of `under`.
    fn run(&self, commands: &[&Shown], under: &[&str]) -> Result<()> {
        let seen = self.folder.join("seen");
        let mut script = String::new();
        for (index, shown) in commands.iter().enumerate() {
            let out = seen.join(index.to_string()).display().to_string();
            script += &format!("{{ {}\n}} >'{out}' 2>&1\necho $? >'{out}.code'\n", shown.command);
        }
        script += &format!("pwd >'{}'\n", self.folder.join("place").display());
        let file = self.folder.join("script");
        fs::write(&file, script)?;
        let path = std::env::var("PATH").unwrap_or_default();
        let status = as_from_a_shell(&mut Command::new(under.first().unwrap_or(&"bash")))
            .args(under.iter().skip(1))
            .args(under.first().map(|_| "bash"))
            .arg(&file)
            .current_dir(self.place()?)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            // The Makefile's own variable.
            .env("OFFSTAGE", self.programs.join("offstage"))
            .env("OFFSTAGE_SDK", root())
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("XDG_DATA_HOME", self.folder.join("data"))
            .status()?;
        ensure!(status.success(), "{under:?} {}: {status}", file.display());
        for (index, shown) in commands.iter().enumerate() {
            let out = seen.join(index.to_string());
            let printed = fs::read_to_string(&out)?;
            let code = fs::read_to_string(out.with_extension("code"))?;
            shown.check(&printed, code.trim() == "0")?;
        }
        Ok(())
    }
}

impl Shown {
    fn check(&self, printed: &str, succeeded: bool) -> Result<()> {
        let fails = self.lines.iter().any(|line| line.starts_with("error: "));
        ensure!(succeeded != fails, "$ {}\n{printed}", self.command);
        let mut rest = printed.lines();
        for line in &self.lines {
            ensure!(
                rest.any(|printed| fits(line, printed)),
                "$ {}\nprints no line {line:?} where it belongs:\n{printed}",
                self.command
            );
        }
        Ok(())
    }
}

/// Whether a line begins as it is shown.
fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let begins = printed.strip_prefix(parts.next().unwrap_or_default());
    parts.fold(begins, |rest, part| Some(rest?.split_once(part)?.1)).is_some()
}
