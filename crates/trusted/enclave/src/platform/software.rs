// SPDX-License-Identifier: Apache-2.0
//! The software platform: any Linux machine, for development.
//!
//! **It protects nothing from its host.** The host can read the process's memory, its sealing secret is a file in the
//! data directory, and the authority that signs its quotes has a private key that everybody knows. It exists so that
//! every line that makes, carries, checks or stores attestation is the same in development and in production; chains
//! and clients whose root is a hardware vendor's refuse its quotes (threat model H15).
//!
//! - The measurement is SHA-256 of the program file as it was started.
//! - Quotes are real DCAP quotes, issued by the [development authority](offstage_attestation::development) at chain
//!   time.
//! - The sealing secret is 32 random bytes in [`SECRET_FILE`], readable by the user alone, and mixed with the
//!   measurement: as on hardware, another program cannot open what this one sealed.

use super::{Platform, PlatformError};
use crate::seal::{SealError, SealingKey, derive_bytes};
use aws_lc_rs::{digest, rand};
use offstage_attestation::development::{self, Report};
use offstage_primitives::{Measurement, attestation::Evidence};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A platform without a TEE.
pub struct SoftwarePlatform {
    measurement: Measurement,
    secret: Zeroizing<[u8; 32]>,
}

impl SoftwarePlatform {
    /// Opens the platform of a data directory, which is made if there is none, for a program with this measurement. A
    /// secret is made only where no store is: beside one that another secret sealed, it would open nothing, and the
    /// store would pass for another machine's.
    ///
    /// # Errors
    /// When the directory or the secret in it cannot be read or made, or the secret is damaged or missing.
    pub fn open(data_dir: &Path, measurement: Measurement) -> Result<Self, PlatformError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(file_error("make", data_dir))?;
        let path = data_dir.join(SECRET_FILE);
        let secret = match read_secret(&path)? {
            Some(secret) => secret,
            None => match data_dir.join(STORE_FILE) {
                store if store.exists() => {
                    return Err(PlatformError::MissingSecret { secret: path, store });
                }
                _ => make_secret(data_dir, &path)?,
            },
        };
        Ok(Self { measurement, secret })
    }
}

impl Platform for SoftwarePlatform {
    fn measurement(&self) -> Measurement {
        self.measurement
    }

    fn quote(&self, report_data: &[u8; 64], now_secs: u64) -> Result<Evidence, PlatformError> {
        let report = Report { measurement: self.measurement, report_data: *report_data, debug: false };
        development::quote(&report, now_secs).map_err(|error| PlatformError::Quote(error.to_string()))
    }

    fn sealing_key(&self) -> Result<SealingKey, PlatformError> {
        Ok(SealingKey::new(&derive_bytes(
            self.secret.as_ref(),
            &[SECRET_DOMAIN, self.measurement.as_bytes()],
        )?))
    }
}

/// SHA-256 of the running program's file. The link `/proc/self/exe` leads to the file that was started, even when
/// another was put in its place since.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn measure_running_program() -> Result<Measurement, PlatformError> {
    let path = Path::new("/proc/self/exe");
    let mut program = File::open(path).map_err(file_error("open", path))?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; MEASURE_CHUNK_LEN];
    loop {
        let len = program.read(&mut buffer).map_err(file_error("read", path))?;
        match buffer.get(..len) {
            None | Some([]) => break,
            Some(chunk) => context.update(chunk),
        }
    }
    let digest: [u8; 32] = context.finish().as_ref().try_into().map_err(|_| SealError::Cryptography)?;
    Ok(digest.into())
}

fn read_secret(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, PlatformError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error("open", path)(error)),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_LEN + 1));
    file.take((SECRET_LEN as u64).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(file_error("read", path))?;
    let secret = bytes.as_slice().try_into().map_err(|_| PlatformError::DamagedSecret(path.to_path_buf()))?;
    Ok(Some(Zeroizing::new(secret)))
}

