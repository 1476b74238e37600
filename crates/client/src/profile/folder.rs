// SPDX-License-Identifier: Apache-2.0
//! The folder of profiles.

use super::{MAX_PROFILE_LEN, Profile, ProfileError, ProfileName};
use std::{
    env, fs,
    fs::{DirBuilder, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The profiles of a user.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: PathBuf,
}

impl Profiles {
    /// The profiles in `folder`, which is made when the first is stored.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The profiles of the user who runs this program.
    ///
    /// # Errors
    /// [`ProfileError::NoFolder`] when neither `XDG_CONFIG_HOME` nor `HOME` names an absolute path.
    pub fn of_user() -> Result<Self, ProfileError> {
        let named = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = named("XDG_CONFIG_HOME").or_else(|| named("HOME").map(|home| home.join(".config")));
        Ok(Self::new(config.ok_or(ProfileError::NoFolder)?.join("offstage/profiles")))
    }

    /// The file of the profile of this name.
    pub fn path(&self, name: &ProfileName) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`], [`ProfileError::Malformed`], [`ProfileError::WritableByOthers`] or
    /// [`ProfileError::Io`].
    pub fn load(&self, name: &ProfileName) -> Result<Profile, ProfileError> {
        let path = self.path(name);
        let file = fs::File::open(&path).map_err(|error| unknown_or(name, "read", &path, error))?;
        // Of the file that is open, not of the one that has the name by now.
        let mode = file.metadata().map_err(|error| io("read", &path, error))?.permissions().mode();
        if mode & WRITABLE_BY_OTHERS != 0 {
            return Err(ProfileError::WritableByOthers { path });
        }
        let mut bytes = Vec::new();
        // One byte more than fits shows that it does not fit.
        file.take(MAX_PROFILE_LEN as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| io("read", &path, error))?;
        Profile::parse(&bytes).map_err(|reason| ProfileError::Malformed { path, reason })
    }

    /// Stores a profile, for its owner alone. One of the same name is replaced only if `replace` says so.
    ///
    /// # Errors
    /// [`ProfileError::Exists`], [`ProfileError::TooLong`] or [`ProfileError::Io`].
    pub fn store(&self, name: &ProfileName, profile: &Profile, replace: bool) -> Result<(), ProfileError> {
        let text = profile.to_json() + "\n";
        if text.len() > MAX_PROFILE_LEN {
            return Err(ProfileError::TooLong);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .and_then(|()| fs::set_permissions(&self.folder, Permissions::from_mode(0o700)))
            .map_err(|error| io("create", &self.folder, error))?;
        let path = self.path(name);
        // Written beside and then named: whoever reads a profile reads all of it.
        let draft = self.folder.join(format!(".{name}.{}", std::process::id()));
        let named = write_new(&draft, text.as_bytes())
            .and_then(|()| if replace { fs::rename(&draft, &path) } else { fs::hard_link(&draft, &path) });
        let _ = fs::remove_file(&draft);
        named.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => ProfileError::Exists { name: name.to_string() },
            _ => io("write", &path, error),
        })
    }

    /// The names of all profiles, sorted. Other files are not looked at.
    ///
    /// # Errors
    /// [`ProfileError::Io`]. A folder that is not there holds no profiles.
    pub fn names(&self) -> Result<Vec<ProfileName>, ProfileError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("read", &self.folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| io("read", &self.folder, error))?.path();
            let is_profile = path.extension().is_some_and(|extension| extension == EXTENSION);
            let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_profile);
            names.extend(stem.and_then(|stem| stem.parse().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// Removes a profile.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] or [`ProfileError::Io`].
    pub fn remove(&self, name: &ProfileName) -> Result<(), ProfileError> {
        let path = self.path(name);
        fs::remove_file(&path).map_err(|error| unknown_or(name, "remove", &path, error))
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unknown_or(name: &ProfileName, action: &'static str, path: &Path, error: io::Error) -> ProfileError {
    match error.kind() {
        ErrorKind::NotFound => ProfileError::Unknown { name: name.to_string() },
        _ => io(action, path, error),
    }
}

fn io(action: &'static str, path: &Path, source: io::Error) -> ProfileError {
    ProfileError::Io { action, path: path.to_owned(), source }
}

/// How the file of a profile ends.
const EXTENSION: &str = "json";

/// The bits of a file's mode by which its group or others may write it.
const WRITABLE_BY_OTHERS: u32 = 0o022;
