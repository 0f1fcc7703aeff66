"""What the states of many tasks have in common stands once in a definition, in variables that are set with the lock.

Of the arguments of a call, those members that most states pass to it become a variable's; each state merges its own
into them. So do long texts inside expressions, and what does not change during a run. Variables keep their values in
branches and over a redrive. What is left is written as one expression each, without needless blanks.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from elt_redshift.asl.language.jsonata import EXECUTION_ARN, EXECUTION_NAME, INPUT, code_of, expression, literal
from elt_redshift.asl.language.states import Call, Choice, Flow, Map, Parallel, State, Succeed, Task
from elt_redshift.asl.patterns.joins import EXPIRES
from elt_redshift.asl.target import ROLE_PLACEHOLDER

#: Fewer states than that say all by themselves.
MANY = 4

#: What does not change during a run, and the variables that hold it. (Items of joins then expire so long after the
#: run took its lock, which is more than an execution lasts.)
_CONSTANT = {EXECUTION_NAME: "execution", EXECUTION_ARN: "owner", EXPIRES: "expiry"}

#: What an expression that reads it several times calls its state's input.
_INPUT = "$n"

#: Texts and patterns, in which blanks count.
_WORDS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<=\()/[^/\n]+/|(?<=, )/[^/\n]+/)""")
#: Blanks beside signs, but before an opening one: `and (` is no call of a function.
_BLANKS = re.compile(r" ?([-+*&=<>?:,;)}\]]) ?|([({\[]) ")

_Simple = Task | Choice | Succeed
_Key = tuple[Call, tuple[str, ...]]


def shared(states: Iterable[State]) -> tuple[list[State], dict[str, Any]]:
    """The same states, and the variables that they need now."""
    states = list(states)
    groups: dict[_Key, list[Mapping[str, Any]]] = defaultdict(list)
    for task in _tasks(states):
        groups[_key(task)].append(task.arguments)  # type: ignore[arg-type]
    common = {key: found for key, group in groups.items() if len(group) >= MANY and (found := _common(group))}
    named = {key: f"{key[0].action}{number}" for number, key in enumerate(common)}

    def short(task: Task) -> Task:
        if (key := _key(task)) not in named or not isinstance(task.arguments, Mapping):
            return task
        own = {
            name: _sql(value) if name in ("Sql", "Sqls") else value
            for name, value in task.arguments.items()
            if common[key].get(name) != value
        }
        return replace(task, arguments=expression(f"$merge([${named[key]}, {code_of(own)}])"))

    variables: dict[str, Any] = {named[key]: dict(found) for key, found in common.items()}
    variables |= {name: expression(value) for value, name in _CONSTANT.items()}
    return [
        _each(state, lambda one: _shortest(short(one) if isinstance(one, Task) else one)) for state in states
    ], variables


def _shortest(state: _Simple) -> State:
    match state:
        case Task():
            catch = tuple(replace(one, output=_said(one.output)) for one in state.catch)
            arguments: Any = _said(state.arguments) if isinstance(state.arguments, str) else _texts(state.arguments)
            return replace(state, comment=None, arguments=arguments, output=_said(state.output), catch=catch)
        case Choice():
            rules = (replace(one, condition=_said(one.condition), output=_said(one.output)) for one in state.rules)
            return replace(state, rules=tuple(rules))
        case Succeed():
            return replace(state, output=_said(state.output))


def _texts(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _said(value) if isinstance(value, str) else value for name, value in arguments.items()}


def _said(value: Any) -> Any:
    """A state's arguments or output as a short expression, if it has anything to compute."""
    if not _computes(value):
        return value
    parts = _WORDS.split(code_of(value))
    code, words = parts[::2], parts[1::2]
    named = sum(part.count(INPUT) for part in code) > 2  # as many as pay for the name
    short = "".join(map("".join, zip_longest((_short(part, named) for part in code), words, fillvalue="")))
    return expression(f"({_INPUT}:={INPUT};{short})" if named else short)


def _computes(value: Any) -> bool:
    match value:
        case str():
            return "{% " in value
        case dict():
            return any(map(_computes, value.values()))
        case list():
            return any(map(_computes, value))
    return False


@lru_cache(4096)  # between the texts, tasks say the same
def _short(code: str, named: bool) -> str:
    """A part of an expression that holds no text.

    :param named: whether the state's input has a name of its own.
    """
    for constant, name in {**_CONSTANT, **({INPUT: _INPUT[1:]} if named else {})}.items():
        code = code.replace(constant, f"${name}")
    return _BLANKS.sub(r"\1\2", code)


def _sql(value: Any) -> Any:
    """SQL as readers of a definition find it: a JSON literal (:func:`.language.jsonata.members`)."""
    if isinstance(value, list):
        return [_sql(one) for one in value]
    return value if value.startswith("{% ") else expression(literal(value, (ROLE_PLACEHOLDER,)))


def _key(task: Task) -> _Key:
    """States of one key can share: they make the same call with arguments of the same names."""
    return task.call, tuple(task.arguments) if isinstance(task.arguments, Mapping) else ()


def _common(group: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The members that most of the group pass; what is computed is computed by each state itself."""
    found = {}
    for name in group[0]:
        said, count = Counter(json.dumps(one[name]) for one in group).most_common(1)[0]
        if "{%" not in said and count > len(group) // 2:
            found[name] = json.loads(said)
    return found


def _tasks(states: Iterable[State]) -> Iterator[Task]:
    for state in states:
        match state:
            case Task() if isinstance(state.arguments, Mapping):
                yield state
            case Parallel():
                for branch in state.branches:
                    yield from _tasks(branch.states)
            case Map():
                yield from _tasks(state.processor.states)


def _each(state: State, change: Callable[[_Simple], State]) -> State:
    def flow(of: Flow) -> Flow:
        return Flow(tuple(_each(one, change) for one in of.states))

    match state:
        case Task() | Choice() | Succeed():
            return change(state)
        case Parallel():
            return replace(state, branches=tuple(map(flow, state.branches)))
        case Map():
            return replace(state, processor=flow(state.processor))
    return state
