"""Serve chat on port 8000."""

from twisted_chat import ChatFactory, Hub, MemoryLog, run_server

run_server(ChatFactory(Hub(MemoryLog())), "tcp:8000")
