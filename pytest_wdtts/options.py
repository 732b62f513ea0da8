"""Every setting three ways: `--wdtts-url`, ini key `wdtts_url`, environment `WDTTS_URL`.

The command line wins, then the environment, then markers, then the ini file, then the scenario's default.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class Option:
    """One setting; `load_field` names the field of the load plan that it sets."""

    name: str
    kind: Callable[[str], Any]
    help: str
    choices: tuple[str, ...] = ()
    load_field: str = ""
    default: Any = None
    bare: str | None = None
    """The value of the flag without one; None where a value has to follow."""

    @property
    def flag(self) -> str:
        """Its command-line form."""
        return f"--wdtts-{self.name}"

    @property
    def key(self) -> str:
        """Its ini key and, in capitals, its environment variable."""
        return f"wdtts_{self.name.replace('-', '_')}"


OPTIONS = (
    Option("url", str, "WebSocket URL of a gateway that is already up, like ws://127.0.0.1:9000/tts"),
    Option("stack", str, "the system under test", ("embedded", "compose", "external")),
    Option(
        "keep-stack",
        str,
        "leave the Compose stack up, and use it again while it is healthy",
        ("no", "yes"),
        default="no",
        bare="yes",
    ),
    Option("api-key", str, "key to present to the gateway", default=""),
    Option("sessions", int, "sessions of the load", load_field="sessions"),
    Option("cps", float, "units (characters) a second of each session", load_field="cps"),
    Option("duration", float, "seconds that each session types", load_field="duration_s"),
    Option("corpus", str, "name of a shipped text, or path of a UTF-8 file", load_field="corpus"),
    Option("seed", int, "seed of every random choice", load_field="seed"),
    Option("report", os.path.expanduser, "directory for reports", default="wdtts-report"),
    Option("again", int, "drive a run for whose verdict we were too late again, so many times at most", default=0),
    Option("save", str, "keep the reports under this name, in .wdtts/ of the root directory", default=""),
    Option("compare", str, "compare with the reports saved under this name, or with a report's file", default=""),
    Option("compare-fail", str, "fail where a comparison shows this, such as 'service_time_ms.p99>1.2x'", default=""),
    Option(
        "transport",
        str,
        "library that carries the load; auto takes picows where it is installed, else websockets",
        ("auto", "picows", "websockets"),
        default="auto",
    ),
    Option("cluster", str, "Dask scheduler whose workers drive the load, like tcp://scheduler:8786", default=""),
    Option("include", str, "cases of the conformance catalogue, as globs with blanks between: these", default=""),
    Option("exclude", str, "cases of the conformance catalogue, as globs with blanks between: not these", default=""),
    Option("defect", str, "defect to switch on in the embedded gateway, NAME[:ARGS]", default=""),
)


class BadValue(ValueError):
    """A setting whose value cannot be read; says which, and what is valid."""


def add_options(parser: "pytest.Parser") -> None:
    """Declare them all to pytest."""
    group = parser.getgroup("wdtts", "acceptance of streaming text-to-speech gateways")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.key,
            default=None,
            help=f"{option.help} [ini: {option.key}, environment: {option.key.upper()}]",
            type=option.kind,
            choices=option.choices or None,
            **({"nargs": "?", "const": option.bare} if option.bare else {}),
        )
        parser.addini(option.key, option.help, default=None)


def explicit(config: "pytest.Config", option: Option) -> Any:
    """Return the value from the command line or the environment, or None."""
    value = config.getoption(option.key, None)
    if value == "" and option.name == "url":  # By a script's unset variable our gateway must not pass for another.
        raise BadValue("--wdtts-url is empty: give one like ws://127.0.0.1:9000/tts, or leave it out")
    if value is not None:
        return value
    return _read(option, os.environ.get(option.key.upper()), f"environment {option.key.upper()}")


def from_ini(config: "pytest.Config", option: Option) -> Any:
    """Return the value from the ini file, or None."""
    return _read(option, config.getini(option.key), f"ini key {option.key}")


def setting(config: "pytest.Config", name: str) -> Any:
    """Return a setting that no marker can give."""
    option = next(option for option in OPTIONS if option.name == name)
    for value in (explicit(config, option), from_ini(config, option)):
        if value is not None:
            return value
    return option.default


def load_settings(config: "pytest.Config", marked: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the load plan that anybody gave, each by the strongest voice."""
    fields: dict[str, Any] = {}
    for option in OPTIONS:
        if option.load_field and (value := from_ini(config, option)) is not None:
            fields[option.load_field] = value
    fields |= marked
    for option in OPTIONS:
        if option.load_field and (value := explicit(config, option)) is not None:
            fields[option.load_field] = value
    return fields


def _read(option: Option, text: str | None, where: str) -> Any:
    if not text:
        return None
    try:
        value = option.kind(text)
    except ValueError:
        raise BadValue(f"{where} is {text!r}: {option.flag} takes {option.kind.__name__}") from None
    if option.choices and value not in option.choices:
        raise BadValue(f"{where} is {text!r}: one of {', '.join(option.choices)}")
    return value
