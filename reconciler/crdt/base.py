"""What every replicated data type is: a state whose join, given both causal contexts, is exact.

States are immutable, and `join` is commutative, associative and idempotent for states that writes
can reach. A dot that one side lacks although its context covers it was removed or replaced there,
so it goes; a dot it never saw stays. No type keeps tombstones unless its meaning needs them.
Source: Almeida, Shoker, Baquero, "Delta State Replicated Data Types", JPDC 2018 (causal CRDTs).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from reconciler.causality.context import CausalContext, Dot
from reconciler.causality.hlc import Hlc
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.values.wire import Path, Wire, canonical_bytes, label, short_digests


@dataclass(frozen=True)
class Edit:
    """One change to an item: a verb on the attribute, or the map field, at `path`.

    Verbs: assign, remove, increment, add, discard. `value` is a canonical wire value or None.
    """

    path: Path
    verb: str
    value: Wire | None = None


class LocalWrite(NamedTuple):
    """One local write: its dot, and the watermarks of its image; `rank`: at least, if its dot says
    no time; `keyed`: its key's dot, which counters add under."""

    dot: Dot
    watermarks: Mapping[str, str]
    rank: Hlc | None = None
    keyed: Dot | None = None


class OutsideChange(NamedTuple):
    """What a writer around the library did to one leaf, or to one member of a set.

    `name` tells it from what else was done at its path; `edit` is None where nothing is put there.
    """

    path: Path
    name: str
    edit: Edit | None


class Sources(NamedTuple):
    """What states are restored from, beside their own metadata: dots, by the references there.

    `changes` takes what visible values hold that the metadata does not know; what stands at the
    `hidden` paths is no state's.
    """

    dots: Sequence[Dot]
    changes: list[OutsideChange]
    hidden: Set[Path] = frozenset()

    def assigned(self, path: Path, visible: Wire | None, assignment: Wire | None) -> None:
        """Note that all of a value was assigned around the library, or removed."""
        verb = "remove" if visible is None else "assign"
        edit = Edit(path, verb, None if visible is None else assignment)
        if path not in self.hidden:
            self.changes.append(OutsideChange(path, f"={value_text(visible)}", edit))


@dataclass(frozen=True)
class Spec:
    """The declared type of an attribute: what a map_or holds, and a custom's merge function."""

    type: type["Crdt"]
    fields: Mapping[str, "Spec"] = field(default_factory=dict)
    values: "Spec | None" = None
    function: str = ""

    def type_name(self) -> str:
        """Return what an attribute keeps for good, as messages name it."""
        return f"{self.type.NAME} ({self.function})" if self.function else self.type.NAME


