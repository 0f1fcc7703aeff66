"""Strings, JSONPath and intrinsic functions as AWS documents them.

(https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html and
https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html)

moto reads the text between a string's quotes as if JSON had no escapes, and formats with Python's ``str.format``. Here
a string literal is decoded as JSON; then, within an intrinsic function, an escaped character travels through moto's
grammar as a private character that stands for it, and turns back when the text is complete.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from jsonpath_ng.ext.parser import parse as jsonpath_parse
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlt4utils import antlr4utils
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringIntrinsicFunction
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format import StringFormat
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser
from moto.stepfunctions.parser.asl.parse.intrinsic.preprocessor import Preprocessor as IntrinsicPreprocessor
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

_OPEN, _CLOSE = "\ue001", "\ue002"  # braces that Format must not fill
_ESCAPED = {"\\'": "\ue003", "\\\\": "\ue004", "\\{": _OPEN, "\\}": _CLOSE}
_RAW: dict[str, str] = {
    "\n": "\ue005",
    "\t": "\ue006",
    "\r": "\ue007",
    '"': "\ue008",
}  # what moto's grammar does not take in a literal
_BACK = str.maketrans({"\ue003": "'", "\ue004": "\\", **{private: raw for raw, private in _RAW.items()}})
_TO_PRIVATE = str.maketrans({**_RAW})
_BRACES = str.maketrans({_OPEN: "{", _CLOSE: "}"})
_INDEFINITE = re.compile(r"\*|\.\.|\?\(|\[[^\]'\"]*[:,]")  # wildcards, descendants, filters, slices, unions

jsonpath = functools.lru_cache(maxsize=4096)(jsonpath_parse)


def decode(literal: str) -> str:
    """The text of a JSON string literal; anything else unchanged."""
    if len(literal) < 2 or not (literal.startswith('"') and literal.endswith('"')):
        return literal
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal[1:-1]


@PATCHES.method(Preprocessor, "__init__", "The query languages in scope were shared by all parses of the process.")
def init_preprocessor(original: Any, self: Any) -> None:
    self._query_language_per_scope = []


@PATCHES.method(Preprocessor, "_inner_string_of", "Left JSON's escapes in strings.")
def inner_string_of(original: Any, parser_rule_context: Any) -> str | None:
    if antlr4utils.is_terminal(parser_rule_context, ASLLexer.NULL):
        return None
    return decode(parser_rule_context.getText())


@PATCHES.function(antlr4utils, "from_string_literal", "Read a JSON string as a Python literal.")
def from_string_literal(original: Any, parser_rule_context: Any) -> str:
    return decode(parser_rule_context.getText())


@PATCHES.method(Preprocessor, "visitString_intrinsic_function", "Lost escaped quotes and backslashes.")
def visit_intrinsic(original: Any, self: Any, ctx: Any) -> StringIntrinsicFunction:
    source = decode(ctx.STRINGINTRINSICFUNC().getText())
    private = re.sub(r"\\['{}\\]", lambda match: _ESCAPED[match[0]], source).translate(_TO_PRIVATE)
    function, _ = IntrinsicParser.parse(private)
    return StringIntrinsicFunction(intrinsic_function_derivation=source, function=function)


@PATCHES.method(IntrinsicPreprocessor, "_text_of_str", "Read the escapes of a literal a second time.")
def text_of_literal(original: Any, parse_tree: Any) -> str:
    node = antlr4utils.is_production(parse_tree) or antlr4utils.is_terminal(parse_tree)
    text: str = node.getText()[1:-1]  # type: ignore[union-attr]
    return text.translate(_BACK)


@PATCHES.method(StringFormat, "_eval_body", "Formatted with str.format: {name} in a template broke, \\{\\} was filled.")
def format_string(original: Any, self: Any, env: Any) -> None:
    self.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    parts = template.split("{}")
    if len(parts) - 1 != len(values):
        raise ValueError(f"States.Format got {len(values)} values for {len(parts) - 1} placeholders")
    texts = [self._to_str_repr(value) for value in values]
    filled = "".join(part + text for part, text in zip(parts, [*texts, ""], strict=True))
    env.stack.append(filled.translate(_BRACES))


@PATCHES.function(
    json_path, "extract_json", "Gave a list for some definite paths, a bare value for some indefinite ones."
)
def extract_json(original: Any, path: str, data: Any) -> Any:
    """What ``path`` selects: the value of a definite path, the list of matches of an indefinite one.

    :raises NoSuchJsonPathError: a definite path that selects nothing.
    """
    matches = [match.value for match in jsonpath(path).find(data)]
    if _INDEFINITE.search(path):
        return matches
    if not matches:
        raise json_path.NoSuchJsonPathError(json_path=path, data=data)
    return matches[0]


PATCHES.value(result_path, "parse", "Parsed the same path each time (milliseconds).", jsonpath)
