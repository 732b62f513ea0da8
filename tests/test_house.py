"""The house stands: imports inside the packages go down only, as DESIGN's table of floors says.

A rule reads the source (functions and TYPE_CHECKING blocks included) and yields what breaks it. Each rule is
run on the real tree, and on small made-up trees that prove it can fail.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pytest_wdtts", "reference_gateway")

FLOORS: dict[int, set[str]] = {
    0: {"errors", "clock"},
    1: {"protocol"},
    2: {"session", "ledger", "load", "faults", "record"},
    3: {"transport", "stack"},
    4: {"run"},
    5: {"verdict", "attribution"},
    6: {"report", "conformance", "doctor"},
    7: {"shards", "gate"},
    8: {"diagnose"},
    9: {"plugin", "options", "markers", "ordering", "fixtures", "scheduling", "workers", "closing", "cli"},
}
# `pytest_wdtts/__init__.py` itself: every room may ask it for the version, it asks nobody.
PORCH = "pytest_wdtts/__init__"
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms} | {PORCH: -1}

# Rooms of these floors may import one another as long as no cycle comes of it; elsewhere, name the pair.
SIDEWAYS_FLOORS = {2, 9}
SIDEWAYS: set[tuple[str, str]] = {("stack", "transport"), ("gate", "shards"), ("attribution", "verdict")}

UP_TO_2 = {room for room, floor in FLOOR_OF.items() if floor <= 2}
FROM_3_TO_8 = {room for room, floor in FLOOR_OF.items() if 3 <= floor <= 8}
PURE = {"asyncio", "socket", "websockets", "picows", "aiohttp", "httpx", "pytest", "_pytest"}
WEBSOCKET_LIBRARIES = {"websockets", "picows", "aiohttp"}
# (these rooms, must not import these) beyond what the floors already say.
BARRED: list[tuple[set[str], set[str]]] = [
    (UP_TO_2, PURE),
    (FROM_3_TO_8, {"pytest", "_pytest"}),
    (set(FLOOR_OF) - {"transport"}, WEBSOCKET_LIBRARIES),
    (
        {"verdict", "attribution"},
        {f"pytest_wdtts.{room}" for room in ("run", "transport", "stack")},
    ),
    ({"report"}, {"pytest_wdtts.run"}),
    (set(FLOOR_OF), {"reference_gateway"}),
]
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "core"}


class Module(NamedTuple):
    """One source file: its dotted name, where it is, and what it imports on which line."""

    name: str
    path: str
    tree: ast.Module
    imports: list[tuple[int, str]]

    @property
    def room(self) -> str:
        return room_of(self.name)


def room_of(dotted: str) -> str:
    """Return the room of a dotted name in pytest_wdtts; a name that `__init__` itself offers is the porch."""
    room = dotted.split(".")[1] if "." in dotted else PORCH
    return PORCH if room.startswith("__") and room != "__main__" else room


def imports_of(tree: ast.Module, package: list[str]) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import in the file, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


@cache
def modules(root: Path) -> list[Module]:
    found = []
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        relative = path.relative_to(root)
        package = list(relative.parent.parts)
        name = package if path.stem == "__init__" else [*package, path.stem]
        tree = ast.parse(path.read_text(encoding="utf-8"), str(relative))
        found.append(Module(".".join(name), str(relative), tree, list(imports_of(tree, package))))
    return found


def ours(root: Path) -> Iterator[Module]:
    yield from (module for module in modules(root) if module.name.split(".")[0] == "pytest_wdtts")


def inside(root: Path) -> Iterator[tuple[Module, int, str]]:
    """Yield (module, line, imported room) of every import from one room of pytest_wdtts into another."""
    rooms = {module.room for module in ours(root)} | set(FLOOR_OF)
    for module in ours(root):
        for line, target in module.imports:
            if target.split(".")[0] == "pytest_wdtts":
                room = room_of(target) if room_of(target) in rooms else PORCH
                if room != module.room:
                    yield module, line, room


def is_under(target: str, name: str) -> bool:
    return target == name or target.startswith(name + ".")


def every_module_has_a_room(root: Path) -> Iterator[str]:
    for module in ours(root):
        if module.room not in FLOOR_OF:
            yield (
                f"{module.path}: the room {module.room!r} is on no floor; "
                "put it in FLOORS in tests/test_house.py, and in the table of ARCHITECTURE.md"
            )


def imports_go_down(root: Path) -> Iterator[str]:
    for module, line, room in inside(root):
        here, there = FLOOR_OF.get(module.room), FLOOR_OF.get(room)
        if here is None or there is None or there < here:
            continue
        if there > here:
            yield f"{module.path}:{line}: {module.room} (floor {here}) imports {room} (floor {there}): up"
        elif here not in SIDEWAYS_FLOORS and (module.room, room) not in SIDEWAYS:
            yield (
                f"{module.path}:{line}: {module.room} imports {room}, both on floor {here}; if meant, "
                "add the pair to SIDEWAYS in tests/test_house.py"
            )


def rooms_make_no_cycle(root: Path) -> Iterator[str]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for module, _, room in inside(root):
        graph.add(module.room, room)
    try:
        graph.prepare()
    except CycleError as cycle:
        yield "rooms import one another in a circle: " + " <- ".join(cycle.args[1])


def barred_imports_stay_out(root: Path) -> Iterator[str]:
    for module in ours(root):
        for line, target in module.imports:
            for rooms, barred in BARRED:
                hit = sorted(name for name in barred if is_under(target, name))
                if module.room in rooms and hit:
                    yield f"{module.path}:{line}: {module.room} must not import {hit[0]}"


def gateway_knows_only_the_protocol(root: Path) -> Iterator[str]:
    for module in modules(root):
        if module.name.split(".")[0] == "reference_gateway":
            for line, target in module.imports:
                if is_under(target, "pytest_wdtts") and not is_under(target, "pytest_wdtts.protocol"):
                    yield f"{module.path}:{line}: the gateway may import pytest_wdtts.protocol, not {target}"


def names_say_something(root: Path) -> Iterator[str]:
    for module in modules(root):
        for part in module.name.split("."):
            if part in EMPTY_NAMES or "manager" in part.lower():
                yield f"{module.path}: a module named {part!r} says nothing of what lives there"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and "Manager" in node.name:
                yield f"{module.path}:{node.lineno}: {node.name} says nothing of what it does"


Rule = Callable[[Path], Iterator[str]]
RULES: list[Rule] = [
    every_module_has_a_room,
    imports_go_down,
    rooms_make_no_cycle,
    barred_imports_stay_out,
    gateway_knows_only_the_protocol,
    names_say_something,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house_keeps(rule: Rule) -> None:
    assert list(ours(ROOT)), "no source found: the rules would pass on nothing"
    broken = list(rule(ROOT))
    assert not broken, "\n" + "\n".join(broken)


def build(root: Path, files: dict[str, str]) -> Path:
    """Write a made-up tree; a key is the path inside it, `pytest_wdtts/` where it names no package."""
    for key, source in files.items():
        path = root / (key if key.startswith(PACKAGES) else f"pytest_wdtts/{key}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return root


UNDER_TYPE_CHECKING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pytest_wdtts.run import R\n"

BROKEN: list[tuple[Rule, dict[str, str], str]] = [
    (every_module_has_a_room, {"attic/x.py": ""}, "put it in FLOORS"),
    (every_module_has_a_room, {"attic.py": ""}, "put it in FLOORS"),
    (every_module_has_a_room, {"__main__.py": ""}, "put it in FLOORS"),
    (imports_go_down, {"clock.py": "from pytest_wdtts.run import R"}, "clock (floor 0) imports run"),
    (imports_go_down, {"clock.py": "import pytest_wdtts.run.drive"}, "clock (floor 0) imports run"),
    (imports_go_down, {"clock.py": "from pytest_wdtts import run"}, "clock (floor 0) imports run"),
    (imports_go_down, {"clock.py": "from . import run"}, "clock (floor 0) imports run"),
    (imports_go_down, {"load/plan.py": "from ..run import R"}, "load (floor 2) imports run"),
    (imports_go_down, {"load/__init__.py": "from ..run.drive import R"}, "load (floor 2) imports run"),
    (imports_go_down, {"load/deep/plan.py": "from ...run import R"}, "load (floor 2) imports run"),
    (imports_go_down, {"load/plan.py": "def f():\n    from ..run import R"}, "plan.py:2:"),
    (imports_go_down, {"load/plan.py": UNDER_TYPE_CHECKING}, "plan.py:3:"),
    (
        imports_go_down,
        {"load/plan.py": "import importlib\nimportlib.import_module('pytest_wdtts.run')"},
        ":2:",
    ),
    (imports_go_down, {"__init__.py": "from .errors import WdttsError"}, "imports errors (floor 0): up"),
    (imports_go_down, {"verdict/row.py": "from ..attribution import C"}, "add the pair to SIDEWAYS"),
    (imports_go_down, {"transport/t.py": "from ..stack import S"}, "add the pair to SIDEWAYS"),
    (
        rooms_make_no_cycle,
        {"load/a.py": "from ..faults import F", "faults/b.py": "from ..load import L"},
        "in a circle",
    ),
    (
        rooms_make_no_cycle,
        {
            "cli.py": "from . import plugin",
            "plugin.py": "from . import options",
            "options.py": "from . import cli",
        },
        "in a circle",
    ),
    (barred_imports_stay_out, {"session/s.py": "import asyncio"}, "session must not import asyncio"),
    (
        barred_imports_stay_out,
        {"session/s.py": "from asyncio import Queue"},
        "session must not import asyncio",
    ),
    (barred_imports_stay_out, {"protocol/c.py": "import socket"}, "protocol must not import socket"),
    (barred_imports_stay_out, {"errors.py": "import pytest"}, "errors must not import pytest"),
    (barred_imports_stay_out, {"__init__.py": "import pytest"}, "must not import pytest"),
    (barred_imports_stay_out, {"run/r.py": "import pytest"}, "run must not import pytest"),
    (
        barred_imports_stay_out,
        {"shards/s.py": "from _pytest.config import Config"},
        "must not import _pytest",
    ),
    (barred_imports_stay_out, {"run/r.py": "import websockets.client"}, "run must not import websockets"),
    (barred_imports_stay_out, {"stack/s.py": "from aiohttp import web"}, "stack must not import aiohttp"),
    (barred_imports_stay_out, {"plugin.py": "def f():\n    import picows"}, "plugin must not import picows"),
    (
        barred_imports_stay_out,
        {"verdict/r.py": "from ..run import R"},
        "verdict must not import pytest_wdtts.run",
    ),
    (barred_imports_stay_out, {"attribution/a.py": "from .. import stack"}, "not import pytest_wdtts.stack"),
    (barred_imports_stay_out, {"verdict/r.py": "from ..transport import T"}, "import pytest_wdtts.transport"),
    (
        barred_imports_stay_out,
        {"report/j.py": "from ..run import R"},
        "report must not import pytest_wdtts.run",
    ),
    (
        barred_imports_stay_out,
        {"stack/s.py": "import reference_gateway"},
        "must not import reference_gateway",
    ),
    (
        gateway_knows_only_the_protocol,
        {"reference_gateway/g.py": "from pytest_wdtts.session import S"},
        "not pytest_wdtts.session.S",
    ),
    (
        gateway_knows_only_the_protocol,
        {"reference_gateway/g.py": "from pytest_wdtts import clock"},
        "not pytest_w",
    ),
    (gateway_knows_only_the_protocol, {"reference_gateway/g.py": "import pytest_wdtts"}, "not pytest_wdtts"),
    (names_say_something, {"run/utils.py": ""}, "'utils'"),
    (names_say_something, {"reference_gateway/core/x.py": ""}, "'core'"),
    (names_say_something, {"run/session_manager.py": ""}, "'session_manager'"),
    (names_say_something, {"run/drive.py": "class RunManager: ..."}, "RunManager"),
]


@pytest.mark.parametrize(("rule", "files", "message"), BROKEN)
def test_rule_can_fail(tmp_path: Path, rule: Rule, files: dict[str, str], message: str) -> None:
    broken = list(rule(build(tmp_path, files)))
    assert len(broken) == 1
    assert message in broken[0]


ALLOWED: list[dict[str, str]] = [
    {"__init__.py": "__version__ = '1'", "cli/main.py": "from pytest_wdtts import __version__"},
    {"load/plan.py": "from ..protocol import FLUSH_MARKS", "load/rate.py": "from .plan import Plan"},
    {"faults/plan.py": "from ..load import Plan", "record/journal.py": "from ..ledger import Ledger"},
    {"cli/main.py": "from ..options import O", "plugin.py": "import pytest\nfrom . import options, fixtures"},
    {
        "transport/ws.py": "import asyncio, websockets",
        "run/drive.py": "import asyncio\nfrom ..transport import T",
    },
    {"verdict/row.py": "from ..record import Run\nfrom ..protocol import chunk_ends"},
    {"session/s.py": "import pytester_lookalike"},
    {"reference_gateway/g.py": "from aiohttp import web\nfrom pytest_wdtts.protocol import Start"},
    {"reference_gateway/g.py": "from pytest_wdtts import protocol", "run/corelation.py": ""},
]


@pytest.mark.parametrize("files", ALLOWED)
def test_rules_let_the_meant_imports_pass(tmp_path: Path, files: dict[str, str]) -> None:
    root = build(tmp_path, files)
    assert [broken for rule in RULES for broken in rule(root)] == []
