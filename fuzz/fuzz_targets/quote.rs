// SPDX-License-Identifier: Apache-2.0
#![no_main]

// dcap-qvl reserves what a length claims, at most 1 MiB a time.
offstage_fuzz::target!(offstage_attestation::fuzzing::quote, 4096 + 100);
