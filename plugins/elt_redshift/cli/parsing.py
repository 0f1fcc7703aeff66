"""How arguments are read: what is wrong is told in one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from elt_redshift.job.findings import did_you_mean


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where the options are listed, instead of listing them each time."""

    def error(self, message: str) -> NoReturn:
        told = message if message.endswith(("?", ".")) else f"{message}."
        self.exit(2, f"error: {self.prog}: {told} `{self.prog} --help` lists what it takes.\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What a command does not know is refused by it, which can tell what it knows, and not by its parent."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        return parsed, unknown

    def _unknown(self, words: Sequence[str]) -> str:
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if option is None:
            return f"nobody knows what '{words[0]}' is for"
        return f"there is no option {option}. {did_you_mean(option, sorted(self._option_string_actions))}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"there is no '{value}'. {did_you_mean(value, action.choices)}")
