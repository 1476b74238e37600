#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""Records blocks of a running node as JSON, for test vectors of light clients.

usage: capture.py <first> <last> [--url http://127.0.0.1:9944] [--key 0x...]... [--code]

Prints one object: the genesis hash, the runtime's version, and for each block from <first> to <last> its hash, header,
body, justifications and a storage proof at its state of `System.Events`, of the trie path to `:code`, and of every
further --key. --code adds the runtime code of the first block. Needs nothing but Python.
"""
import argparse
import json
import sys
import urllib.request

# twox-128("System") ++ twox-128("Events"), and ":code" with a zero byte: its absence shows the path to ":code".
EVENTS = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
CODE_PATH = "0x" + b":code\0".hex()
CODE = "0x" + b":code".hex()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--url", default="http://127.0.0.1:9944")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--code", action="store_true")
    options = parser.parse_args()

    def call(method, *params):
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(options.url, request, headers), timeout=30) as answer:
            reply = json.load(answer)
        if "error" in reply:
            sys.exit(f"error: {method}: {reply['error']['message']}")
        return reply["result"]

    blocks = []
    for number in range(options.first, options.last + 1):
        block_hash = call("chain_getBlockHash", number)
        if block_hash is None:
            sys.exit(f"error: block {number} does not exist yet; choose a smaller last block")
        signed = call("chain_getBlock", block_hash)
        blocks.append({
            "number": number,
            "hash": block_hash,
            "header": signed["block"]["header"],
            "extrinsics": signed["block"]["extrinsics"],
            "justifications": signed["justifications"],
            "proof": call("state_getReadProof", [EVENTS, CODE_PATH, *options.key], block_hash)["proof"],
        })
    record = {
        "genesis_hash": call("chain_getBlockHash", 0),
        "version": call("state_getRuntimeVersion"),
        "blocks": blocks,
    }
    if options.code and blocks:
        record["code"] = call("state_getStorage", CODE, blocks[0]["hash"])
    json.dump(record, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        sys.exit(f"error: cannot reach the node: {error}")
