"""Writes every checked-in document anew, and names those that changed."""

from tests.golden import difference, path, text
from tests.golden.images import images
from tests.golden.security import security
from tests.infra.stacks import synthesised

if __name__ == "__main__":
    documents = {"images": images(), "security": security(synthesised("options"))}
    changed = [name for name, document in documents.items() if difference(name, document)]
    for name in changed:
        path(name).write_text(text(documents[name]))
    print(f"changed: {', '.join(changed) or 'nothing'}")  # noqa: T201 (a command)
