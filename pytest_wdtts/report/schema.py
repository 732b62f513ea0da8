"""The JSON Schema of the report, published as `docs/report.schema.json`."""

import sys

import msgspec

from .model import Report


def report_schema() -> bytes:
    """Return the schema of `wdtts.run/1`, generated from the model itself."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "wdtts.run/1"}
    return msgspec.json.format(msgspec.json.encode(described | msgspec.json.schema(Report)), indent=1) + b"\n"


if __name__ == "__main__":
    sys.stdout.write(report_schema().decode())
