// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_protocol::fuzzing::frame, 64 + 100);
