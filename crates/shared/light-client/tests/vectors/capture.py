#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures the beginning of a development chain as a test vector for the light client.

Start a fresh node (`offstage-node --dev`), then run this with the package `substrate-interface` installed:

    python3 capture.py http://127.0.0.1:9944 development

It invokes an operation plainly, in a batch that is interrupted, in a forced batch and through sudo, shields funds, and hands
finality from Alice to Bob with a delay of two blocks. It writes `<name>.json` and the runtime's code beside itself.
"""

import json
import sys
import time
import urllib.request
from hashlib import blake2b
from pathlib import Path

from substrateinterface import Keypair, SubstrateInterface

SHARD = "0x" + "07" * 32
CODE_PATH_KEY = "0x" + b":code\0".hex()
LEGACY_AUTHORITIES_KEY = "0x" + b":grandpa_authorities".hex()
EVENTS_KEY = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
TIMESTAMP_KEY = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
AUTHORITIES_KEY = "0x5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
ABSENT_KEY = "0x" + b"nothing is here".hex()
# //Bob, ed25519.
BOB = "0xd17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69"
DELAY = 2


def main(url: str, name: str) -> None:
    def rpc(method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    chain = SubstrateInterface(url=url.replace("http", "ws", 1))
    alice = Keypair.create_from_uri("//Alice")
    rpc("author_insertKey", "gran", "//Bob", BOB)

    def call(module, function, **params):
        return chain.compose_call(module, function, params)

    def invoke(byte):
        return call("EnclaveBridge", "invoke", request={"shard": SHARD, "cyphertext": "0x" + f"{byte:02x}" * 4})

    def submit(what):
        extrinsic = chain.create_signed_extrinsic(call=what, keypair=alice)
        receipt = chain.submit_extrinsic(extrinsic, wait_for_inclusion=True)
        return chain.get_block_number(receipt.block_hash)

    # Only root may purge, so this fails for a plain account.
    failing = call("EnclaveBridge", "purge_enclave_from_shard_status", shard=SHARD, subject=alice.ss58_address)
    submit(invoke(1))
    submit(call("Utility", "batch", calls=[invoke(2), failing, invoke(3)]))
    submit(call("Utility", "force_batch", calls=[failing, invoke(4)]))
    submit(call("Utility", "batch_all", calls=[invoke(5), failing]))
    submit(call("Sudo", "sudo_as", who=alice.ss58_address, call=call("Utility", "batch_all", calls=[invoke(6)])))
    submit(
        call("EnclaveBridge", "shield_funds", shard=SHARD, incognito_account_encrypted="0x0708", amount=10**12)
    )
    change = call(
        "Validators",
        "schedule_authority_change",
        authorities=[[(BOB, 1)]],
        delay=DELAY,
    )
    border = submit(call("Sudo", "sudo", call=change)) + DELAY
    submit(invoke(7))
    last = border + 5
    while chain.get_block_number(chain.get_chain_finalised_head()) < last:
        time.sleep(1)

    def header_bytes(header):
        logs = [bytes.fromhex(log[2:]) for log in header["digest"]["logs"]]
        part = lambda key: bytes.fromhex(header[key][2:])
        return (
            part("parentHash")
            + compact(int(header["number"], 16))
            + part("stateRoot")
            + part("extrinsicsRoot")
            + compact(len(logs))
            + b"".join(logs)
        )

    def proof(keys, block_hash):
        return rpc("state_getReadProof", keys, block_hash)["proof"]

    genesis_hash = rpc("chain_getBlockHash", 0)
    code = bytes.fromhex(rpc("state_getStorage", "0x" + b":code".hex(), genesis_hash)[2:])
    code_file = f"{name}.code"
    watched = [TIMESTAMP_KEY, ABSENT_KEY]
    blocks = []
    for number in range(1, last + 1):
        block_hash = rpc("chain_getBlockHash", number)
        signed = rpc("chain_getBlock", block_hash)
        justification = None
        for engine, content in signed["justifications"] or []:
            if bytes(engine) == b"FRNK":
                justification = "0x" + bytes(content).hex()
        header = header_bytes(signed["block"]["header"])
        assert "0x" + blake2b(header, digest_size=32).hexdigest() == block_hash
        blocks.append(
            {
                "header": "0x" + header.hex(),
                "body": signed["block"]["extrinsics"],
                "stateProof": proof([CODE_PATH_KEY, EVENTS_KEY] + watched, block_hash),
                "justification": justification,
            }
        )
    version, properties = rpc("state_getRuntimeVersion"), rpc("system_properties")
    vector = {
        "provenance": f"{rpc('system_name')} {rpc('system_version')}, chain {rpc('system_chain')}, by capture.py",
        "properties": {key: properties[key] for key in ("tokenSymbol", "tokenDecimals")},
        "shard": SHARD,
        "blockProofKeys": [CODE_PATH_KEY, EVENTS_KEY],
        "watchedKeys": watched,
        "genesis": {
            "header": "0x" + header_bytes(rpc("chain_getHeader", genesis_hash)).hex(),
            "stateProof": proof([CODE_PATH_KEY, AUTHORITIES_KEY, LEGACY_AUTHORITIES_KEY], genesis_hash),
            "code": code_file,
        },
        "blocks": blocks,
        "expected": {
            "operations": [f"invoke {f'{byte:02x}' * 4}" for byte in (1, 2, 4, 6)]
            + ["shield 0708 1000000000000", "invoke 07070707"],
            "border": border,
            "setId": 1,
            "specName": version["specName"],
            "specVersion": version["specVersion"],
            "metadataDigest": True,
        },
    }
    folder = Path(__file__).parent
    (folder / code_file).write_bytes(code)
    (folder / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


def compact(number: int) -> bytes:
    if number < 1 << 6:
        return bytes([number << 2])
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    return (number << 2 | 2).to_bytes(4, "little")


if __name__ == "__main__":
    main(*sys.argv[1:])
