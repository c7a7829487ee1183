"""Serve the page, and the WebSocket behind it, on port 8080."""

from twisted_chat import ChatFactory, Hub, MemoryLog, WebFactory, run_server

chat = ChatFactory(Hub(MemoryLog()))
run_server(WebFactory(chat), "tcp:8080")
