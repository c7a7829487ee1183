// The messages that the server has not acknowledged yet; they outlast a lost connection.
//
// state   event                                      → state    action
// queued  the session is online                      → sent     send
// sent    the server answers ok                      → removed  show the record
// sent    the server answers an error                → failed   show the reason
// sent    online after a reconnect, as an account    → sent     send again under the same label: the server
//                                                               accepts a label once
// sent    online after a reconnect, as a guest       → failed   the server may or may not have it
// sent    a guest finds it in the room's history     → removed
// failed  retry()                                    → removed  and queued again under a new label
// any     discard()                                  → removed

import { describeError } from "./errors.js";
import { escapeText } from "./line.js";

const UNCONFIRMED = "The connection was lost before the server confirmed it. It may have arrived.";

export class PendingMessages {
  #session;
  #chat;
  #messages = new Map(); // by label
  #lastLabel;

  constructor(session, chat, lastLabel) {
    this.#session = session;
    this.#chat = chat;
    this.#lastLabel = lastLabel;
  }

  /** Send a message to a conversation, now or as soon as the session is online. */
  add(conversation, kind, text) {
    const message = this.#keep(conversation, kind, text, `m${++this.#lastLabel}`);
    if (this.#session.online) this.#send(message);
  }

  /** Return what `restore` needs, as plain data. */
  kept() {
    const pending = [...this.#messages.values()].map(({ conversation, kind, text, label, state }) => {
      return { name: conversation.name, kind, text, label, state };
    });
    return { pending, lastLabel: this.#lastLabel };
  }

  /** Take over the messages of a session before a reload, with their labels, and send them. */
  restore(pending) {
    for (const { name, kind, text, label, state } of pending) {
      const message = this.#keep(this.#chat.findOrCreate(name), kind, text, label);
      if (state === "queued" || this.#session.account) this.#send(message);
      else this.#fail(message, UNCONFIRMED);
    }
  }

  #keep(conversation, kind, text, label) {
    const time = this.#chat.server.now();
    const message = { label, conversation, kind, text, from: this.#session.name, time, state: "queued" };
    conversation.pending.push(message);
    this.#messages.set(label, message);
    return message;
  }

  /** Send a failed message again. */
  retry(message) {
    this.discard(message);
    this.add(message.conversation, message.kind, message.text);
  }

  /** Remove a message without sending it. */
  discard(message) {
    this.#messages.delete(message.label);
    message.conversation.pending = message.conversation.pending.filter((other) => other !== message);
  }

  /** Remove a sent message, because its text has been found in the history. */
  confirm(conversation, text) {
    const message = conversation.pending.find((other) => other.state === "sent" && other.text === text);
    if (message) this.discard(message);
  }

  /** Send all messages that wait, after the session has come online. */
  sendAll() {
    for (const message of [...this.#messages.values()]) {
      if (message.state === "failed") continue;
      if (message.state === "sent" && !this.#session.account) this.#fail(message, UNCONFIRMED);
      else this.#send(message);
    }
  }

  async #send(message) {
    const { conversation, kind, text, label } = message;
    message.state = "sent";
    try {
      const verb = kind === "action" ? "me" : "chat";
      const id = Number(await this.#session.request(`${verb},${conversation.name},${escapeText(text)}`, { label }));
      this.discard(message);
      this.#session.noteId(id);
      this.#chat.acknowledged(message, id);
    } catch (error) {
      if (error.code !== "lost") this.#fail(message, describeError(error));
      this.#chat.changed();
    }
  }

  #fail(message, reason) {
    message.state = "failed";
    message.reason = reason;
    this.#chat.changed();
  }
}
