"""One process of a function: it takes one invocation after the other, as an execution environment of Lambda does.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elt_redshift.local.awslambda.runtime_api import Invocation, Outcome, RuntimeApi
from elt_redshift.local.leash import Leash

#: A bound for hangs: what a function's modules may take to be imported. (Lambda allows 10 s, on machines of its own.)
INIT_SECONDS = 60.0


@dataclass(frozen=True)
class Settings:
    """What a process of a function is started with. A function that is changed gets other processes.

    :param code: the folder with the function's files.
    :param handler: as ``module.function``.
    :param timeout: seconds for one invocation.
    :param variables: the function's own environment, as pairs.
    """

    arn: str
    name: str
    version: str
    code: Path
    handler: str
    role: str
    timeout: int
    memory: int
    group: str
    variables: tuple[tuple[str, str], ...]

    def environment(self, address: str, credentials: Mapping[str, str]) -> dict[str, str]:
        """What the process finds.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

        :param address: of its Runtime API.
        """
        region = self.arn.split(":")[3]
        own = {name: os.environ[name] for name in ("PATH", "LANG", "HOME", "AWS_ENDPOINT_URL") if name in os.environ}
        return {
            **own,
            **dict(self.variables),
            **credentials,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.version,
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": str(self.code),
            "PYTHONPATH": str(self.code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
        }


def missing() -> str | None:
    """What functions lack here, for a person; None: nothing."""
    if importlib.util.find_spec("awslambdaric"):
        return None
    return "Functions run by awslambdaric, which is not installed: the extra local has it on Linux, else build it"


class Sandbox:
    """Such a process.

    :param credentials: of the function's role, as environment variables.
    :param log: the file that the process writes to.
    """

    def __init__(self, settings: Settings, credentials: Mapping[str, str], log: Path, leash: Leash) -> None:
        self.settings, self._log, self._leash, self._read = settings, log, leash, 0
        self.alive, self._api = True, RuntimeApi()
        with log.open("wb") as output:
            self._process = leash.start(
                [sys.executable, "-m", "awslambdaric", settings.handler],
                cwd=settings.code,
                env=settings.environment(self._api.address, credentials),
                stdout=output,
                stderr=output,
            )
        threading.Thread(target=self._watch, daemon=True, name=f"function {settings.name}").start()

    def invoke(self, body: bytes) -> Outcome:
        """Call the function once. One that runs out of time, or ends, takes no further invocation."""
        identity = str(uuid.uuid4())
        if not self._api.ready.wait(INIT_SECONDS):
            self.close()
            return _late(identity, INIT_SECONDS)
        timeout = self.settings.timeout
        deadline = int((time.time() + timeout) * 1000)
        self._api.give(Invocation(identity, self.settings.arn, body, deadline))
        outcome = self._api.outcome(timeout)
        ended = self._process.poll()
        if outcome is None or self._api.broken or ended is not None:
            self.close()
        if outcome is not None:
            return outcome
        if ended is None:
            return _late(identity, timeout)
        status = f"signal: {-ended}" if ended < 0 else f"exit status {ended}"
        return _error("Runtime.ExitError", f"RequestId: {identity} Error: Runtime exited with error: {status}")

    def said(self) -> str:
        """What the process has written since this was asked last."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        return new.decode(errors="replace")

    def close(self) -> None:
        """End the process and what it has started."""
        self.alive = False
        self._leash.end(self._process)
        self._api.close()

    def _watch(self) -> None:
        self._process.wait()
        self._api.ended()


def lacking(what: str) -> Outcome:
    """The error of an invocation that cannot be."""
    return _error("Runtime.InvalidEntrypoint", what)


def _late(identity: str, seconds: float) -> Outcome:
    return _error("Sandbox.Timedout", f"RequestId: {identity} Error: Task timed out after {seconds:.2f} seconds")


def _error(kind: str, message: str) -> Outcome:
    """An error that Lambda itself tells of."""
    return Outcome(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)
