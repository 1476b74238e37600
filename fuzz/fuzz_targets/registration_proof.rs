// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_attestation::fuzzing::registration_proof, 64 + 100);
