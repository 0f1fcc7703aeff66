"""``python -m airflow`` for those who start, watch and end its processes: it says that all is well, each process has a
child, and no DAG is ever run. Its database is Airflow's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({"scheduler": {"status": "healthy"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "token"})

    def _answer(self, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def airflow_itself() -> None:
    """Become it: it is what Python finds without this folder."""
    here = str(Path(__file__).resolve().parents[1])
    paths = [path for path in os.environ["PYTHONPATH"].split(os.pathsep) if path != here]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.execv(sys.executable, [sys.executable, "-m", "airflow", *sys.argv[1:]])


if sys.argv[1] == "db":
    airflow_itself()
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
if sys.argv[1] == "api-server":
    address = os.environ["AIRFLOW__API__HOST"], int(os.environ["AIRFLOW__API__PORT"])
    ThreadingHTTPServer(address, Api).serve_forever()
signal.pause()
