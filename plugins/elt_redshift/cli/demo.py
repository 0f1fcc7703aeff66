"""``demo``: the walkthrough, end to end, on the embedded AWS."""

from __future__ import annotations

import argparse

from elt_redshift.cli.options import Commands, command


def add_parser(commands: Commands) -> None:
    command(commands, "demo", demo, "Run the walkthrough on an embedded AWS.", job=False)


def demo(given: argparse.Namespace) -> int:
    return 0
