"""What can go wrong with the embedded AWS as a process."""

from __future__ import annotations

from elt_redshift.exceptions import EltError


class LocalAwsError(EltError):
    """The embedded AWS cannot be started, reached or stopped. The message names the cause and the remedy."""


class NotRunningError(LocalAwsError):
    """A command needs a running embedded AWS and there is none for ``directory``."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        super().__init__(f"no embedded AWS runs for {directory}: start it with `elt-redshift local up`")


def port_taken(port: int, error: OSError) -> LocalAwsError:
    """What to say of a port that another program has."""
    return LocalAwsError(
        f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): stop the program that has it, "
        "or choose another port with --port (0: any free one)"
    )
