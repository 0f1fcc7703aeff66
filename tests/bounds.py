"""How long tests wait before they call something hung: the one place for it, in seconds.

Bounds are for hangs and nothing else: each is at least ten times what an idle machine with two cores needs, so that a
busy one passes too, and no test that passes waits one out. What happens at a certain time is tested with clocks.
"""

#: An answer over HTTP, a file, the end of a process: what an idle machine does at once, or at the end of a long poll.
ANSWER = 120.0
#: An embedded AWS, a PostgreSQL, a command of ours: some seconds.
START = 240.0
#: An execution, up to one of more than a thousand states.
EXECUTION = 600.0
#: Whatever a real Airflow does, several commands in a row included.
AIRFLOW = 1200.0
#: What moto as it ships never does, and the embedded AWS at once: this one is waited out, in tests that must fail.
STOCK = 1.0
#: What moto with all patches but one does in a tenth of it, or never: waited out too, in tests that must fail.
PATCHED = 5.0
