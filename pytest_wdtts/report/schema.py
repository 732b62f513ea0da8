"""The JSON Schemas of what is written for machines, published in `docs/`."""

import sys
from inspect import cleandoc

import msgspec

from .diagnosis import DiagnosisReport
from .model import Report


def report_schema() -> bytes:
    """Return the schema of `wdtts.run/1`, generated from the model itself."""
    return _schema("wdtts.run/1", Report)


def diagnosis_schema() -> bytes:
    """Return the schema of `wdtts.diagnosis/1`."""
    return _schema("wdtts.diagnosis/1", DiagnosisReport)


def _schema(name: str, model: type[msgspec.Struct]) -> bytes:
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name}
    schema = described | msgspec.json.schema(model, schema_hook=_anything)
    return msgspec.json.format(msgspec.json.encode(_dedented(schema)), indent=1) + b"\n"


def _dedented(node: object) -> object:
    """The same without the indentation of docstrings, which Python itself takes away from 3.13 on."""
    match node:
        case dict():
            return {name: _dedented(value) for name, value in node.items()}
        case list():
            return [_dedented(value) for value in node]
        case str():
            return cleandoc(node)
        case _:
            return node


def _anything(kind: type) -> dict[str, object]:
    """What a gateway says of itself, and the values of a plan, may be of any JSON type."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no form in JSON Schema")
    return {"description": "any JSON value"}


if __name__ == "__main__":
    sys.stdout.write((diagnosis_schema() if "diagnosis" in sys.argv else report_schema()).decode())
