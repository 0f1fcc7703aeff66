"""Exception blocks and COMMIT in procedures, as Redshift has them.

In Redshift an error inside a block with EXCEPTION rolls the whole transaction back; the handler runs in a new one,
which is committed; then the error is raised again, unless the procedure is NONATOMIC. COMMIT may stand inside such a
block.
https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-trapping-errors.html
https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-transaction-management.html

In PostgreSQL such a block is a savepoint, inside of which nothing can be committed. So a block is cut at its commits::

    begin                          begin
        a; commit; b;                  begin a; exception when others then h; end;
    exception when others then         commit;
        h;                             begin b; exception when others then h; end;
    end                            end

and a handler rolls back before and commits after its statements, where the call allows it. A NONATOMIC procedure
commits after each statement that changes something, so its blocks are cut there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Piece:
    """A stretch of a body.

    :param kind: ``declare``, ``declaration``, ``label``, ``begin``, ``exception`` (through THEN), ``open`` (IF,
        LOOP, CASE), ``control`` (ELSE, ELSIF, WHEN), ``close`` (END IF …), ``end``, ``call``, ``transaction`` (COMMIT,
        ROLLBACK), ``statement`` or ``space`` (also the ``;`` behind a statement).
    :param text: the SQL, rewritten.
    """

    kind: str
    text: str


@dataclass
class _Block:
    """``begin body [exception handlers] end``."""

    body: list[Piece | _Block] = field(default_factory=list)
    handlers: list[Piece | _Block] = field(default_factory=list)
    ending: str = "end"


_MAY_END = "redshift.may_end_transaction()"
_ROLLBACK = f" if {_MAY_END} then rollback; end if;"
_COMMIT = f" if {_MAY_END} then commit; end if;"
_EXIT_LABEL = "redshift_block_"
_IMPLIED_COMMIT = Piece("transaction", f"if {_MAY_END} then commit; end if")
_CHANGING = frozenset({"insert", "update", "delete", "merge", "create", "drop", "alter", "execute", "call"})


def _parse(pieces: Iterator[Piece]) -> _Block:
    """The block whose ``begin`` was just taken from ``pieces``."""
    block = _Block()
    into = block.body
    for piece in pieces:
        if piece.kind == "begin":
            into.append(_parse(pieces))
        elif piece.kind == "exception":
            into = block.handlers
            into.append(piece)
        elif piece.kind == "end":
            block.ending = piece.text
            return block
        else:
            into.append(piece)
    return block


def _changes(item: Piece | _Block) -> bool:
    """Whether a statement changes the database, so that a NONATOMIC procedure commits it."""
    words = item.text.split(None, 1) if isinstance(item, Piece) and item.kind in ("statement", "call") else []
    return bool(words) and words[0].lower() in _CHANGING


def _segments(body: Sequence[Piece | _Block], *, nonatomic: bool) -> list[list[Piece | _Block]]:
    """Cut a block's body before and after each COMMIT and ROLLBACK that stands directly in it.

    :param nonatomic: a COMMIT is meant after each statement that changes something.
    """
    segments: list[list[Piece | _Block]] = [[]]
    depth = 0
    for item in body:
        kind = item.kind if isinstance(item, Piece) else "block"
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if kind == "transaction" and depth == 0:
            segments += [[item], []]
        else:
            segments[-1].append(item)
            if nonatomic and depth == 0 and _changes(item):
                segments += [[_IMPLIED_COMMIT], []]
    return segments


def _is_code(segment: Sequence[Piece | _Block]) -> bool:
    return any(not isinstance(item, Piece) or item.kind != "space" for item in segment)


class _Writer:
    """Writes blocks; numbers the labels that it adds."""

    def __init__(self, *, nonatomic: bool) -> None:
        self._nonatomic = nonatomic
        self._labels = 0

    def items(self, items: Sequence[Piece | _Block], *, guarded: bool) -> str:
        return "".join(
            self._piece(item, guarded=guarded) if isinstance(item, Piece) else self.block(item, guarded=guarded)
            for item in items
        )

    def _piece(self, piece: Piece, *, guarded: bool) -> str:
        """:param guarded: a block that handles exceptions is open around it, so nothing can be committed."""
        if piece.kind == "transaction" and guarded:
            return "null"
        if piece.kind == "call" and guarded:
            return f"perform redshift.guard(1); {piece.text}; perform redshift.guard(-1)"
        if self._nonatomic and not guarded and _changes(piece):
            return f"{piece.text}; {_IMPLIED_COMMIT.text}"
        return piece.text

    def block(self, block: _Block, *, guarded: bool) -> str:
        if not block.handlers:
            return f"begin{self.items(block.body, guarded=guarded)}{block.ending}"
        segments = _segments(block.body, nonatomic=self._nonatomic)
        if guarded or len(segments) == 1:
            return f"begin{self.items(block.body, guarded=True)}{self._handlers(block, guarded, '')}{block.ending}"
        return self._cut_block(block, segments)

    def _cut_block(self, block: _Block, segments: list[list[Piece | _Block]]) -> str:
        self._labels += 1
        label = f"{_EXIT_LABEL}{self._labels}"
        handlers = self._handlers(block, False, label)
        written = []
        for segment in segments:
            if [item.kind for item in segment if isinstance(item, Piece)] == ["transaction"]:
                written.append(f" {self.items(segment, guarded=False)};")
            elif _is_code(segment):
                code = self.items(segment, guarded=True).strip().removeprefix(";")
                code += "" if code.endswith(";") else "\n;"  # on a line of its own: a comment may stand before it
                written.append(f" begin {code} {handlers} end;")
        return f"begin <<{label}>> begin {''.join(written)} end; {block.ending}"

    def _handlers(self, block: _Block, guarded: bool, label: str) -> str:
        """The handlers, each with what Redshift does before and after it.

        :param label: the block to leave when the handler has ended, if it is not the innermost.
        """
        written: list[str] = []
        for item in block.handlers:
            starts = isinstance(item, Piece) and (
                item.kind == "exception" or item.text.lstrip().lower().startswith("when")
            )
            if starts and written:
                written.append(self._after(guarded, label))
            written.append(self.items([item], guarded=guarded))
            if starts and not guarded:
                written.append(_ROLLBACK)
        return "".join(written) + self._after(guarded, label)

    def _after(self, guarded: bool, label: str) -> str:
        commit = "" if guarded else _COMMIT
        leave = f" exit {label};" if label else ""
        return f"{commit}{leave} " if self._nonatomic else f"{commit} raise; "


def with_redshift_transactions(pieces: Sequence[Piece], *, nonatomic: bool) -> str:
    """The body that ``pieces`` make up, with Redshift's transactions."""
    stream = iter(pieces)
    written: list[str] = []
    writer = _Writer(nonatomic=nonatomic)
    for piece in stream:
        written.append(writer.block(_parse(stream), guarded=False) if piece.kind == "begin" else piece.text)
    return "".join(written)
