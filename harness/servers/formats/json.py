"""One JSON document: the records as they are."""

from __future__ import annotations

import json

from harness.record import asdict
from harness.servers import why
from harness.servers.records import ServerResult, ServersReport

SCHEMA_VERSION = 1
SUMMARY = "one document, the records as they are"


def render(report: ServersReport) -> str:
    """Render the report as JSON."""
    servers = [_server(each) for each in report.servers]
    return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(report), "servers": servers}, indent=2) + "\n"


def _server(server: ServerResult) -> dict[str, object]:
    cells = [{**asdict(cell), "good": cell.good, "why": why.of_cell(server, cell)} for cell in server.cells]
    return {**asdict(server), "good": server.good, "prone": server.prone, "cells": cells}
