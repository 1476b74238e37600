// SPDX-License-Identifier: Apache-2.0
//! What people and scripts read: the list of workers, and errors.

use super::{
    error::{CliError, is_typed_wrongly},
    new::NewError,
    output::Printed,
};
use crate::{
    keystore::KeystoreError, parentchain::ParentchainError, printable::printable, profile::ProfileError,
    shard_runtime::RuntimeError, worker::WorkerError, workflow::WorkflowError,
};
use offstage_devnet::DevnetError;
use offstage_primitives::{AccountId32, ss58::ss58, teerex::SgxEnclave};
use serde_json::json;
use std::fmt::Write;
use time::UtcDateTime;

/// The list of registered enclaves.
pub(super) fn show_workers(enclaves: &[(AccountId32, SgxEnclave)], prefix: u16) -> Printed {
    let all = enclaves.iter().map(|(signer, enclave)| {
        json!({
            "account": ss58(signer, prefix),
            "mrEnclave": enclave.mr_enclave.to_string(),
            // Milliseconds since the Unix epoch.
            "timestamp": enclave.timestamp,
            "url": enclave.url.as_ref().map(|url| String::from_utf8_lossy(url)),
        })
    });
    Printed::new(render_workers(enclaves, prefix).trim_end(), all.collect())
}

/// In the form that scripts read: `awk '/  MRENCLAVE: / { print $2; exit }'`.
fn render_workers(enclaves: &[(AccountId32, SgxEnclave)], prefix: u16) -> String {
    let mut text = format!("number of workers registered: {}\n", enclaves.len());
    for (index, (signer, enclave)) in enclaves.iter().enumerate() {
        let url = match &enclave.url {
            Some(url) => printable(&String::from_utf8_lossy(url)),
            None => "none".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "Enclave {}\n   AccountId: {}\n   MRENCLAVE: {}\n   RA timestamp: {}\n   URL: {url}\n",
            index + 1,
            ss58(signer, prefix),
            enclave.mr_enclave,
            utc(enclave.timestamp / 1000),
        );
    }
    text
}

/// An error and its causes on one line.
pub(super) fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors repeat their cause in their own text.
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    printable(&text)
}

/// What the user can do about an error.
pub(super) fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<WorkflowError>() {
            error.hint()
        } else if let Some(error) = cause.downcast_ref::<RuntimeError>() {
            error.hint()
        } else if let Some(error) = cause.downcast_ref::<WorkerError>() {
            error.hint()
        } else if let Some(error) = cause.downcast_ref::<ParentchainError>() {
            error.hint()
        } else if let Some(error) = cause.downcast_ref::<CliError>() {
            error.hint()
        } else if cause.is::<KeystoreError>()
            || cause.is::<ProfileError>()
            || cause.is::<DevnetError>()
            || cause.is::<NewError>()
        {
            None
        } else {
            is_typed_wrongly(cause).then_some("see offstage --help")
        }
    })
}

/// Whether an error is about what the user typed.
pub(super) fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(is_typed_wrongly)
}

/// Seconds since the Unix epoch as a date and time.
fn utc(seconds: u64) -> String {
    let date = i64::try_from(seconds).ok().and_then(|seconds| UtcDateTime::from_unix_timestamp(seconds).ok());
    let Some(date) = date else { return format!("{seconds} s after 1970") };
    let (hour, minute, second) = date.as_hms();
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{account::AccountError, verification::Refusal};
    use offstage_primitives::Measurement;
    use offstage_primitives::teerex::{SgxAttestationMethod, SgxBuildMode, SgxReportData, SgxStatus};

    fn enclave(byte: u8, url: Option<&[u8]>) -> (AccountId32, SgxEnclave) {
        let enclave = SgxEnclave {
            report_data: SgxReportData { d: [byte; 64] },
            mr_enclave: Measurement([byte; 32]),
            mr_signer: [0; 32],
            timestamp: 1_795_365_529_000,
            url: url.map(<[u8]>::to_vec),
            build_mode: SgxBuildMode::Production,
            attestation_method: SgxAttestationMethod::Dcap { proxied: false },
            status: SgxStatus::Ok,
        };
        (AccountId32::new([byte; 32]), enclave)
    }

    #[test]
    fn the_list_of_workers_keeps_its_form() {
        let workers = [enclave(1, Some(b"wss://127.0.0.1:2000")), enclave(2, None)];
        assert_eq!(
            render_workers(&workers, 42),
            "number of workers registered: 2
Enclave 1
   AccountId: 5C62Ck4UrFPiBtoCmeSrgF7x9yv9mn38446dhCpsi2mLHiFT
   MRENCLAVE: 4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi
   RA timestamp: 2026-11-22 16:38:49 UTC
   URL: wss://127.0.0.1:2000
Enclave 2
   AccountId: 5C7LYpP2ZH3tpKbvVvwiVe54AapxErdPBbvkYhe6y9ZBkqWt
   MRENCLAVE: 8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR
   RA timestamp: 2026-11-22 16:38:49 UTC
   URL: none
"
        );
        assert_eq!(render_workers(&[], 42), "number of workers registered: 0\n");
    }

    #[test]
    fn accounts_have_the_prefix_of_their_chain() {
        let text = render_workers(&[enclave(1, None)], 13);
        let address = "2JFthyMnhp2dfC4kWCwAj7QdQumdBTn2an2prPB9HEXC8YBH";
        assert!(text.contains(&format!("AccountId: {address}\n")), "{text}");
    }

    #[test]
    fn h23_a_url_cannot_command_the_terminal() {
        let text = render_workers(&[enclave(1, Some(b"wss://x\x1b[2J\nMRENCLAVE: forged"))], 42);
        assert!(!text.contains('\x1b') && text.lines().count() == 6, "{text}");
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
            (253_402_300_800, "253402300800 s after 1970"),
            (u64::MAX, "18446744073709551615 s after 1970"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn errors_are_one_line_with_a_hint_and_an_exit_code() {
        let refused = WorkflowError::Worker(WorkerError::Refused {
            address: "wss://127.0.0.1:2000".to_owned(),
            refusal: Refusal::Evidence(offstage_attestation::EvidenceError::TlsKey),
        });
        let error = anyhow::Error::from(refused);
        assert_eq!(
            message(&error),
            "the worker at wss://127.0.0.1:2000 is refused: the connection does not end in the enclave: its quote \
             binds another TLS key"
        );
        assert!(hint(&error).is_some() && !is_usage(&error));
        let typed = anyhow::Error::from(AccountError::Checksum);
        assert!(is_usage(&typed) && hint(&typed).is_some());
    }
}
