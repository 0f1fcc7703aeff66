"""What the author of a job chooses among, in the words in which its runs go by it.

Reading a job takes no more of the protocol than these, which keeps DAG files cheap.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

#: What becomes of the lock of a failed run: it keeps it until a redrive or an unlock, or lets it go.
AfterFailure = Literal["hold", "release"]
HOLD: Final = "hold"
RELEASED: Final = "release"

#: What people can ask to be told of: a run failed, was stopped or ran out of time; one met the job held after a
#: failure; succeeded; met the job at work; or succeeded as the first one after a failure.
Kind = Literal["failure", "held", "success", "skipped", "recovered"]
KINDS: tuple[Kind, ...] = get_args(Kind)
