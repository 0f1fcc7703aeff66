"""A call of a function, and what may stand behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.tokens import closing, following, match, strip, symbol, text, word


@dataclass(frozen=True)
class Call:
    """A function call: its name in lower case, its arguments (rewritten), the tokens around it.

    :param tokens: the tokens that the call is in; ``end`` is the index of its closing bracket there.
    :param rewrite: rewrites tokens behind the call.
    """

    name: str
    arguments: list[str]
    tokens: Sequence[Token]
    end: int
    rewrite: Callable[[Sequence[Token]], list[Token]]

    def within_group(self, index: int) -> tuple[str, int]:
        """The ORDER BY of ``WITHIN GROUP (ORDER BY …)`` from ``index`` on, and the index after it."""
        after = match(self.tokens, following(self.tokens, index - 1), "within", "group")
        if after is None or symbol(self.tokens, after) != "(":
            return "", index
        end = closing(self.tokens, after)
        return text(strip(self.rewrite(self.tokens[after + 1 : end]))), end + 1

    def over(self, index: int) -> tuple[str | None, int]:
        """The contents of ``OVER (…)`` from ``index`` on (``None``: there is none), and the index after it."""
        over = following(self.tokens, index - 1)
        start = following(self.tokens, over)
        if word(self.tokens, over) != "over" or symbol(self.tokens, start) != "(":
            return None, index
        end = closing(self.tokens, start)
        return text(strip(self.rewrite(self.tokens[start + 1 : end]))), end + 1

    def window(self, index: int) -> tuple[str, int]:
        """``over (…)`` or ``over name`` from ``index`` on (empty: there is none), and the index after it."""
        contents, end = self.over(index)
        over = following(self.tokens, index - 1)
        named = following(self.tokens, over)
        if contents is None and word(self.tokens, over) == "over" and word(self.tokens, named):
            return f" over {word(self.tokens, named)}", named + 1
        return "" if contents is None else f" over ({contents})", end

    def nulls(self, index: int) -> tuple[str, int]:
        """``ignore`` or ``respect`` of ``IGNORE NULLS`` from ``index`` on (empty: neither), and the index after it."""
        place = following(self.tokens, index - 1)
        kind = word(self.tokens, place)
        if kind in ("ignore", "respect") and word(self.tokens, following(self.tokens, place)) == "nulls":
            return kind, following(self.tokens, place) + 1
        return "", index


#: What a call becomes, and the index of the first token after it; ``None`` leaves it as it is.
Rewritten = tuple[str, int] | None
Rewrite = Callable[[Call], Rewritten]
