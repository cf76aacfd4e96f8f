"""A region with every resource of the pipeline, as moto plays it in this process."""

import json
from functools import partial
from typing import Any

from reconciler.aws.clients import client
from reconciler.deployment.names import Names
from reconciler.deployment.wiring import HOME_SOURCE, WITNESS_SOURCE
from reconciler.local.provision import TableSpec, create_pipeline, create_table

TABLE = "parties"


class Region:
    """The resources of one region."""

    def __init__(self, name: str) -> None:
        self.names = Names(TABLE, name)
        of = partial(client, region=name)
        create_table(of, TableSpec(TABLE, "id"))
        create_pipeline(of, self.names, home=HOME_SOURCE, witness=WITNESS_SOURCE)
        self.dynamodb, self.sqs, self.s3 = of("dynamodb"), of("sqs"), of("s3")

    def send(self, queue: str, body: Any) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.sqs.send_message(QueueUrl=self._url(queue), MessageBody=text)

    def depth(self, queue: str) -> int:
        """Return how many messages a queue shows and hides."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self._url(queue), AttributeNames=names)
        return sum(map(int, found["Attributes"].values()))

    def place(self, image: Any) -> None:
        self.dynamodb.put_item(TableName=TABLE, Item=image)

    def item(self) -> Any:
        key = {"id": {"S": "p1"}}
        return self.dynamodb.get_item(TableName=TABLE, Key=key).get("Item")

    def states(self) -> list[str]:
        rows = self.dynamodb.scan(TableName=self.names.ledger)["Items"]
        return sorted(row["state"]["S"] for row in rows)

    def _url(self, queue: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=queue)["QueueUrl"])
