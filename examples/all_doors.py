"""Serve the page, IRC and lines on port 8000, with messages and accounts in a file."""

import sys

from twisted.internet import reactor

from twisted_chat import StoreError, all_doors, open_hub, run_server

try:
    hub = open_hub("sqlite:chat.sqlite3", reactor)
except StoreError as problem:
    sys.exit(str(problem))
run_server(all_doors(hub, reactor), "tcp:8000")
