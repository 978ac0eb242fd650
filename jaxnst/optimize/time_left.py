"""How long an optimization still takes, judged by what its evaluations have taken so far."""

import time
from collections import deque
from collections.abc import Callable

from jaxnst.optimize.job import Job, evaluations, scales
from jaxnst.optimize.run import RunState, is_fast

# Measured at 64 to 512 pixels on two CPU cores.
_OVERHEAD = 6500  # an evaluation costs as much as its pixels and so many more
_FAST = 0.62  # cost of a pixel with fast convolutions
_WARM_UP = 2  # evaluations of a size for which functions are compiled and targets worked out
_RECENT = 12  # evaluations that the pace is taken from; what else the machine does may change


class TimeLeft:
    """Estimates the time left of a run; give it the state after every evaluation."""

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts now; `clock` tells seconds."""
        self._costs = [
            _OVERHEAD + height * width * (_FAST if is_fast(job, scale) else 1.0)
            for scale, (height, width) in enumerate(scales(job))
        ]
        self._counts = evaluations(job)
        self._clock, self._before = clock, clock()
        self._scale, self._seen, self._warm_up = -1, 0, 0.0
        self._preparation = 0.0
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self.seconds: float | None = None
        """The time left; None as long as nothing can be said."""

    def update(self, state: RunState) -> None:
        """Takes note of an evaluation that has just been done."""
        now = self._clock()
        self._add(state.scale, now - self._before)
        self._before = now
        if not self._recent:
            return
        costs, seconds = map(sum, zip(*self._recent, strict=True))
        pace = seconds / costs
        if self._seen >= _WARM_UP:
            usual = _WARM_UP * self._costs[state.scale] * pace
            self._preparation = max(0.0, self._warm_up - usual)
        sizes_left = len(self._costs) - 1 - state.scale
        self.seconds = pace * self._cost_left(state) + sizes_left * self._preparation

    def _add(self, scale: int, seconds: float) -> None:
        """Counts the time of an evaluation at a size among its first or the recent ones."""
        if scale != self._scale:
            self._scale, self._seen, self._warm_up = scale, 0, 0.0
        self._seen += 1
        if self._seen <= _WARM_UP:
            self._warm_up += seconds
        else:
            self._recent.append((self._costs[scale], seconds))

    def _cost_left(self, state: RunState) -> float:
        """Of all evaluations to come."""
        here = self._costs[state.scale] * (self._counts[state.scale] - state.iteration)
        following = zip(self._costs, self._counts, strict=True)
        later = sum(cost * count for cost, count in list(following)[state.scale + 1 :])
        return here + later