class Crdt(ABC):
    """The state of one attribute; its subclasses are the types, which `TYPES` registers."""

    NAME: ClassVar[str]  # in schemas and messages
    TAG: ClassVar[str]  # in the metadata of an item

    @abstractmethod
    def join(self, other: Any, mine: CausalContext, theirs: CausalContext) -> "Crdt":
        """Return the join with a state of the same type; the contexts are those of the images."""

    @abstractmethod
    def apply(self, edit: Edit, depth: int, write: LocalWrite, spec: Spec) -> "Crdt":
        """Return the state after a local write; `depth` parts of the edit's path lead here."""

    @abstractmethod
    def visible(self) -> Wire | None:
        """Return what readers see, or None where they see no attribute."""

    @abstractmethod
    def dots(self) -> Iterator[Dot]:
        """Yield every live dot, repeated or not."""

    @abstractmethod
    def encode(self, refs: Mapping[Dot, str]) -> Wire:
        """Return the metadata that, beside the visible value, restores this state."""

    @classmethod
    @abstractmethod
    def decode(cls, wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> "Crdt":
        """Restore a state from its metadata and its visible value, at the path where both are.

        What the value holds beside that was written around the library, and is noted.
        """

    def ranks(self) -> Iterator[Hlc]:
        """Yield the ranks above entries' own stamps: a next write is above them."""
        return iter(())

    def is_empty(self) -> bool:
        """Return whether the state holds nothing that a join must know."""
        return not any(True for _ in self.dots())

    def forget(self, write: LocalWrite) -> "Crdt":  # noqa: ARG002 (a counter needs it)
        """Return the state after an observed remove of the whole value."""
        return type(self)()

    def assignment(self, shown: Wire) -> Wire:
        """Return the value to assign so that readers see `shown`, where a type shows another."""
        return shown

    def fold(self, replica: str, epoch: str) -> "Crdt":  # noqa: ARG002 (counters fold)
        """Return the state once the replica's lineages up to `epoch` are one watermark."""
        return self

    def prune(self) -> "Crdt":
        """Return the state without what no join of a whole attribute can need again."""
        return self

    def complete(self, path: Path) -> "Crdt":  # noqa: ARG002 (a custom tells its function)
        """Return the state, fresh from a join, with all that readers see of it at `path`."""
        return self

    def undecided(self) -> bool:
        """Return whether a person must decide which of the values that stand is the right one."""
        return False

    def type_name(self) -> str:
        """Return what the attribute keeps for good, as messages name it."""
        return self.NAME

    def spec(self) -> Spec:
        """Return the type as the state itself shows it, where no schema is at hand."""
        return Spec(type(self))

    def refusal(self, edit: Edit, depth: int, verbs: str) -> InvalidInput:
        """Return the error for an edit that this type does not take."""
        where = label(edit.path[:depth])
        if len(edit.path) > depth:
            return InvalidInput(
                f"{label(edit.path)}: {where} is a {self.NAME}, which has no fields;"
                " declare it as map_or in the schema, or assign it whole"
            )
        return InvalidInput(f"{where}: {edit.verb} does not fit a {self.NAME}; it takes {verbs}")


TYPES: dict[str, type[Crdt]] = {}  # by the name schemas use
_BY_TAG: dict[str, type[Crdt]] = {}
_DEFAULT_TAG = "lww"
Registered = TypeVar("Registered", bound=type[Crdt])


def register(kind: Registered) -> Registered:
    """Make a type known to schemas and to the metadata of items; a class decorator."""
    TYPES[kind.NAME] = _BY_TAG[kind.TAG] = kind
    return kind


def encode_tagged(state: Crdt, refs: Mapping[Dot, str]) -> Wire:
    """Return a state's metadata with its type; the default type with one value needs no tag."""
    wire = state.encode(refs)
    return wire if state.TAG == _DEFAULT_TAG and "S" in wire else {"M": {state.TAG: wire}}


def decode_tagged(wire: Wire, visible: Wire | None, sources: Sources, path: Path) -> Crdt:
    """Restore the state that `encode_tagged` wrote; KeyError if its type is not registered."""
    ((tag, state),) = {_DEFAULT_TAG: wire}.items() if "S" in wire else wire["M"].items()
    sources = sources._replace(changes=[]) if path in sources.hidden else sources
    return _BY_TAG[tag].decode(state, visible, sources, path)


def value_text(value: Wire | None) -> str:
    """Return a value as text, the same for equal ones; "" for none."""
    return canonical_bytes(value).decode()


def value_digest(value: Wire | None) -> str:
    """Return the few characters that tell whether a writer around the library changed a value."""
    return short_digests((canonical_bytes(value),))


def refs_text(dots: Iterable[Dot], refs: Mapping[Dot, str]) -> str:
    """Return dots as the references that metadata lists: "0,1,2"."""
    return ",".join(refs[dot] for dot in dots)


def dots_of(text: str, dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """Return the dots that `refs_text` wrote as references."""
    return tuple(dots[int(ref)] for ref in text.split(",") if ref)


def join_states(
    a: Crdt | None, b: Crdt | None, mine: CausalContext, theirs: CausalContext, path: Path
) -> Crdt:
    """Join two states of one attribute, at its whole path; a side that has none counts as empty."""
    return join_nested(a, b, mine, theirs, path).complete(path)


def join_nested(
    a: Crdt | None, b: Crdt | None, mine: CausalContext, theirs: CausalContext, path: Path
) -> Crdt:
    """Join two states that the attribute which holds them completes; `path` is for messages."""
    present = a if a is not None else b
    if present is None:
        raise ValueError("one of the two states must be given")
    left = a if a is not None else type(present)()
    right = b if b is not None else type(present)()
    if a is not None and b is not None and a.type_name() != b.type_name():
        raise TypeMismatch(
            f"{label(path)} is a {a.type_name()} in one image and a {b.type_name()} in the other;"
            " an attribute keeps its type: use a new attribute for a new type",
            path=path,
        )
    return left.join(right, mine, theirs)


def surviving_dots(
    a: Iterable[Dot], b: Iterable[Dot], mine: CausalContext, theirs: CausalContext
) -> tuple[Dot, ...]:
    """Return, in order, the dots that live on: held by both, or unseen by the side without."""
    left, right = set(a), set(b)
    ours = (dot for dot in left - right if not theirs.covers(dot))
    others = (dot for dot in right - left if not mine.covers(dot))
    return tuple(sorted({*(left & right), *ours, *others}))
