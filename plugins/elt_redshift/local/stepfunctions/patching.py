"""How moto is changed: every change is a named, explained replacement of one function, class or constant.

A module of this package collects its replacements in one :class:`Patches`; its ``apply`` puts them in place, once. What
they are and why is data, so that docs/embedded-stepfunctions.md and the test against an unpatched server can list them.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

_MOTO = "moto.stepfunctions"

Replacement = Callable[..., Any]


@dataclass
class Patch:
    """One replacement: ``owner.name`` of moto, and the reason for it in one sentence."""

    owner: Any
    name: str
    reason: str
    install: Callable[[], None]

    def disable(self) -> None:
        """Leave moto as it is here; before ``apply``. For tests of whether the patch is needed."""
        self.install = lambda: None

    @property
    def target(self) -> str:
        """Where the patch goes, as ``module.Class.name`` without moto's common prefix."""
        owner = self.owner.__name__ if isinstance(self.owner, ModuleType) else f"{self.owner.__module__}.{_name(self)}"
        return f"{owner.removeprefix('moto.')}.{self.name}"


def _name(patch: Patch) -> str:
    return str(patch.owner.__qualname__)


class Patches:
    """The replacements of one concern, in the order in which they were declared."""

    def __init__(self) -> None:
        self.all: list[Patch] = []
        self._applied = False

    def method(self, owner: type, name: str, reason: str) -> Callable[[Replacement], Replacement]:
        """Replace a method. The replacement gets the original (None if there is none) before the method's arguments."""

        def register(replacement: Replacement) -> Replacement:
            self.all.append(Patch(owner, name, reason, lambda: _set_method(owner, name, replacement)))
            return replacement

        return register

    def function(self, owner: ModuleType, name: str, reason: str) -> Callable[[Replacement], Replacement]:
        """Replace a module's function, also where other modules of moto have imported it by name."""

        def register(replacement: Replacement) -> Replacement:
            self.all.append(Patch(owner, name, reason, lambda: _set_function(owner, name, replacement)))
            return replacement

        return register

    def value(self, owner: Any, name: str, reason: str, value: Any) -> None:
        """Replace a class or a constant that a module or class holds."""
        self.all.append(Patch(owner, name, reason, lambda: setattr(owner, name, value)))

    def custom(self, owner: Any, name: str, reason: str, install: Callable[[], None]) -> None:
        """Any other change."""
        self.all.append(Patch(owner, name, reason, install))

    def apply(self) -> None:
        """Put all replacements in place; a second call does nothing."""
        if self._applied:
            return
        self._applied = True
        for patch in self.all:
            patch.install()


def _set_method(owner: type, name: str, replacement: Replacement) -> None:
    raw = inspect.getattr_static(owner, name, None)
    original = raw.__func__ if isinstance(raw, staticmethod | classmethod) else raw

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    functools.update_wrapper(wrapper, replacement)
    if isinstance(raw, staticmethod | classmethod):
        setattr(owner, name, type(raw)(wrapper))
    else:
        setattr(owner, name, property(wrapper) if isinstance(raw, property) else wrapper)


def _set_function(owner: ModuleType, name: str, replacement: Replacement) -> None:
    original = getattr(owner, name)

    @functools.wraps(replacement)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    setattr(owner, name, wrapper)
    for module in [module for key, module in sys.modules.items() if key.startswith(_MOTO)]:
        for attribute in [key for key, held in vars(module).items() if held is original]:
            setattr(module, attribute, wrapper)
