"""The detector of a deployment whose setting `outside_writers` is "none"."""

import os
from typing import Any

from handlers import detect as deployed


def detect(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Detect the losses in a batch, told that nobody writes around the library."""
    os.environ["RECONCILER_OUTSIDE_WRITERS"] = "none"  # the first invocation reads it
    return deployed.handler(event, context)
