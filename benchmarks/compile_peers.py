"""What others need to make a state machine, timed in an environment of their own; `compile.py` runs it there.

    python benchmarks/compile_peers.py cdk DEFINITION.json     the same states, made with AWS CDK, synthesized
    python benchmarks/compile_peers.py metaflow TASKS          a flow of as many steps, compiled for Step Functions

Prints seconds and bytes as JSON. Imports and the start of their processes are not counted.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock


def cdk(definition: dict[str, Any]) -> tuple[float, int]:
    """Seconds for constructs and synthesis, bytes of the template."""
    import aws_cdk
    from aws_cdk import aws_stepfunctions as sfn

    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        app = aws_cdk.App(outdir=folder)
        stack = aws_cdk.Stack(app, "Stack")
        body = sfn.DefinitionBody.from_chainable(_flow(sfn, stack, definition))
        sfn.StateMachine(stack, "Machine", definition_body=body, query_language=sfn.QueryLanguage.JSONATA)
        template = app.synth().get_stack_by_name("Stack").template
    return time.perf_counter() - begin, len(json.dumps(template))


def _flow(sfn: Any, stack: Any, flow: dict[str, Any]) -> Any:
    """The states of ``flow`` as constructs; gives what it starts at."""
    made = {name: _state(sfn, stack, name, state) for name, state in flow["States"].items()}
    for name, state in flow["States"].items():
        for rule in state.get("Choices", ()):
            condition = sfn.Condition.jsonata(rule["Condition"])
            made[name].when(condition, made[rule["Next"]], outputs=rule.get("Output"))
        for catch in state.get("Catch", ()):
            made[name].add_catch(made[catch["Next"]], errors=catch["ErrorEquals"], outputs=catch.get("Output"))
        if "Default" in state:
            made[name].otherwise(made[state["Default"]])
        if "Next" in state:
            made[name].next(made[state["Next"]])
    return made[flow["StartAt"]]


def _state(sfn: Any, stack: Any, name: str, state: dict[str, Any]) -> Any:
    if state["Type"] == "Choice":
        return sfn.Choice.jsonata(stack, name)
    if state["Type"] == "Parallel":
        parallel = sfn.Parallel.jsonata(stack, name, outputs=state.get("Output"))
        for branch in state["Branches"]:
            parallel.branch(_flow(sfn, stack, branch))
        return parallel
    body = {key: value for key, value in state.items() if key not in ("Next", "End", "Catch")}
    return sfn.CustomState(stack, name, state_json=body)


def metaflow(tasks: int) -> tuple[float, int]:
    """Seconds for graph and compilation, bytes of the definition; a start, a fork of steps, their join, and an end."""
    os.environ |= {"METAFLOW_SFN_IAM_ROLE": "arn:aws:iam::123456789012:role/r", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    module = _module(_source(tasks))
    from metaflow.graph import FlowGraph
    from metaflow.plugins.aws.batch.batch_client import BatchJob
    from metaflow.plugins.aws.step_functions.step_functions import StepFunctions

    # The one call to AWS that it makes for each step.
    BatchJob._register_job_definition = lambda *_, **__: "arn:aws:batch:us-east-1:123456789012:job-definition/d:1"
    surroundings = {
        name: MagicMock() for name in ("metadata", "flow_datastore", "environment", "event_logger", "monitor")
    }
    for name, kind in {"metadata": "service", "flow_datastore": "s3", "environment": "local"}.items():
        surroundings[name].TYPE = kind
    surroundings["event_logger"].TYPE = surroundings["monitor"].TYPE = "none"
    surroundings["flow_datastore"].datastore_root = "s3://bucket/root"
    surroundings["metadata"].get_runtime_environment.return_value = {}
    environment = surroundings["environment"]
    environment.executable.return_value = "python"
    environment.get_environment_info.return_value = {"metaflow_version": "1", "script": "s", "runtime": "r", "app": "a"}
    environment.get_package_commands.return_value = environment.bootstrap_commands.return_value = ["true"]
    sys.setrecursionlimit(100_000)  # it walks a flow recursively
    begin = time.perf_counter()
    flow, graph = module.Flow(use_cli=False), FlowGraph(module.Flow)
    code = ("{}", "sha", "s3://bucket/code")
    text = StepFunctions(
        "flow", graph, flow, *code, "token", tags=[], namespace="n", username="u", max_workers=100, **surroundings
    ).to_json()
    return time.perf_counter() - begin, len(text)


def _module(source: str) -> Any:
    """A module whose source can be read, as Metaflow does, while the process lasts."""
    file = Path(tempfile.mkdtemp(), "flow.py")
    atexit.register(shutil.rmtree, file.parent)
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("flow", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["flow"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _source(tasks: int) -> str:
    """A flow of so many steps."""
    resources = "cpu=1, memory=4096, gpu=0, shared_memory=64, aws_batch_tags={'t': 't'}"
    batch = f"@batch(image='i', queue='q', iam_role='r', {resources})"
    names = [f"step_{number}" for number in range(tasks - 3)]
    steps = {"start": f"self.next({', '.join(f'self.{name}' for name in names)})"}
    steps |= dict.fromkeys(names, "self.next(self.together)")
    steps |= {"together": "self.next(self.end)", "end": "pass"}
    bodies = (
        f"    {batch}\n    @step\n    def {name}(self{', inputs' if name == 'together' else ''}):\n        {body}\n"
        for name, body in steps.items()
    )
    return "from metaflow import FlowSpec, batch, step\n\nclass Flow(FlowSpec):\n" + "\n".join(bodies)


if __name__ == "__main__":
    who, what = sys.argv[1:]
    found = cdk(json.loads(Path(what).read_text())) if who == "cdk" else metaflow(int(what))
    sys.stdout.write(json.dumps(found) + "\n")
