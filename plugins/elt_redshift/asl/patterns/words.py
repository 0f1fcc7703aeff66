"""The words in which a state machine tells people of an error, as JSONata; :mod:`elt_redshift.runs.causes` is its
counterpart for whoever reads of an execution's end."""

from __future__ import annotations

from elt_redshift.asl.language.jsonata import code_object
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.protocol import messages

#: In a catcher: name and text of the error, and both.
ERROR, CAUSE = "$states.errorOutput.Error", "$states.errorOutput.Cause"
WHY = f"{ERROR} & ' ' & {CAUSE}"


def in_plain_words(why: str, before: str = "''") -> str:
    """The text of an error without what the SDK adds; of one about the state machine's inner workings, what a person
    can do.

    :param why: JSONata that gives name and text, as :data:`WHY`.
    :param before: JSONata of what is put before the words of a service.
    """
    said = f"{before} & {_of_the_service('$said')}"
    plain = f"$contains($said, /{messages.INNER_WORKINGS}/) ? '{messages.NOT_EXPECTED}' : {said}"
    return f"($said := $substringAfter({why}, ' '); {plain})"


def _of_the_service(said: str) -> str:
    """A service's words, without what the SDK puts behind them."""
    service, attempts = messages.OF_THE_SDK
    return f"$split($split({said}, '{service}')[0], '{attempts}')[0]"


#: In the cause of an execution whose expression has raised an error; the error's code and message follow.
_RAISED = "threw an error during evaluation"
_CODE = "[A-Z][0-9][0-9][0-9][0-9]: "

_UNFORESEEN = "The execution failed where no task has told why: its history in Step Functions does."
_ENDS = {
    **{name: f"The execution failed: {said}." for name, said in messages.OWN_ERRORS.items()},
    "ConditionalCheckFailedException": f"The execution failed: {messages.LOCK_LOST}.",
}

#: What is said of a Map Run of which a child has failed.
CHILD_FAILED = _ENDS["ExceedToleratedFailureThreshold"]


def end_in_plain_words(error: str, cause: str) -> str:
    """Why an execution failed: the words that a gate has raised, or a service's; of errors of Step Functions' own, what
    a person can do.

    :param error: JSONata that gives the error's name, or an empty text; ``cause`` likewise.
    """
    ends = code_object(**{name: text(said) for name, said in _ENDS.items()})
    inner = f"{cause} = '' or $contains({cause}, /{messages.INNER_WORKINGS}/)"
    return (
        # D3137 is the code of what $error raises: other codes are about the expression.
        f"($w := $replace($substringAfter({cause}, '{_RAISED}'), /^[.:] (D3137: )?/, ''); "
        f"$contains({cause}, '{_RAISED}') and $not($contains($w, /^{_CODE}/)) ? $w : "
        f"($own := $lookup({ends}, $substringAfter({error}, '.')); "
        f"$exists($own) ? $own : {inner} ? {text(_UNFORESEEN)} : {_of_the_service(cause)}))"
    )
