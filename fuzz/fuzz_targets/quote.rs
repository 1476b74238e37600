// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_attestation::fuzzing::quote, 512 + 100);
