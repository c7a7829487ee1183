"""A checker of random histories: people at all doors, misfortunes, and a model of what each must and may see.

    pytest -s tests/properties/test_checker.py --secs 3600 --seed 7

A history is one server, some clients, and some misfortunes.

| module | what it does |
|---|---|
| `facts` | holds what the clients note about their requests and about what they see |
| `doors`, `irc_door` | a connection for each door |
| `people`, `desk` | the clients, and their requests |
| `misfortunes` | kills and restarts the server, stalls clients, moves the clock, fills the disk |
| `records`, `verdict` | compares what was noted with what the file holds |
| `history` | puts all of it together |
"""
