"""Moto's server with our patches but one: for each patch read, a process is forked that leaves it out and serves; its
port is printed. Ends when standard input closes, and all of them with it.
"""

import os
import sys
import time

PARENT_POLL_SECONDS = 0.2

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")


def main() -> None:
    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer  # imported once, before the first fork

    from elt_redshift.local import stepfunctions

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    stepfunctions.patches()
    for line in sys.stdin:
        if not os.fork():
            _serve(ThreadedMotoServer, line.strip())


def _serve(server_class: type, without: str) -> None:
    from elt_redshift.local import dynamodb, stepfunctions
    from tests.local.must_fail import short

    [left_out] = [patch for patch in stepfunctions.patches() if short(patch.target) == without]
    left_out.disable()
    dynamodb.apply_all()
    stepfunctions.apply_all()
    server = server_class(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    os.environ["MOTO_PORT"] = str(port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
