"""The compiler: a task graph becomes a state machine definition in the Amazon States Language (ASL).

:mod:`.compiler` names the passes and :mod:`.assembly` puts the states together: those of the :mod:`.patterns`, which
are written in the :mod:`.language`.
"""
