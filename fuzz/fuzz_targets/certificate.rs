// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_attestation::fuzzing::certificate, 1024 + 200);
