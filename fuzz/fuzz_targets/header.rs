// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_light_client::fuzzing::header, 256 + 200);
