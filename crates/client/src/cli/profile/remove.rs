// SPDX-License-Identifier: Apache-2.0
use crate::profile::{ProfileName, Profiles};
use anyhow::Result;
use clap::Args;

/// Remove a profile
#[derive(Args, Debug)]
pub(super) struct Remove {
    /// The name of the profile
    name: ProfileName,
}

impl Remove {
    pub(super) fn run(&self) -> Result<()> {
        Ok(Profiles::of_user()?.remove(&self.name)?)
    }
}
