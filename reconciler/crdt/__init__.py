"""The replicated data types and their registry: one file a type, one line here."""

import reconciler.crdt.counter_pn
import reconciler.crdt.custom
import reconciler.crdt.flag_ew
import reconciler.crdt.manual
import reconciler.crdt.map_or
import reconciler.crdt.register_extreme
import reconciler.crdt.register_lww
import reconciler.crdt.register_mv
import reconciler.crdt.set_aw
import reconciler.crdt.set_rw
import reconciler.crdt.version  # noqa: F401 (each of them registers itself)
