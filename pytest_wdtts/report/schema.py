"""The JSON Schema of the report, published as `docs/report.schema.json`."""

import sys

import msgspec

from .model import Report


def report_schema() -> bytes:
    """Return the schema of `wdtts.run/1`, generated from the model itself."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "wdtts.run/1"}
    schema = described | msgspec.json.schema(Report, schema_hook=_anything)
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"


def _anything(kind: type) -> dict[str, object]:
    """What a gateway says of itself, and the values of a plan, may be of any JSON type."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no form in JSON Schema")
    return {"description": "any JSON value"}


if __name__ == "__main__":
    sys.stdout.write(report_schema().decode())
