#!/usr/bin/env python3
"""A Docker engine with Compose on a Debian machine that has none, with or without a registry.

    python ci/provision_docker.py run -- COMMAND...   provision, run the command, stop what was started
    python ci/provision_docker.py up                  provision and leave running; prints the variables to export,
                                                      WDTTS_ENGINE_STARTED=1 among them where it started an engine
    python ci/provision_docker.py down                stop, by process id, what `up` started

An engine that answers already is used as it is. Otherwise Debian's docker.io is installed and its dockerd started
by hand, with data, socket and plug-ins of its own under --state. The base image `wdtts-base` is python:3.11-slim
where a registry can be reached, else it is made by debootstrap. Needs root where anything has to be installed.
Exit code 69: there is no engine, and none can be made. Nothing but the standard library: it runs before there is a
virtual environment.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BASE_IMAGE = "wdtts-base"
REGISTRY_IMAGE = "python:3.11-slim"
MIRROR = "http://deb.debian.org/debian"
SUITE, NEXT_SUITE = "bookworm", "trixie"
ROOTFS_PACKAGES = "python3,python3-pip,ca-certificates"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DEFAULT_STATE = Path(os.environ.get("WDTTS_DOCKER_STATE", "/var/tmp/wdtts-docker"))
ENGINE_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
PULL_LIMIT_S = 120.0
INSTALL_LIMIT_S = 900.0


CANNOT = 69
"""Exit code where there is no engine and none can be made: it is no verdict of the command."""


class Failed(Exception):
    """A step that did not succeed; the text names it, its last words and the next step."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help=f"default {DEFAULT_STATE}")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down"):
        verbs.add_parser(verb)
    verbs.add_parser("run").add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    state: Path = options.state.resolve()
    try:
        if options.verb == "down":
            stop_engine(state)
        elif options.verb == "up":
            was_up = engine_pid(state) is not None
            given = provision(state)
            started = {} if was_up or engine_pid(state) is None else {"WDTTS_ENGINE_STARTED": "1"}
            for name, value in (given | started).items():
                print(f"export {name}={value}")
        else:
            return run(state, [part for part in options.command if part != "--"])
    except Failed as error:
        print(f"provision_docker: {error}", file=sys.stderr)
        return CANNOT
    return 0


def run(state: Path, command: list[str]) -> int:
    """Run a command beside the engine; an engine that was up before stays up."""
    was_up = engine_pid(state) is not None
    try:
        given = provision(state)
        return subprocess.run(command, env=os.environ | given, check=False).returncode
    finally:
        if not was_up:
            stop_engine(state)


def provision(state: Path) -> dict[str, str]:
    """Make engine, Compose and base image be there; return the variables that reach them."""
    given: dict[str, str] = {}
    if engine_pid(state) is not None or not answers(os.environ):
        given = own_variables(state)
    environment = os.environ | given
    if given and not answers(environment):
        with step("install docker.io"):
            install("dockerd", "docker.io")
        with step("start dockerd"):
            start_engine(state, environment)
    if not succeeds(["docker", "compose", "version"], environment):
        with step(f"take Compose from {NEXT_SUITE}"):
            environment |= (given := given | own_variables(state, socket=bool(given)))
            take_compose(state)
            call(["docker", "compose", "version"], environment)
    if not succeeds(["docker", "image", "inspect", BASE_IMAGE], environment):
        with step(f"make the base image {BASE_IMAGE}"):
            make_base(state, environment)
    return given | {"WDTTS_BASE_IMAGE": BASE_IMAGE}


def own_variables(state: Path, socket: bool = True) -> dict[str, str]:
    host = {"DOCKER_HOST": f"unix://{state / 'docker.sock'}"} if socket else {}
    return host | {"DOCKER_CONFIG": str(state / "config")}


def answers(environment: "os._Environ[str] | dict[str, str]") -> bool:
    return shutil.which("docker") is not None and succeeds(["docker", "version"], dict(environment))


def install(program: str, *packages: str) -> None:
    """Install Debian packages unless the program is there already."""
    if shutil.which(program):
        return
    if os.geteuid() != 0:
        raise Failed(f"{program} is missing and only root can install it: sudo apt-get install {' '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    call(["apt-get", "update", "-q"], environment)
    call(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, "iptables"], environment)