/// The file appears whole or not at all: written under another name, flushed, then renamed.
fn make_secret(data_dir: &Path, path: &Path) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    rand::fill(secret.as_mut()).map_err(|_| PlatformError::Randomness)?;
    let unfinished = data_dir.join(UNFINISHED_SECRET_FILE);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(file_error("remove", &unfinished)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(file_error("make", &unfinished))?;
    file.write_all(secret.as_ref())
        .and_then(|()| file.sync_all())
        .map_err(file_error("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(file_error("make", path))?;
    File::open(data_dir).and_then(|directory| directory.sync_all()).map_err(file_error("flush", data_dir))?;
    Ok(secret)
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlatformError {
    let path: PathBuf = path.to_path_buf();
    move |source| PlatformError::File { action, path, source }
}

/// Where the sealing secret is, within the data directory.
const SECRET_FILE: &str = offstage_protocol::files::SOFTWARE_SECRET;

const STORE_FILE: &str = offstage_protocol::files::STORE;
const UNFINISHED_SECRET_FILE: &str = offstage_protocol::files::UNFINISHED_SOFTWARE_SECRET;
const SECRET_DOMAIN: &[u8] = b"offstage/software-platform/v1\0";
const SECRET_LEN: usize = 32;
const MEASURE_CHUNK_LEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn h23_the_secret_survives_a_restart_and_is_the_users_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = SoftwarePlatform::open(&dir.path().join("new"), Measurement([1; 32])).unwrap();
        let record = first.sealing_key().unwrap().seal(b"a", b"b").unwrap();
        let second = SoftwarePlatform::open(&dir.path().join("new"), Measurement([1; 32])).unwrap();
        assert_eq!(&**second.sealing_key().unwrap().open(b"a", &record).unwrap(), b"b");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("new").join(SECRET_FILE)), 0o600);
        assert_eq!(mode(&dir.path().join("new")), 0o700);
    }

    #[test]
    fn another_program_cannot_open_what_this_one_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let seal =
            |measurement| SoftwarePlatform::open(dir.path(), measurement).unwrap().sealing_key().unwrap();
        let record = seal(Measurement([1; 32])).seal(b"a", b"b").unwrap();
        assert!(seal(Measurement([2; 32])).open(b"a", &record).is_err());
    }

    #[test]
    fn a_damaged_secret_is_named_and_an_unfinished_one_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(UNFINISHED_SECRET_FILE), [1; 5]).unwrap();
        SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
        for damaged in [&[1; 31][..], &[1; 33], &[]] {
            fs::write(dir.path().join(SECRET_FILE), damaged).unwrap();
            let error = SoftwarePlatform::open(dir.path(), Measurement([1; 32])).err().unwrap();
            assert!(matches!(error, PlatformError::DamagedSecret(_)), "{error}");
        }
    }

    #[test]
    fn a_missing_secret_is_not_made_anew_beside_a_store() {
        let dir = tempfile::tempdir().unwrap();
        SoftwarePlatform::open(dir.path(), Measurement([1; 32])).unwrap();
        let (secret, store) = (dir.path().join(SECRET_FILE), dir.path().join(STORE_FILE));
        fs::remove_file(&secret).unwrap();
        fs::write(&store, b"sealed").unwrap();
        let error = SoftwarePlatform::open(dir.path(), Measurement([1; 32])).err().unwrap();
        assert!(matches!(error, PlatformError::MissingSecret { .. }), "{error}");
        let told = error.to_string();
        assert!([&secret, &store].iter().all(|path| told.contains(&path.display().to_string())), "{told}");
        assert!(!secret.exists());
        assert_eq!(fs::read(&store).unwrap(), b"sealed");
    }

    #[test]
    fn the_measurement_is_the_programs_hash() {
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let expected = digest::digest(&digest::SHA256, &program);
        assert_eq!(measure_running_program().unwrap().as_bytes(), expected.as_ref());
    }
}
