"""What every process that writes takes from its surroundings: chance, pauses, nonces."""

from collections.abc import Callable

from reconciler.causality.hlc import NONCE_WIDTH, fixed_width
from reconciler.client.sending import Surroundings
from reconciler.simulation.world.draws import Draws
from reconciler.simulation.world.setting import Setting


def surroundings(
    setting: Setting, about: Callable[[], str], time_is_sure: Callable[[], bool]
) -> Surroundings:
    """Return a write client's surroundings; `about` names what it does now."""
    return Surroundings(
        monotonic_ms=lambda: setting.agenda.now_ms,
        sleep=lambda seconds: setting.agenda.wait(round(seconds * 1000)),
        draw=lambda: setting.draws.chance("client", about()),
        fresh=lambda: repr(setting.draws.chance("token", about())).encode(),
        time_is_sure=time_is_sure,
    )


def nonce(draws: Draws, about: str) -> str:
    """Return a writer's nonce."""
    return fixed_width(draws.between("nonce", about, 0, 64**NONCE_WIDTH - 1), NONCE_WIDTH)
