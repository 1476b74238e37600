// SPDX-License-Identifier: Apache-2.0
use crate::{
    cli::{output::Printed, terminal::Terminal},
    profile::{ProfileName, Profiles},
};
use anyhow::Result;
use clap::Args;

/// Print a profile
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The name of the profile
    name: ProfileName,
}

impl Show {
    pub(super) fn run(&self, terminal: &Terminal) -> Result<()> {
        let text = Profiles::of_user()?.load(&self.name)?.to_json();
        let json = serde_json::from_str(&text)?;
        terminal.print(&Printed::new(text, json));
        Ok(())
    }
}
