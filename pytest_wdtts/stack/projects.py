"""Compose projects side by side on one engine: whose they are, which are orphans, which ports they have."""

import os
import re
import secrets
import socket
from collections.abc import Collection
from contextlib import suppress

import psutil

from ..errors import StackError
from .engine import Client

KEPT = "wdtts-kept"
"""The project that stays up for the next run."""
_OURS = re.compile(r"wdtts-(\d+)-[0-9a-f]{6}")
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_OWN_PORTS = range(20_000, 32_768)
_TRIES = 200


def own_project() -> str:
    """A name that no other run has, and that tells whose it is."""
    return f"wdtts-{os.getpid()}-{secrets.token_hex(3)}"


def orphans(client: Client) -> list[str]:
    """Projects of ours whose process is gone."""
    found = {one["Labels"].get(_PROJECT, "") for one in client.api.containers(all=True, filters={"label": _PROJECT})}
    return sorted(
        project for project in found if (ours := _OURS.fullmatch(project)) and not psutil.pid_exists(int(ours[1]))
    )


def ports_of(client: Client, project: str) -> dict[str, str]:
    """The published port of each service of a project; {} where it is not there."""
    ports: dict[str, str] = {}
    for one in client.api.containers(all=True, filters={"label": f"{_PROJECT}={project}"}):
        bindings = client.api.inspect_container(one["Id"])["HostConfig"]["PortBindings"] or {}
        for binding in bindings.values():
            ports[one["Labels"][_SERVICE]] = binding[0]["HostPort"]
    return ports


def free_port(taken: Collection[str]) -> str:
    """Return a free port below those that systems lend to outgoing connections, and none of those `taken` already.

    While a container is away its port is free: one of those could be lent, and the container never gets it back.
    Raises `StackError` where none is found.
    """
    for port in secrets.SystemRandom().sample(_OWN_PORTS, _TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if str(port) not in taken:
                return str(port)
    raise StackError(
        f"{_TRIES} ports from {_OWN_PORTS.start} to {_OWN_PORTS.stop - 1} were tried and none is free: end what holds "
        "them, or name ports in ci/.env"
    )
