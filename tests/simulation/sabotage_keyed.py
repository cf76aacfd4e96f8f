"""The rules of idempotency keys, broken one at a time from outside; see `sabotage`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from reconciler.causality.context import CausalContext
from reconciler.client import keyed
from reconciler.client.keyed import Keyed
from reconciler.conflict import forgetting
from reconciler.conflict.marking import Speaker
from reconciler.crdt.base import LocalWrite
from reconciler.crdt.counter_pn import CounterPn
from reconciler.item import image, names
from reconciler.item.metadata import context_of, is_managed
from reconciler.resolution import resolver
from reconciler.simulation.world.named_clients import NamedClients
from tests.simulation.sabotage import replacing


def an_amount_stands_under_its_own_dot() -> AbstractContextManager[Any]:
    """Let a keyed write add to the slot of its own lineage, as any other does (K1)."""

    def make(real: Any) -> Any:
        def apply(self: CounterPn, edit: Any, depth: int, write: LocalWrite, spec: Any) -> Any:
            return real(self, edit, depth, write._replace(keyed=None), spec)

        return apply

    return replacing(CounterPn, "apply", make)


def all_of_a_write_stands_under_its_key() -> AbstractContextManager[Any]:
    """Let registers and sets have the dot of the key, too (K1)."""

    def make(real: Any) -> Any:
        def local_write(dot: Any, watermarks: Any, keyed: Any = None) -> Any:
            return real(keyed or dot, watermarks, keyed=keyed)

        return local_write

    return replacing(image, "LocalWrite", make)


def a_key_is_not_looked_for() -> AbstractContextManager[Any]:
    """Let a client carry out a key again that stands in the item (K2)."""

    def make(_: Any) -> Any:
        def is_done(self: Keyed, current: Any) -> bool:
            return False

        return is_done

    return replacing(Keyed, "is_done", make)


def a_keyed_write_in_doubt_is_made_under_a_new_key() -> AbstractContextManager[Any]:
    """Let a write in doubt be made again, but not under its key (K4)."""

    def make(_: Any) -> Any:
        def note_doubt(self: Keyed, problem: Any) -> None:
            self.lineage = None

        return note_doubt

    return replacing(Keyed, "note_doubt", make)


def keys_are_forgotten_by_one_regions_mark() -> AbstractContextManager[Any]:
    """Let the first region that marks an item forget its keys (K3)."""

    def make(real: Any) -> Any:
        def forgotten_image(current: Any, certificate: Any, rows: Any, speaker: Speaker) -> Any:
            alone = speaker._replace(replicas=[speaker.replica])
            return real(current, certificate, rows, alone)

        return forgotten_image

    return replacing(resolver, "forgotten_image", make)


def keys_are_forgotten_by_their_age() -> AbstractContextManager[Any]:
    """Let keys be forgotten once they are too old, whatever the certificate says (K3)."""

    def make(_: Any) -> Any:
        def holds_all(*_: Any) -> bool:
            return True

        return holds_all

    return _both(
        keys_are_forgotten_by_one_regions_mark(), replacing(forgetting, "_holds_all", make)
    )


def keys_are_marked_without_the_ledger() -> AbstractContextManager[Any]:
    """Let a region mark an item though it has lost keys that are still to be repaired (K3)."""

    def make(real: Any) -> Any:
        def holds_all(item: Any, certificate: Any, _: Any, known: str) -> Any:
            return real(item, certificate, (), known)

        return holds_all

    return replacing(forgetting, "_holds_all", make)


def a_key_is_taken_beyond_its_lifetime() -> AbstractContextManager[Any]:
    """Let a client take any key, however old (K2)."""

    def make(_: Any) -> Any:
        def check(self: Keyed) -> None:
            return None

        return check

    return replacing(Keyed, "check", make)


def a_named_write_is_repeated_without_its_condition() -> AbstractContextManager[Any]:
    """Let a named write be carried out again though the item shows its key (K2)."""

    def make(_: Any) -> Any:
        def shows(self: NamedClients, name: str, key: Any) -> bool:
            return False

        return shows

    return replacing(NamedClients, "_shows", make)


def the_key_of_a_named_write_is_not_read() -> AbstractContextManager[Any]:
    """Let what a named write adds stand under its own lineage, whatever its key (K1)."""

    def make(real: Any) -> Any:
        def name(element: Any) -> Any:
            found = real(element)
            return found and found._replace(keyed=None)

        return name

    return replacing(names, "_name", make)


def keys_of_names_are_not_looked_for() -> AbstractContextManager[Any]:
    """Let a client carry out a key again that a named write in the item's list has (K2)."""

    def make(_: Any) -> Any:
        def known_with_keys(current: Any) -> Any:
            return context_of(current) if is_managed(current) else CausalContext()

        return known_with_keys

    return replacing(keyed, "known_with_keys", make)


@contextmanager
def _both(one: AbstractContextManager[Any], other: AbstractContextManager[Any]) -> Iterator[None]:
    with one, other:
        yield
