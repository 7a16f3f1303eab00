"""Chooses the rule that fires for a call, and counts matches."""

from collections import Counter
from threading import Lock

from fakefs.calls import Call
from fakefs.policy import Policy, Rule
from fakefs.record import record


@record(frozen=True, slots=True)
class Choice:
    """The rule that fires, and its index in the policy at that time."""

    index: int
    rule: Rule


@record(frozen=True, slots=True)
class Count:
    """The number of times that a rule matched and fired."""

    rule: Rule
    matched: int
    fired: int


class Ledger:
    """The policy in force with its counters. Thread safe."""

    def __init__(self, policy: Policy) -> None:
        self._lock = Lock()
        self._totals: Counter[str] = Counter()
        self._install(policy)

    def _install(self, policy: Policy) -> None:
        self._rules = policy.rules
        self._matched = [0] * len(policy.rules)
        self._fired = [0] * len(policy.rules)

    def replace(self, policy: Policy) -> None:
        """Replace the rules; the counters start at zero. Requests that are held stay held."""
        with self._lock:
            self._install(policy)

    def choose(self, call: Call) -> Choice | None:
        """Count the call.

        Returns:
            The first rule that fires for it, or None.
        """
        with self._lock:
            self._totals[call.operation] += 1
            rules = self._rules
        # Matching may read /proc, so it happens outside the lock. If the rules are replaced in the meantime, the new
        # ones apply.
        while True:
            matching = tuple(index for index, rule in enumerate(rules) if rule.matches(call))
            with self._lock:
                if rules is self._rules:
                    return self._first_to_fire(matching)
                rules = self._rules

    def _first_to_fire(self, matching: tuple[int, ...]) -> Choice | None:
        for index in matching:
            rule = self._rules[index]
            self._matched[index] += 1
            if self._matched[index] >= rule.nth and (rule.times is None or self._fired[index] < rule.times):
                self._fired[index] += 1
                return Choice(index, rule)
        return None

    def counts(self) -> tuple[Count, ...]:
        with self._lock:
            return tuple(Count(*row) for row in zip(self._rules, self._matched, self._fired, strict=True))

    def totals(self) -> dict[str, int]:
        """The number of calls by operation, without operations that never happened."""
        with self._lock:
            return dict(sorted(self._totals.items()))
