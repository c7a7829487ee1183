"""`twisted-chat talk` for people at a terminal and `twisted-chat send` for scripts, both on ChatClient.

- `address`: which server, by which name, over which endpoint. `failures`: what went wrong, in sentences.
- `send`: sends messages and reports whether the server has them; `input` checks the texts before.
- `session`: signs a person in, and again after a lost connection.
- `conversation`: with whom a person talks, and what is unread. `completion`: what a begun word may become.
- `format`: what is shown, without anything that could control a terminal. `timeline` shows it, once and in order, on
  any Screen. `app` does what is typed, by the table in `commands`. None of these knows of a terminal.
- `screen`: the terminal, the only user of prompt_toolkit; `plain`: a terminal that can only print lines. `cli` starts
  them.
"""
