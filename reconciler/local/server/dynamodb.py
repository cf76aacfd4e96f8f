"""DynamoDB as AWS answers it, where moto does otherwise and this project would be misled.

That is: limits (`limits`), idempotency tokens (`request_tokens`), reads of streams
(`stream_reads`), the other replicas in a global table's description, and settings of TTL that hold
in all regions. All else is moto's answer. It is called while the request has its turn.
Source: DynamoDB API reference, DescribeTable; developer guide, "Global tables: how it works".
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.local.server.answers import Answer, dynamodb_document, dynamodb_error
from reconciler.local.server.limits import Ask, held_to_limits
from reconciler.local.server.replicas import GlobalTables
from reconciler.local.server.request_tokens import RequestTokens
from reconciler.local.server.stream_reads import read_records

# A signature's scope: Credential=key/date/region/service/aws4_request.
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class DynamoDb:
    """What stands between DynamoDB's callers and moto."""

    def __init__(self, tables: GlobalTables) -> None:
        self._tables = tables
        self._tokens = RequestTokens()

    def answer(self, target: str, environ: Mapping[str, Any], body: bytes, ask: Ask) -> Answer:
        """Answer a request for an operation; `ask` has moto carry it out."""
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return ask()
        operation, region, request = target.rpartition(".")[2], scope[1], json.loads(body)
        if region in self._tables.dark:
            return dynamodb_error("InternalServerError", "this region is dark", status=500)

        def carry_out() -> Answer:
            return held_to_limits(operation, request, region, ask)

        match operation:
            case "TransactWriteItems":
                return self._tokens.once(request, region, carry_out)
            case "GetRecords":
                return read_records(request, region, ask)
            case "DescribeTable":
                return self._described(region, ask())
            case "UpdateTimeToLive":
                answer = ask()
                if answer.succeeded:
                    self._tables.share_expiry(region, request["TableName"])
                return answer
        return carry_out()

    def _described(self, region: str, answer: Answer) -> Answer:
        if not answer.succeeded:
            return answer
        content = json.loads(answer.body)
        table = content["Table"]
        if self._tables.is_global(table["TableName"]):
            others = [each for each in self._tables.replication.regions if each != region]
            table["GlobalTableVersion"] = "2019.11.21"
            table["Replicas"] = [{"RegionName": o, "ReplicaStatus": "ACTIVE"} for o in others]
        return dynamodb_document(content)
