"""The hop of hop_script.py by the name under which most tests know it: one that takes mail
and keeps it in memory, unless a script says another thing.

    with Sink() as hop:
        ... relay to 127.0.0.1:hop.port ...
        hop.messages      # [{"from":, "to": [...], "data": bytes}, ...]
"""
from hop_script import Hop as Sink

__all__ = ["Sink"]
