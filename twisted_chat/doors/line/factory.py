"""The factory of the line door."""

from twisted_chat.doors.factory import Connections
from twisted_chat.doors.line.protocol import ChatProtocol


class ChatFactory(Connections):
    """Makes a ChatProtocol for each connection to one hub: see Connections."""

    protocol: type[ChatProtocol] = ChatProtocol
