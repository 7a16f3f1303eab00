"""Properties are tested without a time limit: a busy machine must not fail them."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

WHOLE, QUICK = 100, 25
"""Examples of a property: where everything is required (`fusezap test --all`), and while somebody works."""
settings.register_profile(
    "harness",
    deadline=None,
    max_examples=WHOLE if os.environ.get("FUSEZAP_REQUIRE") == "1" else QUICK,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("harness")
