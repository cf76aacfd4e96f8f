"""On which operations an image rests that a merge wrote."""

from reconciler.item.image import merge
from reconciler.simulation.plan.drawing import REGIONS
from reconciler.simulation.world.causes import Causes, Origin
from tests.builders import Replica, assign, increment


def test_a_merge_rests_on_what_a_put_took_if_its_context_includes_all_of_that() -> None:
    """A merge of what a plain item lost takes it in, and its call names the plain item alone."""
    base = Replica("use1").write(increment("balance", 100), at=1)
    taken = Replica("use1", base).write(assign("name", "Ada"), at=2)
    other = Replica("euw1", base).write(increment("balance", 5), at=3)
    causes = Causes(REGIONS)
    causes.note_image(taken, Origin(0b11, "operation 1", REGIONS[0], 2))

    assert causes.included(merge(taken, other), [taken]) == 0b11
    assert causes.included(other, [taken]) == 0
    assert causes.included(other, []) == 0
