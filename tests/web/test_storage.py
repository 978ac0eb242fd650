"""What visitors may store, and results that are removed."""

import os
import time

import numpy as np
import pytest

from jaxnst.io.codec import Picture, load
from jaxnst.web import storage
from jaxnst.web.storage import CLEAN, Quota, Results


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(storage.time, "monotonic", lambda: now[0])
    return now


def test_uploads_are_limited_for_each_visitor_and_in_all(clock):
    quota = Quota(each=100, total=150)
    assert quota.admit("a", 60)
    assert not quota.admit("a", 41)
    assert quota.admit("a", 40)
    assert not quota.admit("b", 51)
    assert quota.admit("b", 50)
    assert not quota.admit("c", 1)


def test_uploads_no_longer_count_once_they_are_removed(clock):
    quota = Quota(each=100, total=100)
    assert quota.admit("a", 100)
    clock[0] = sum(CLEAN)
    assert not quota.admit("a", 1)
    clock[0] += 1
    assert quota.admit("a", 100)


def test_uploads_that_failed_do_not_count(clock):
    quota = Quota(each=100, total=100)
    failed = quota.admit("a", 100)
    quota.release(failed)
    assert quota.admit("a", 100)
    quota.release(failed._replace(size=7))  # one that was forgotten meanwhile


def test_results_are_removed_after_an_hour(tmp_path, monkeypatch):
    results = Results(tmp_path / "results", 10**9)
    old, new = (results.show(np.zeros((40, 50, 3), np.float32)) for _ in range(2))
    os.utime(os.path.dirname(old), (0, time.time() - 4000))
    now = time.time()
    monkeypatch.setattr(storage.time, "time", lambda: now + 100)
    results.show(np.zeros((40, 50, 3), np.float32))
    assert [os.path.exists(path) for path in (old, new)] == [False, True]


def test_the_oldest_of_too_many_results_are_removed(tmp_path, monkeypatch):
    picture = np.zeros((40, 50, 3), np.float32)
    probe = Results(tmp_path / "probe", 10**9).show(picture)
    results = Results(tmp_path / "results", int(2.5 * os.path.getsize(probe)))
    paths = [results.show(picture) for _ in range(4)]
    now = time.time()
    for age, path in enumerate(reversed(paths)):
        os.utime(os.path.dirname(path), (0, now - age))
    monkeypatch.setattr(storage.time, "time", lambda: now + 100)
    results.show(picture)
    assert [os.path.exists(path) for path in paths] == [False, False, True, True]


def test_transparent_parts_are_shown_on_white(tmp_path):
    alpha = np.zeros((40, 40), np.float32)
    alpha[10:30, 10:30] = 1.0
    picture = Picture(np.full((40, 40, 3), 0.2, np.float32), alpha)
    shown = load(Results(tmp_path / "r", 10**6).show(picture)).rgb
    assert shown[:6].min() > 0.97
    assert abs(shown[15:25, 15:25].mean() - 0.2) < 0.02
