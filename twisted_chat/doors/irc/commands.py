"""The IRC door's commands: the table. The functions stand where their subject is, in the doors/irc."""

from twisted_chat.doors.irc.chathistory import chathistory
from twisted_chat.doors.irc.messaging import (
    away,
    join,
    nobody_may,
    notice,
    oper,
    part,
    ping,
    pong,
    privmsg,
    quit_,
    tagmsg,
    topic,
)
from twisted_chat.doors.irc.queries import (
    ison,
    list_,
    lusers,
    mode,
    motd,
    names,
    time,
    userhost,
    version,
    who,
    whois,
    whowas,
)
from twisted_chat.doors.irc.registration import authenticate, cap, nick, pass_, user
from twisted_chat.doors.irc.requests import IrcCommand

COMMANDS: dict[str, IrcCommand] = {
    "CAP": IrcCommand(cap, "CAP LS 302 | LIST | REQ :<names> | END", "what client and server can both do", 1, False),
    "AUTHENTICATE": IrcCommand(authenticate, "AUTHENTICATE PLAIN", "sign in to an account, or make it", 1, False),
    "PASS": IrcCommand(pass_, "PASS <password> | <name>:<password>", "the same for simple clients", 1, False),
    "NICK": IrcCommand(nick, "NICK <nick>", "take a name, or another; an account keeps its own", 0, False),
    "USER": IrcCommand(user, "USER <user> 0 * :<real name>", "come in; what it says is not kept", 4, False),
    "PING": IrcCommand(ping, "PING <token>", "get the token back", 0, False),
    "PONG": IrcCommand(pong, "PONG <token>", "answer the server's ping", 0, False),
    "QUIT": IrcCommand(quit_, "QUIT", "say goodbye", 0, False),
    "PRIVMSG": IrcCommand(privmsg, "PRIVMSG <nick or #room>[,…] :<text>", "say something; /me is one too"),
    "NOTICE": IrcCommand(notice, "NOTICE <nick or #room>[,…] :<text>", "the same from a program; no error comes back"),
    "TAGMSG": IrcCommand(tagmsg, "TAGMSG <nick or #room>", "nothing: clients' own tags are not passed on", 1),
    "JOIN": IrcCommand(join, "JOIN <#room>[,…]", "enter rooms; the first to join makes one", 1),
    "PART": IrcCommand(part, "PART <#room>[,…]", "leave rooms", 1),
    "TOPIC": IrcCommand(topic, "TOPIC <#room> [:<text>]", "show or set what a room is about", 1),
    "NAMES": IrcCommand(names, "NAMES <#room>[,…]", "all members, here or not"),
    "LIST": IrcCommand(list_, "LIST [<#room>[,…]]", "the rooms, how many are in them, the topics of one's own"),
    "WHO": IrcCommand(who, "WHO <nick or #room> [%<fields>]", "the same with more; G marks who is away or not here", 1),
    "WHOIS": IrcCommand(whois, "WHOIS <nick>", "one person: rooms, account, whether here", 1),
    "WHOWAS": IrcCommand(whowas, "WHOWAS <nick>", "nothing: who has gone is not remembered", 1),
    "ISON": IrcCommand(ison, "ISON <nick> …", "which of these are here", 1),
    "USERHOST": IrcCommand(userhost, "USERHOST <nick> …", "the same, with who is away", 1),
    "AWAY": IrcCommand(away, "AWAY [:<text>]", "say that you are away, and why; without a text: back again"),
    "MODE": IrcCommand(mode, "MODE <nick or #room>", "the modes that clients ask for; there are none to change", 1),
    "CHATHISTORY": IrcCommand(
        chathistory, "CHATHISTORY LATEST <nick or #room> * <n>", "what was said; BEFORE, AFTER, AROUND, BETWEEN", 1
    ),
    "MOTD": IrcCommand(motd, "MOTD", "the message of the day"),
    "LUSERS": IrcCommand(lusers, "LUSERS", "how many are here"),
    "VERSION": IrcCommand(version, "VERSION", "what runs here"),
    "TIME": IrcCommand(time, "TIME", "the server's time, UTC"),
    "INVITE": IrcCommand(nobody_may, "INVITE", "refused: every room is open"),
    "KICK": IrcCommand(nobody_may, "KICK", "refused: nobody is an operator"),
    "OPER": IrcCommand(oper, "OPER", "refused: nobody is an operator"),
}
