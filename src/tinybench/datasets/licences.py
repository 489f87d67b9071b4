"""Licences that a user has to accept before the data is put on the machine."""

from __future__ import annotations

from tinybench.datasets import store
from tinybench.errors import UsageError
from tinybench.specs import DatasetSpec


def require_acceptance(dataset: DatasetSpec, name: str, accepted: bool) -> None:
    """Check that the licence of ``dataset`` needs no word of the user, or that the user has given it.

    What was accepted for the subset that is here now counts; its manifest says so.

    Raises:
        UsageError: it has not been accepted; the message names the licence and where to read it.
    """
    if accepted or not dataset.license_acceptance:
        return
    here = store.status(dataset, name).manifest
    if here is not None and here.accepted_license == dataset.license:
        return
    raise UsageError(
        f"{dataset.title}: its licence, {dataset.license}, has to be accepted first",
        hint=f"read {dataset.license_url} and, if you accept it, add --accept-license",
    )
