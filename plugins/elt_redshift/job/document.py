"""Reading a ``job.yaml`` into plain values, with the line of each key, refusing what YAML would drop or change.

Of YAML's types only those are read that are written in one way: ``true``, ``false``, ``null``, and numbers as Python
writes them. ``yes``, ``on`` and ``1998-12-31`` are texts, as in YAML 1.2 (https://yaml.org/spec/1.2.2/). ``0101``,
``12:30`` or ``1.50``, of which YAML makes numbers that are written otherwise, become a :class:`~.written.Plain`. Keys
are texts always.

Parsing is left to PyYAML, whose events are put together here without recursion, so that no nesting and no aliases cost
more than the file is long.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from elt_redshift.job.findings import Findings, Path
from elt_redshift.job.written import Plain

#: Keys deeper than ``parameters.year.default`` mean nothing in a job, so lines are kept down to there.
_DEPTH = 3
#: Nothing in a job is nested deeper than this.
_DEEPEST = 32
#: A document with its aliases spelt out has at most so many values, and at most this many times those in the file.
_MOST, _TIMES = 100_000, 10

#: libyaml's, where PyYAML has it: ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"

_SURROGATE = re.compile("[\ud800-\udfff]")
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
#: What YAML 1.1 or 1.2 takes for a number or a boolean, otherwise written than we read them.
_PLAIN = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+"
    r"|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))"
    r"|\.(?:nan|NaN|NAN)|True|TRUE|False|FALSE"
)


def read(text: str, file: pathlib.Path) -> tuple[dict[Any, Any] | None, Findings]:
    """The mapping that ``text`` holds, or ``None`` when there is none, and the mistakes found.

    :param file: where the text comes from, for messages.
    """
    origin = str(file)
    findings = Findings(origin, base=file.parent)
    builder = _Builder()
    try:
        data = builder.build(yaml.parse(text, Loader=_LOADER))
    except _RefusedError as error:
        findings.add_at((), f"{origin}:{error.line}", error.problem, error.remedy)
        return None, findings
    except (yaml.YAMLError, ValueError) as error:  # a lone surrogate cannot be handed to libyaml
        findings.add_at((), *_syntax(error, origin))
        return None, findings
    if not isinstance(data, dict):
        held = "is empty" if data is None else "holds no keys"
        findings.add((), f"The file {held}.", "Write job_id, name and tasks; docs/authoring.md shows how.")
        return None, findings
    findings = Findings(origin, builder.lines, file.parent)
    for path, line in builder.twice:
        problem = f"The key '{path[-1]}' stands twice; YAML would keep only the last."
        findings.add_at(path, f"{origin}:{line}: {'.'.join(path)}", problem, "Keep one of them.")
    return data, findings


def _syntax(error: Exception, origin: str) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None)
    place = f"{origin}:{mark.line + 1}" if mark else origin
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    what = ", ".join(part for part in parts if part) or " ".join(str(error).split())
    return place, f"This is not YAML: {what}.", "Mend the indentation, the quotes or the character there."


def scalar(text: str) -> Any:
    """The value that an unquoted ``text`` stands for."""
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _PLAIN.fullmatch(text):
        return text
    try:
        number = float(text)
    except ValueError:
        return Plain(text)
    return number if repr(number) == text else Plain(text)


class _RefusedError(Exception):
    """What YAML allows and a job does not.

    :param line: 1-based.
    """

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        self.line, self.problem, self.remedy = line, problem, remedy
        super().__init__(line, problem, remedy)


@dataclass(slots=True)
class _Open:
    """A mapping or a list whose end has not been met.

    :param value: filled while it is read.
    :param path: the keys that lead to it; None: too deep to be told, or in a list.
    :param anchor: by which aliases mean it.
    :param key: the key whose value comes next; None: a key comes next.
    :param merged: what ``<<`` gave, which the mapping's own keys come before.
    :param size: how many values it holds, aliases spelt out.
    """

    value: dict[str, Any] | list[Any]
    path: Path | None
    anchor: str | None
    key: str | None = None
    merged: list[tuple[Any, int]] = field(default_factory=list)
    size: int = 1


class _Builder:
    """Puts the values together from a document's events.

    :ivar lines: the line of each key.
    :ivar twice: each repetition of a key, with its line.
    """

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.twice: list[tuple[Path, int]] = []
        self._root: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def build(self, events: Iterable[yaml.Event]) -> Any:
        """The document's value; None of an empty one."""
        for event in self._of_one_document(events):
            self._values += 1
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent():
                    self._begin(event, {})
                case yaml.SequenceStartEvent():
                    self._begin(event, [])
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._alias(event)
        return self._root

    @staticmethod
    def _of_one_document(events: Iterable[yaml.Event]) -> Iterator[yaml.Event]:
        documents = 0
        for event in events:
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                problem = "This is a second document; a file holds one job."
                raise _RefusedError(_line(event), problem, "Put it into a file of its own.")
            yield event

    def _scalar(self, event: Any) -> None:
        text = event.value
        if not text.isascii() and _SURROGATE.search(text):  # where PyYAML has no libyaml, which refuses them itself
            raise _RefusedError(_line(event), "\\u stands for half of a character.", "Write the character itself.")
        if self._wants_key():
            self._key(text, event)
            return
        value = scalar(text) if _is_untagged(event) and event.implicit[0] else text
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, event)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _key(self, text: str, event: Any) -> None:
        _is_untagged(event)
        around = self._open[-1]
        around.key = text
        if event.anchor:
            self._anchors[event.anchor] = (text, 1)
        if around.path is None:
            return
        here = (*around.path, text)
        if here in self.lines:
            self.twice.append((here, _line(event)))
        self.lines.setdefault(here, _line(event))

    def _begin(self, event: Any, value: dict[str, Any] | list[Any]) -> None:
        _is_untagged(event)
        if self._wants_key():
            problem = f"A key is a {'mapping' if isinstance(value, dict) else 'list'} here."
            raise _RefusedError(_line(event), problem, "Write a name; braces of a text need quotes around them.")
        if len(self._open) >= _DEEPEST:
            raise _RefusedError(_line(event), f"This is nested more than {_DEEPEST} deep.", "Mend the brackets.")
        self._open.append(_Open(value, self._path() if isinstance(value, dict) else None, event.anchor))
        if event.anchor:
            self._anchors.pop(event.anchor, None)

    def _path(self) -> Path | None:
        """Where a mapping that begins here stands, if its keys' lines are kept."""
        if not self._open:
            return ()
        around = self._open[-1]
        if around.path is None or around.key is None or around.key == _MERGE or len(around.path) + 1 >= _DEPTH:
            return None
        return (*around.path, around.key)

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for merged, size in done.merged:
                done.value.update({key: value for key, value in merged.items() if key not in done.value})
                done.size += size
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._put(done.value, done.size, event)

    def _alias(self, event: Any) -> None:
        if self._wants_key():
            raise _RefusedError(_line(event), f"A key is the alias *{event.anchor} here.", "Write the name itself.")
        if event.anchor not in self._anchors:
            around = any(one.anchor == event.anchor for one in self._open)
            what = "means what it stands in" if around else "means nothing: nothing above is called so"
            raise _RefusedError(_line(event), f"The alias *{event.anchor} {what}.", "Write the value itself.")
        self._put(*self._anchors[event.anchor], event)

    def _put(self, value: Any, size: int, event: Any) -> None:
        """Give ``value`` its place in what is open."""
        if not self._open:
            self._root = value
            return
        around = self._open[-1]
        around.size += size
        if around.size > max(_MOST, _TIMES * self._values):
            problem = f"Aliases make this more than {around.size:,} values."
            raise _RefusedError(_line(event), problem, "Write out what you need of them.")
        if isinstance(around.value, list):
            around.value.append(value)
        elif around.key == _MERGE:
            self._merge(around, value, event)
        elif around.key is not None:
            around.value[around.key] = value
        around.key = None

    @staticmethod
    def _merge(around: _Open, value: Any, event: Any) -> None:
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise _RefusedError(
                    _line(event), "<< takes in mappings only.", "Name one by an alias, such as *common."
                )
            around.merged.append((one, len(one)))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _is_untagged(event: Any) -> bool:
    """Whether nothing says what type a value has.

    :raises _RefusedError: something does, and it is not text.
    """
    if event.tag in (None, "!"):
        return event.tag is None
    if event.tag == _TEXT_TAG and isinstance(event, yaml.ScalarEvent):
        return False
    written = event.tag.replace("tag:yaml.org,2002:", "!!")
    raise _RefusedError(_line(event), f"The tag {written} means nothing in a job.", "Leave it out; quote what is text.")
