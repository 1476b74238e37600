// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_enclave::fuzzing::operation, 64 + 100);
