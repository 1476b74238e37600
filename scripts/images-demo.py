#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what docker-compose.yml says, from the images and without a daemon: each service in a network namespace of its own, as
its user, with the command, volumes and health check of the file. Then it runs the service `demo`. Needs root and buildah;
`make images` runs it after it has built the images.

usage: scripts/images-demo.py [--check]     with --check it only holds the file against the compose specification
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "tests/e2e/tests/images/compose-spec.json"
SWITCH = "offstage-demo"
# Of a block for documentation, so that it is nobody's network.
NETWORK = "198.51.100."
PATIENCE_SECONDS = 300


def main():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(compose)
    print("docker-compose.yml fits the compose specification", flush=True)
    if "--check" in sys.argv[1:]:
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="offstage-images-") as folder:
        network = Network(compose, Path(folder))
        try:
            network.begin()
            return network.play("demo")
        finally:
            network.end()


class Network:
    """The services of the file, connected by a bridge."""

    def __init__(self, compose, folder):
        addresses = {name: f"{NETWORK}{number}" for number, name in enumerate(compose["services"], start=2)}
        self.services = {name: Service(name, spec, addresses, folder) for name, spec in compose["services"].items()}

    def begin(self):
        for service in self.services.values():
            service.make()
        # In a namespace too, so that neither the machine's network nor its packet filter has to do with it.
        run("ip", "netns", "add", SWITCH)
        run("ip", "-n", SWITCH, "link", "add", "switch", "type", "bridge")
        run("ip", "-n", SWITCH, "link", "set", "switch", "up")

    def play(self, name):
        """Starts what a service waits for and then the service, and returns its exit code."""
        service = self.prepare(name)
        return subprocess.run(service.inside(service.command()), check=False).returncode

    def prepare(self, name):
        """Starts what a service waits for, and connects it."""
        service = self.services[name]
        for other, rule in service.spec.get("depends_on", {}).items():
            if not self.services[other].process:
                self.prepare(other).start()
            if rule["condition"] == "service_healthy":
                self.services[other].wait_until_healthy()
        print(f"starting {name}: {shlex.join(service.command())}", flush=True)
        service.connect()
        return service

    def end(self):
        # Those that wait for others first.
        for service in reversed(self.services.values()):
            service.end()
        run("ip", "netns", "del", SWITCH, check=False)


class Service:
    """A container of an image, in a network namespace of its own."""

    def __init__(self, name, spec, addresses, folder):
        self.name, self.spec, self.folder = name, spec, folder
        self.address = addresses[name]
        self.namespace = f"offstage-demo-{name}"
        self.link = f"to-{name}"
        self.log = folder / f"{name}.log"
        self.hosts = [f"--add-host={other}:{address}" for other, address in addresses.items()]
        self.container = self.config = self.process = None
        self.is_connected = self.is_healthy = False

    def make(self):
        self.container = output("buildah", "from", "--pull-never", *self.hosts, f"localhost/{self.spec['image']}")
        self.config = json.loads(output("buildah", "inspect", self.container))["Docker"]["config"]

    def command(self):
        entry = self.spec.get("entrypoint", self.config["Entrypoint"])
        return entry + self.spec.get("command", self.config["Cmd"])

    def inside(self, command):
        """The command line that runs a command in the container, as its user."""
        volumes = []
        for volume in self.spec.get("volumes", []):
            source, target = volume.split(":")
            volumes += ["--volume", f"{self.volume(source, target)}:{target}"]
        environment = [f"--env={key}={value}" for key, value in self.spec.get("environment", {}).items()]
        return ["ip", "netns", "exec", self.namespace, "buildah", "run", "--isolation", "chroot",
                *[f"--cap-drop={name}" for name in self.spec.get("cap_drop", [])],
                *volumes, *environment, self.container, "--", *command]

    def volume(self, source, target):
        """A folder for a named volume, with the owner that the image's folder has, as Docker makes it."""
        folder = self.folder / "volumes" / source
        if not folder.exists():
            folder.mkdir(parents=True)
            root = Path(output("buildah", "mount", self.container))
            like = (root / target.lstrip("/")).stat()
            os.chown(folder, like.st_uid, like.st_gid)
            folder.chmod(like.st_mode & 0o777)
        return folder

    def connect(self):
        inside = ["ip", "-n", self.namespace]
        run("ip", "netns", "add", self.namespace)
        self.is_connected = True
        run("ip", "-n", SWITCH, "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        run("ip", "-n", SWITCH, "link", "set", self.link, "master", "switch", "up")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")

    def start(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.inside(self.command()), stdout=log, stderr=log)

    def wait_until_healthy(self):
        if self.is_healthy:
            return
        check = self.spec["healthcheck"]["test"]
        assert check[0] == "CMD", check
        begun = time.monotonic()
        while subprocess.run(self.inside(check[1:]), check=False, capture_output=True).returncode != 0:
            if self.process.poll() is not None or time.monotonic() - begun > PATIENCE_SECONDS:
                sys.exit(f"{self.name} is not healthy; the end of its log:\n{self.log.read_text()[-3000:]}")
            time.sleep(1)
        self.is_healthy = True
        user = output("ps", "-o", "user:20=", "-p", self.pids()[-1])
        print(f"{self.name} is healthy after {time.monotonic() - begun:.0f} s, its processes run as {user}", flush=True)

    def pids(self):
        return output("ip", "netns", "pids", self.namespace).split()

    def end(self):
        if self.process:
            # The program in the container, and not what started it.
            for pid in self.pids():
                run("kill", "-TERM", pid, check=False)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                for pid in self.pids():
                    run("kill", "-KILL", pid, check=False)
        if self.is_connected:
            run("ip", "netns", "del", self.namespace, check=False)
        if self.container:
            run("buildah", "rm", self.container, check=False)


def run(*command, check=True):
    subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    if shutil.which("buildah") is None and "--check" not in sys.argv[1:]:
        sys.exit("buildah is missing: run `make images`")
    sys.exit(main())
