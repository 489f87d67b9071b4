"""Fixtures of the unit tests that live in modules of their own."""

from data_fixtures import corpus, data_cache, payload, server

__all__ = ["corpus", "data_cache", "payload", "server"]
