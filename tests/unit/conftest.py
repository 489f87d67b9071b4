"""Fixtures of the unit tests that live in modules of their own, and what holds for all property tests."""

from data_fixtures import corpus, data_cache, payload, server
from hypothesis import settings

__all__ = ["corpus", "data_cache", "payload", "server"]

# A busy machine is no failure: how long one example may take is not what these tests are about.
settings.register_profile("tinybench", deadline=None)
settings.load_profile("tinybench")
