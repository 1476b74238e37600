// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_client::fuzzing::profile, 64 + 100);
