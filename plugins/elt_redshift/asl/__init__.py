"""The compiler: a task graph becomes a state machine definition in the Amazon States Language (ASL).

The passes, each a pure function: :mod:`layout` orders the graph into series and parallel parts, :mod:`statement` and
:mod:`lock` describe the states of a task and of the audit lock, :mod:`compiler` puts them together and renders them.
"""
