"""Invocations of moto's functions.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import io
import json
import secrets
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elt_redshift.local.awslambda.runtime_api import Outcome
from elt_redshift.local.awslambda.sandbox import Sandbox, Settings, lacking, missing
from elt_redshift.local.iam.record import RECORD
from elt_redshift.local.leash import Leash

#: Whom a function's role lets act.
PRINCIPAL = "lambda.amazonaws.com"


class Functions:
    """The processes of all functions. An invocation takes one that is idle, or starts one, as Lambda does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Settings, list[Sandbox]] = {}
        self._folder: Path | None = None
        self._leash: Leash | None = None

    def invoke(self, function: Any, body: bytes) -> Outcome:
        """Call a function of moto's."""
        if what := missing():
            return lacking(what)
        settings = self._settings(function)
        sandbox = self._taken(settings) or self._started(settings)
        begun = time.monotonic()
        try:
            outcome = sandbox.invoke(body)
        finally:
            _log(function, _told(sandbox, time.monotonic() - begun))
            self._returned(sandbox)
        return outcome

    def forget(self, arn: str, but: Settings | None = None) -> None:
        """End the idle processes of a function, which is gone or has been changed.

        :param but: those that go on.
        """
        with self._lock:
            outdated = [one for one in self._idle if one.arn == arn and one != but]
            ending = [sandbox for one in outdated for sandbox in self._idle.pop(one)]
        for sandbox in ending:
            sandbox.close()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._idle.clear()
            leash, self._leash = self._leash, None
        if leash:
            leash.__exit__(None, None, None)

    def _taken(self, settings: Settings) -> Sandbox | None:
        self.forget(settings.arn, but=settings)
        with self._lock:
            while idle := self._idle.get(settings):
                if (sandbox := idle.pop()).alive:
                    return sandbox
        return None

    def _started(self, settings: Settings) -> Sandbox:
        with self._lock:
            if self._leash is None:
                self._leash = Leash().__enter__()
            leash = self._leash
        key = f"ASIA{secrets.token_hex(8).upper()}"
        RECORD.sign_in(key, settings.role, PRINCIPAL, settings.arn)
        credentials = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_SESSION_TOKEN": secrets.token_hex(20),
        }
        return Sandbox(settings, credentials, self._home() / f"{uuid.uuid4().hex}.log", leash)

    def _returned(self, sandbox: Sandbox) -> None:
        if sandbox.alive:
            with self._lock:
                self._idle.setdefault(sandbox.settings, []).append(sandbox)

    def _home(self) -> Path:
        """A folder for code and logs, in that of the embedded AWS."""
        if self._folder is None:
            self._folder = Path.cwd() / "functions"
            self._folder.mkdir(exist_ok=True)
        return self._folder

    def _settings(self, function: Any) -> Settings:
        return Settings(
            arn=function.function_arn,
            name=function.function_name,
            version=str(function.version),
            code=self._code(function),
            handler=function.handler,
            role=function.role,
            timeout=int(function.timeout),
            memory=int(function.memory_size),
            group=function.logs_group_name,
            variables=tuple(sorted(function.environment_vars.items())),
        )

    def _code(self, function: Any) -> Path:
        """The folder with its files, which are unpacked once."""
        folder = self._home() / function.code_digest
        with self._lock:
            if not folder.exists():
                new = folder.with_suffix(".new")
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                    archive.extractall(new)
                new.rename(folder)
        return folder


#: Those of this process.
FUNCTIONS = Functions()


def apply_all() -> None:
    """Let moto's functions run. Once per process."""
    from moto.awslambda.models import LambdaBackend, LambdaFunction

    made: Any = LambdaFunction.__init__
    deleted: Any = LambdaBackend.delete_function

    def init(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        made(self, account_id, spec, region, version)
        self.logs_group_name = (spec.get("LoggingConfig") or {}).get("LogGroup", self.logs_group_name)

    def delete_function(self: Any, function_name: str, qualifier: str | None = None) -> None:
        arn = self.get_function(function_name, qualifier).function_arn
        deleted(self, function_name, qualifier)
        FUNCTIONS.forget(arn)

    functions: Any = LambdaFunction
    functions.__init__ = init
    functions.invoke = _invoke
    backend: Any = LambdaBackend
    backend.delete_function = delete_function


def _invoke(self: Any, body: Any, request_headers: Mapping[str, str], response_headers: dict[str, str]) -> bytes:
    """What takes the place of moto's, for which every answer was one of a function that has dealt with its errors."""
    from moto.awslambda.exceptions import InvalidParameterValueException

    given = body.encode() if isinstance(body, str) else body or b"{}"
    try:
        json.loads(given)
    except ValueError as error:
        raise InvalidParameterValueException(f"Could not parse request body into json: {error}") from error
    response_headers["x-amz-executed-version"] = "$LATEST"
    kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "Event":
        threading.Thread(target=FUNCTIONS.invoke, args=(self, given), daemon=True, name="asynchronous").start()
    if kind != "RequestResponse":
        return b""
    outcome = FUNCTIONS.invoke(self, given)
    if outcome.failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    return outcome.payload


def _log(function: Any, lines: str) -> None:
    """Lambda writes into a function's log as the function's role."""
    group = function.logs_group_name
    function.logs_backend.ensure_log_group(group)
    function.save_logs(lines)
    request = {"logGroupName": group, "logStreamName": str(function.version)}
    for operation in ("CreateLogStream", "PutLogEvents"):
        RECORD.note(function.role, PRINCIPAL, function.function_arn, ("logs", operation), request)


def _told(sandbox: Sandbox, seconds: float) -> str:
    """The lines in the function's log."""
    milliseconds = f"Duration: {seconds * 1000:.2f} ms\tMemory Size: {sandbox.settings.memory} MB"
    return f"START Version: {sandbox.settings.version}\n{sandbox.said()}\nEND\nREPORT {milliseconds}"
