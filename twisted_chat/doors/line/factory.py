"""The factory of the line door."""

from twisted_chat.doors.factory import DoorFactory
from twisted_chat.doors.line.protocol import ChatProtocol


class ChatFactory(DoorFactory):
    """Makes a ChatProtocol for each connection to one hub: see DoorFactory."""

    protocol: type[ChatProtocol] = ChatProtocol
