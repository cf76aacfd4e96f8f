"""Tokens of transactions are remembered for ten minutes, and no longer."""

from reconciler.local.server.answers import Answer, dynamodb_document
from reconciler.local.server.request_tokens import RequestTokens


def test_a_token_stands_for_ten_minutes_in_its_region() -> None:
    now, asked = [0.0], list[str]()
    tokens = RequestTokens(lambda: now[0])

    def once(region: str) -> Answer:
        def ask() -> Answer:
            asked.append(region)
            return dynamodb_document({})

        return tokens.once({"ClientRequestToken": "a", "TransactItems": []}, region, ask)

    once("one")
    once("other")
    now[0] = 599
    once("one")
    assert asked == ["one", "other"]

    now[0] = 601
    once("one")
    assert asked == ["one", "other", "one"]
