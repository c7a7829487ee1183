"""`python -m twisted_chat`: the same as the command `twisted-chat`."""

from twisted_chat.cli import main

main()
