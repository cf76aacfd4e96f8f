"""How many random examples a run draws: `--hypothesis-profile=thorough` draws many more."""

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "default", max_examples=100, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "thorough", max_examples=3_000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile("default")
