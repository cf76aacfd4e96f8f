"""Whether an answer of the door is one that its OpenAPI document tells of, body included."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from reconciler.api.paths import methods_of, path_of
from tests.handlers.door import Answered

NO_OPERATION = {400, 403, 404, 405}  # 400: a key of two parts, where the table's has one


class Documented:
    """The answers that a door's document tells of."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._checks = cache(self._validator)

    def check(self, request: Mapping[str, Any], answered: Answered) -> None:
        """Fail unless the answer to a request is documented."""
        about = request["requestContext"]["http"]
        told = self._document["paths"].get(path_of(about["path"]), {})
        operation = told.get(about["method"].lower())
        if operation is None:
            assert answered.status in NO_OPERATION, (about, answered.status)
            return
        assert about["method"] in methods_of(about["path"])
        assert str(answered.status) in operation["responses"], (about, answered.status)
        self._checks(path_of(about["path"]), about["method"].lower(), answered.status)(answered)

    def _validator(self, path: str, method: str, status: int) -> Any:
        told = self._document["paths"][path][method]["responses"][str(status)]
        if "$ref" in told:
            told = self._document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        content = told.get("content", {}).get("application/json")
        if content is None:
            return _is_empty
        whole = {**content["schema"], "components": self._document["components"]}
        validator = Draft202012Validator(whole)
        return lambda answered: validator.validate(answered.document)


def _is_empty(answered: Answered) -> None:
    assert answered.text == ""