def start_engine(state: Path, environment: dict[str, str]) -> None:
    """Start dockerd as a child that outlives us, and wait until it answers."""
    if os.geteuid() != 0:
        raise Failed("dockerd has to be started by root: run this with sudo, or start your own engine")
    state.mkdir(parents=True, exist_ok=True)
    log = state / "dockerd.log"
    # A pid file of an engine that was killed would keep the next one from starting.
    pid_file(state).unlink(missing_ok=True)
    with log.open("wb") as words:
        dockerd = subprocess.Popen(
            [
                *("dockerd", "--data-root", str(state / "data"), "--exec-root", str(state / "exec")),
                *("--pidfile", str(pid_file(state)), "--host", f"unix://{state / 'docker.sock'}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if not eventually(lambda: dockerd.poll() is not None or answers(environment), ENGINE_LIMIT_S):
        dockerd.terminate()
    if not answers(environment):
        raise Failed(f"dockerd does not answer within {ENGINE_LIMIT_S:g} s; {log} ends:\n{tail(log.read_text())}")


def stop_engine(state: Path) -> None:
    """Stop the dockerd of this state directory; it stops its containers itself."""
    pid = engine_pid(state)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    if not eventually(lambda: engine_pid(state) is None, STOP_LIMIT_S):
        raise Failed(f"dockerd (process {pid}) does not stop within {STOP_LIMIT_S:g} s: see {state / 'dockerd.log'}")


def pid_file(state: Path) -> Path:
    return state / "dockerd.pid"


def engine_pid(state: Path) -> int | None:
    """Return the process id of the dockerd started here, None where it does not run."""
    try:
        pid = int(pid_file(state).read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        alive = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, ValueError):
        return None
    return pid if alive and str(pid_file(state)).encode() in words else None


def take_compose(state: Path) -> None:
    """Unpack the Compose plug-in of the next Debian suite; the machine's own package lists stay as they are."""
    apt = state / "apt"
    for directory in ("lists/partial", "cache/archives/partial"):
        (apt / directory).mkdir(parents=True, exist_ok=True)
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(f"deb [signed-by={key}] {MIRROR} {NEXT_SUITE} main\n")
    places = {
        "Dir::Etc::sourcelist": str(apt / "sources.list"),
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": str(apt / "lists"),
        "Dir::Cache": str(apt / "cache"),
        "APT::Sandbox::User": "root",
    }
    settings = [word for name, value in places.items() for word in ("-o", f"{name}={value}")]
    call(["apt-get", *settings, "update", "-q"])
    call(["apt-get", *settings, "download", "docker-compose"], directory=apt)
    package = max(apt.glob("docker-compose_*.deb"))
    call(["dpkg", "-x", str(package), str(apt / "unpacked")])
    plugins = state / "config" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    shutil.copy2(apt / "unpacked/usr/libexec/docker/cli-plugins/docker-compose", plugins)


def make_base(state: Path, environment: dict[str, str]) -> None:
    """Tag the registry's Python image, or build the like of it from Debian packages."""
    if succeeds(["docker", "pull", "-q", REGISTRY_IMAGE], environment, PULL_LIMIT_S):
        call(["docker", "tag", REGISTRY_IMAGE, BASE_IMAGE], environment)
        return
    install("debootstrap", "debootstrap")
    rootfs = state / "rootfs"
    shutil.rmtree(rootfs, ignore_errors=True)
    call(["debootstrap", "--variant=minbase", f"--include={ROOTFS_PACKAGES}", SUITE, str(rootfs), MIRROR])
    if CA_BUNDLE.exists():
        # The machine may trust more than Debian does; without it pip fails behind such a proxy.
        shutil.copy2(CA_BUNDLE, rootfs / CA_BUNDLE.relative_to("/"))
    # Debian calls it python3 and guards its pip; the registry's image does neither.
    (rootfs / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for guard in rootfs.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        guard.unlink()
    shutil.rmtree(rootfs / "var/cache/apt/archives", ignore_errors=True)
    variables = [f"ENV {name}={CA_BUNDLE}" for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    changes = [word for change in variables for word in ("--change", change)]
    archive = subprocess.Popen(["tar", "-C", str(rootfs), "-c", "."], stdout=subprocess.PIPE)
    done = subprocess.run(
        ["docker", "import", *changes, "-", BASE_IMAGE],
        env=environment,
        stdin=archive.stdout,
        stdout=sys.stderr,  # what `up` prints is for the shell
        check=False,
    )
    if archive.wait() or done.returncode:
        raise Failed("docker import of the debootstrap tree failed: see above")
    shutil.rmtree(rootfs)


def call(command: list[str], environment: dict[str, str] | None = None, directory: Path | None = None) -> None:
    """Run one command. Raises `Failed` with its last words."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{tail(done.stdout)}")


def succeeds(command: list[str], environment: dict[str, str], limit_s: float = 20.0) -> bool:
    try:
        return not subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False


def eventually(condition: Callable[[], bool], limit_s: float) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.2)
    return True


def tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say how long a step took: provisioning is minutes, and silence looks like a hang."""
    began_s = time.monotonic()
    yield
    print(f"provision_docker: {name}: {time.monotonic() - began_s:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
