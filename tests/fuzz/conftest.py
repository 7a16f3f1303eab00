"""The number of inputs that each property test tries: 2,000, or as many as FUSEZAP_FUZZ says."""

import os

from hypothesis import HealthCheck, settings

# No deadline: where time matters it is measured as processor time, for other programs may run on the machine.
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUSEZAP_FUZZ", "2000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fuzz")
