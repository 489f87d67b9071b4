"""The data sets there are: those that the tasks name. There is no list of their own to keep."""

from __future__ import annotations

from dataclasses import dataclass

from tinybench import specs
from tinybench.errors import ContentError, UnknownNameError
from tinybench.specs import DatasetSpec


@dataclass(frozen=True)
class Entry:
    """One data set and what it is used for."""

    dataset: DatasetSpec
    tasks: tuple[str, ...]
    official: tuple[str, ...]
    """Subsets that are the official split of a task, the one to fetch by default first."""

    def subset(self, name: str | None) -> str:
        """``name`` if there is such a subset; without a name, the official one of the first task."""
        if name is None:
            return self.official[0]
        if name not in self.dataset.subsets:
            raise UnknownNameError("subset", name, self.dataset.subsets)
        return name


def datasets() -> dict[str, Entry]:
    """All data sets by id, in alphabetical order.

    Raises:
        ContentError: two tasks describe the same data set in different ways.
    """
    entries: dict[str, Entry] = {}
    for task in specs.tasks().values():
        dataset, official = task.dataset, task.splits.official.subset
        known = entries.get(dataset.id, Entry(dataset, (), ()))
        if known.dataset != dataset:
            raise ContentError(
                f"{task.folder / 'task.toml'}: dataset: differs from '{dataset.id}' of task {known.tasks[0]}",
                hint="describe the same data set in the same words, or give it another id",
            )
        subsets = known.official if official in known.official else (*known.official, official)
        entries[dataset.id] = Entry(dataset, (*known.tasks, task.id), subsets)
    return dict(sorted(entries.items()))


def find(name: str) -> Entry:
    """The data set called ``name``, or that of the task called ``name`` (its own official split comes first).

    Raises:
        UnknownNameError: there is neither; it lists both.
    """
    entries = datasets()
    if name in entries:
        return entries[name]
    tasks = specs.tasks()
    if name not in tasks:
        raise UnknownNameError("data set", name, [*entries, *tasks])
    entry, own = entries[tasks[name].dataset.id], tasks[name].splits.official.subset
    return Entry(entry.dataset, entry.tasks, (own, *(other for other in entry.official if other != own)))
