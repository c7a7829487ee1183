"""The IRC door's commands: the table. Each function is in the module of its subject."""

from twisted_chat.doors.irc.chathistory import chathistory
from twisted_chat.doors.irc.messaging import (
    away,
    join,
    no_operators,
    notice,
    oper,
    part,
    ping,
    pong,
    privmsg,
    quit_,
    services,
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
from twisted_chat.doors.irc.registration import cap, nick, pass_, user
from twisted_chat.doors.irc.requests import IrcCommand
from twisted_chat.doors.irc.sasl import authenticate

COMMANDS: dict[str, IrcCommand] = {
    "CAP": IrcCommand(cap, "CAP LS 302 | LIST | REQ :<names> | END", "negotiate capabilities", 1, False),
    "AUTHENTICATE": IrcCommand(authenticate, "AUTHENTICATE PLAIN", "sign in to an account, or make one", 1, False),
    "PASS": IrcCommand(pass_, "PASS <password> | <name>:<password>", "the same for simple clients", 1, False),
    "NICK": IrcCommand(nick, "NICK <nick>", "take a name, or change it (guests only)", 0, False),
    "USER": IrcCommand(user, "USER <user> 0 * :<real name>", "register; WHO and WHOIS show the real name", 4, False),
    "PING": IrcCommand(ping, "PING <token>", "get the token back", 0, False),
    "PONG": IrcCommand(pong, "PONG <token>", "answer the server's ping", 0, False),
    "QUIT": IrcCommand(quit_, "QUIT [:<reason>]", "end the connection", 0, False),
    "PRIVMSG": IrcCommand(privmsg, "PRIVMSG <nick or #room>[,…] :<text>", "send a message, or an action (/me)"),
    "NOTICE": IrcCommand(notice, "NOTICE <nick or #room>[,…] :<text>", "send a notice; errors are not answered"),
    "TAGMSG": IrcCommand(tagmsg, "TAGMSG <nick or #room>", "accepted without effect: client tags are not passed on", 1),
    "JOIN": IrcCommand(join, "JOIN <#room>[,…]", "join rooms; the first to join makes a room", 1),
    "PART": IrcCommand(part, "PART <#room>[,…] [:<reason>]", "leave rooms", 1),
    "TOPIC": IrcCommand(topic, "TOPIC <#room> [:<text>]", "show or set the topic of a room", 1),
    "NAMES": IrcCommand(names, "NAMES <#room>[,…]", "list the members of rooms, connected or not"),
    "LIST": IrcCommand(
        list_, "LIST [<#room>[,…]]", "list rooms with their numbers of members, and topics of your rooms"
    ),
    "WHO": IrcCommand(who, "WHO <nick or #room> [%<fields>]", "list people with details; G: away or not connected", 1),
    "WHOIS": IrcCommand(whois, "WHOIS <nick>", "show one person: rooms, account, away or not connected", 1),
    "WHOWAS": IrcCommand(whowas, "WHOWAS <nick>", "always empty: the server keeps no list of former nicks", 1),
    "ISON": IrcCommand(ison, "ISON <nick> …", "show which of these people are connected", 1),
    "USERHOST": IrcCommand(userhost, "USERHOST <nick> …", "the same, and show if they are away", 1),
    "AWAY": IrcCommand(away, "AWAY [:<text>]", "say that you are away; without a text you are back"),
    "MODE": IrcCommand(mode, "MODE <nick or #room>", "show the modes; they cannot be changed", 1),
    "CHATHISTORY": IrcCommand(
        chathistory,
        "CHATHISTORY LATEST <nick or #room> * <limit>",
        "show earlier messages; also BEFORE, AFTER, AROUND, BETWEEN, TARGETS",
        1,
    ),
    "MOTD": IrcCommand(motd, "MOTD", "show the message of the day"),
    "LUSERS": IrcCommand(lusers, "LUSERS", "show how many people are connected"),
    "VERSION": IrcCommand(version, "VERSION", "show the server's version"),
    "TIME": IrcCommand(time, "TIME", "show the server's time (UTC)"),
    "INVITE": IrcCommand(no_operators, "INVITE", "not available: every room is open"),
    "KICK": IrcCommand(no_operators, "KICK", "not available: there are no operators"),
    "OPER": IrcCommand(oper, "OPER", "not available: there are no operators"),
    **{
        command: IrcCommand(services, command, "not available: there are no services; says how to sign in", 0, False)
        for command in ("NICKSERV", "NS", "CHANSERV", "CS")
    },
}
