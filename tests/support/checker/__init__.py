"""A checker of random histories: people at all doors, misfortunes, and a model of what each must and may see.

    pytest -s tests/properties/test_checker.py --secs 3600 --seed 7

A history is one server, some clients, and some seconds. `facts` holds what the clients note about their requests and
about what they see; `doors` has a connection for each door; `people` are the clients; `misfortunes` kill and restart
the server, stall and reset connections, move the clock and fill the disk; `verdict` compares what was noted with what
the file holds; `history` puts all of it together.
"""
