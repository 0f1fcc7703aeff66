"""moto's server as a process of its own, with the patches or (``--stock``) without. Prints its port.

With WITHOUT_PATCH set to a patch's target in the environment, that patch is left out: some test must then fail.
"""

import os
import sys
import threading

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")


def main() -> None:
    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    if "--stock" not in sys.argv:
        from elt_redshift.local import dynamodb, stepfunctions

        left_out = os.environ.get("WITHOUT_PATCH")
        for patch in stepfunctions.patches():
            if patch.target == left_out:
                patch.disable()
        dynamodb.apply_all()
        stepfunctions.apply_all()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    os.environ["MOTO_PORT"] = str(port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
