// What is unread: the counts that the server keeps for an account, and the read markers that the page sends.

import { splitFields } from "./line.js";

const SEND_MARKER_MS = 1000; // a conversation's marker is sent at most once in this time

export class Unread {
  #chat;
  #waiting = new Map(); // conversation → the timer after which its marker is sent again

  constructor(chat) {
    this.#chat = chat;
  }

  /** Ask the server for the conversations with unread messages; guests have none. */
  async refresh() {
    if (!this.#chat.session.account) return;
    const found = new Map();
    await this.#chat.session.request("unread", {
      onRecord: ({ kind, name, session }) => {
        if (kind !== "unread") return;
        const [conversation, count, mentions, firstId] = splitFields(name, 5);
        this.#chat.findOrCreate(conversation).unreadSession = session;
        found.set(conversation, { unread: Number(count), mentions: Number(mentions), firstUnreadId: Number(firstId) });
      },
    });
    const none = { unread: 0, mentions: 0, firstUnreadId: 0 };
    const named = new Map([...found].map(([name, counts]) => [this.#chat.findOrCreate(name), counts]));
    for (const conversation of this.#chat.conversations.values()) {
      const counts = named.get(conversation) ?? none;
      conversation.setUnread(counts);
      conversation.newestId = Math.max(conversation.newestId, counts.firstUnreadId);
    }
    this.#chat.changed();
  }

  /** Count all unread messages. */
  count() {
    let count = 0;
    for (const { unread } of this.#chat.conversations.values()) count += unread;
    return count;
  }

  /** Move the read marker of a conversation to a record that the user has seen. */
  markRead(conversation, id) {
    const { session, ownKey } = this.#chat;
    if (!conversation.readTo(id, ownKey)) return;
    if (session.account) this.#send(conversation);
    this.#chat.changed();
  }

  /** Forget the markers that wait to be sent. */
  clear() {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #send(conversation) {
    if (this.#waiting.has(conversation)) return;
    const { session } = this.#chat;
    const send = (id) => session.request(`seen,${conversation.name},${id}`).catch(() => {});
    const sent = conversation.readUpTo;
    send(sent);
    const sendLast = () => {
      this.#waiting.delete(conversation);
      if (conversation.readUpTo > sent && this.#chat.session === session) this.#send(conversation);
    };
    this.#waiting.set(conversation, setTimeout(sendLast, SEND_MARKER_MS));
  }
}
