"""Transports for any Twisted protocol: nothing here knows of chat, and nothing here imports another room of ours."""
