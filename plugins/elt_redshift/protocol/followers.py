"""What a task of the state machine and the follower of its statement have agreed on.

A follower answers its task's token: with success, or with one of these errors. Their causes are JSON, the input of
the state that goes on. A follower may be of a later deployment than the run that has started it, which a redrive lets
go on for 14 days: whatever is added to its input must be optional.
"""

from __future__ import annotations

from typing import Final

#: The statement has failed, which is recorded; it is to be submitted anew; its next follower is to go on.
FAILED: Final = "Failed"
SUBMIT: Final = "Submit"
AGAIN: Final = "Again"

#: The follower met an error that no state foresaw; the cause tells it.
UNFORESEEN: Final = "Unforeseen"

ANSWERS = (FAILED, SUBMIT, AGAIN, UNFORESEEN)

#: A follower answers within so many seconds, and is waited for so much longer: then it has died.
LONGEST = 3600
PATIENCE = LONGEST + 300
