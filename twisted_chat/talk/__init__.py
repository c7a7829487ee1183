"""People at a terminal, and scripts: `twisted-chat talk` and `twisted-chat send`, both on ChatClient.

- `server`: which server, by which name, over which endpoint; and what went wrong on the way there.
- `send`: one message, or one for each line, acknowledged or not; `texts` is what it says.
- `session`: somebody who is signed in, and is so again after a lost connection.
- `conversation`: with whom one talks, what is unread. `completion`: what a begun word may become.
- `lines`: what is shown, and made harmless before it is. `timeline` shows it, once and in order, on
  any Screen. `talker` does what is typed, by the table in `commands`. None of these knows of a terminal.
- `screen`: the terminal, with prompt_toolkit, and nothing else knows of that; `plain`, one that can
  only print lines. `command` starts them.
"""
