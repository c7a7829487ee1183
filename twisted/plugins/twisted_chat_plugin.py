"""Makes `twistd chat` known; everything else is in twisted_chat.tap."""

from twisted.application.service import ServiceMaker

chat = ServiceMaker("chat", "twisted_chat.tap", "A chat server: people, programs, rooms and history.", "chat")
