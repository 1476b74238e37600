// SPDX-License-Identifier: Apache-2.0
//! `offstage dev`: a network that stays, with an enclave that is built anew when a source changes.

use super::{
    Dev, profile_of,
    screen::{Picture, Screen},
    signals::Signals,
};
use crate::{
    cli::{error::CliError, terminal::Terminal},
    profile::{Profile, ProfileError, ProfileName, Profiles},
    trust::TrustedRoot,
};
use anyhow::Result;
use offstage_devnet::{
    author::Author,
    build::{Builder, Built},
    network::Network,
    ports::Ports,
};
use std::{path::PathBuf, time::Duration};

pub(super) async fn run(dev: &Dev, terminal: &Terminal) -> Result<()> {
    let mut signals = Signals::new()?;
    let profiles = Profiles::of_user()?;
    require_own(&profiles, &dev.write_profile)?;
    let author = dev.author()?;
    let folder = match (&dev.folder, &author) {
        (Some(folder), _) => folder.clone(),
        (None, Some(author)) => author.folder.join(FOLDER),
        (None, None) => PathBuf::from(FOLDER),
    };
    let setup = dev.setup(folder.clone(), |workers| Ok(Ports::usual(workers)))?;
    let mut network = Network::open(setup, dev.reset)?;
    let mut source = match &author {
        None => {
            network.serve(&dev.enclave.clone().unwrap_or_default())?;
            None
        }
        Some(author) => Some(Source {
            builder: Builder::new(author.clone(), dev.build.clone(), network.build_log()),
            author: author.clone(),
            state: String::new(),
        }),
    };
    let mut written = None;
    let mut screen = Screen::new(terminal);
    loop {
        if let Some(source) = &mut source {
            source.look(&mut network)?;
        }
        let status = network.look()?;
        let profile = profile_of(&network)?;
        if let Some(profile) = profile.filter(|profile| written.as_ref() != Some(profile)) {
            profiles.store(&dev.write_profile, &profile, true)?;
            written = Some(profile);
        }
        screen.show(&Picture {
            network: &network,
            status: &status,
            build: source.as_ref().map(Source::told),
            profile: written.as_ref().map(|_| &dev.write_profile),
            folder: &folder,
        });
        tokio::select! {
            _ = signals.next() => break,
            () = tokio::time::sleep(TICK) => {},
        }
    }
    screen.end("ending workers and parentchain");
    network.stop();
    Ok(())
}

/// The author's crate, and what its last build came to.
struct Source {
    builder: Builder,
    author: Author,
    state: String,
}

impl Source {
    fn look(&mut self, network: &mut Network) -> Result<()> {
        match self.builder.look(|program| network.guarded(program))? {
            None => {}
            Some(Built::Enclave { took }) => {
                let before = network.measurement();
                let is_new = network.serve(&self.author.enclave)?;
                let what = match (before, is_new) {
                    (None, _) => "",
                    (Some(_), true) => "; another measurement, so the shard begins afresh",
                    (Some(_), false) => "; the measurement is as before, and so is the shard",
                };
                self.state = format!("built in {} s{what}", took.as_secs());
            }
            Some(Built::Broken { reason }) => {
                let meanwhile = match network.measurement() {
                    Some(_) => "the enclave before it goes on",
                    None => "nothing runs until it is mended",
                };
                self.state = format!("broken, {meanwhile}: {reason}");
            }
        }
        Ok(())
    }

    /// What to say of it, and whether it is the same state that only goes on.
    fn told(&self) -> (String, String) {
        match self.builder.building() {
            Some(time) => (format!("building ({} s)", time.as_secs()), "building".to_owned()),
            None => (self.state.clone(), self.state.clone()),
        }
    }
}

/// Fails when the name is that of a profile that no devnet has written: it is the user's own, and stays.
fn require_own(profiles: &Profiles, name: &ProfileName) -> Result<()> {
    match profiles.load(name) {
        Ok(profile) if is_of_devnet(&profile) => Ok(()),
        Err(ProfileError::Unknown { .. }) => Ok(()),
        Ok(_) => Err(CliError::ForeignProfile { name: name.to_string() }.into()),
        Err(error) => Err(error.into()),
    }
}

fn is_of_devnet(profile: &Profile) -> bool {
    let node = profile.node.as_ref().map(ToString::to_string).unwrap_or_default();
    profile.root == TrustedRoot::Development && node.starts_with(super::HERE)
}

const FOLDER: &str = ".offstage/dev";
const TICK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::{BlockHash, node_url::NodeUrl};

    #[test]
    fn a_profile_of_the_users_own_stays() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles::new(folder.path());
        let name: ProfileName = "dev".parse().unwrap();
        require_own(&profiles, &name).unwrap();
        let profile = |root, node: &str| Profile {
            shard: [1; 32].into(),
            measurement: None,
            genesis: BlockHash::new([4; 32]),
            checkpoint: None,
            root,
            node: Some(NodeUrl::parse(node, 1).unwrap()),
            worker: None,
        };
        for (root, node, is_own) in [
            (TrustedRoot::Development, "ws://127.0.0.1", true),
            (TrustedRoot::Development, "wss://node.example", false),
            (TrustedRoot::Intel, "ws://127.0.0.1", false),
        ] {
            profiles.store(&name, &profile(root, node), true).unwrap();
            let told = require_own(&profiles, &name);
            assert_eq!(told.is_ok(), is_own, "{node} {root}: {told:?}");
        }
    }
}
