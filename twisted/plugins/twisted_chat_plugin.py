"""The plugin that adds the command `chat` to twistd; the server is made in twisted_chat.tap."""

from twisted.application.service import ServiceMaker

chat = ServiceMaker("chat", "twisted_chat.tap", "A chat server for people and programs.", "chat")
