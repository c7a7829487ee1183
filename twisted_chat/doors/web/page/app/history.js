// What the server has of a conversation: earlier pages, what was missed, and what is found.

import { isSpoken } from "./line.js";

const PAGE = 50;
const LARGE_PAGE = 500;
const UNREAD = 100;

export class History {
  #chat;

  constructor(chat) {
    this.#chat = chat;
  }

  /** Load what was said before; resolves with how many records came. */
  async older(conversation, limit = PAGE) {
    if (conversation.complete || conversation.loading) return 0;
    conversation.loading = true;
    this.#chat.changed();
    try {
      const before = conversation.oldest ? `,before=${conversation.oldest}` : "";
      const count = await this.#load(conversation, `${before},limit=${limit}`);
      if (!count) conversation.complete = true;
      return count;
    } catch (problem) {
      conversation.opened = problem.code !== "lost";
      conversation.complete = conversation.opened;
      return 0;
    } finally {
      conversation.loading = false;
      this.#chat.changed();
    }
  }

  /** Load back to a record; whether it is there then. */
  async reach(conversation, id) {
    for (let pages = 0; pages < 20 && conversation.oldest > id && !conversation.complete; pages += 1)
      await this.older(conversation, LARGE_PAGE);
    return conversation.records.some((record) => record.id === id);
  }

  /** Find what was said with these words; the newest come last. */
  async search(conversation, words) {
    const found = [];
    await this.#chat.session.ask(`search,${conversation.name},${words}`, { each: (event) => found.push(event) });
    return found;
  }

  /** Load the newest of a conversation that has been read before, if nothing of it is here. */
  async ofUnread(conversation) {
    if (conversation.records.length || !conversation.seen) return;
    await this.#load(conversation, `,limit=${UNREAD}`).catch(() => {});
  }

  /** Load everything behind what is here; `spoken(record)` is called for what was said. */
  async ofMissed(conversation, spoken) {
    let after = conversation.newest;
    const each = (event) => {
      after = Math.max(after, event.id);
      if (conversation.add(event) && isSpoken(event)) spoken(event);
    };
    for (let count = after ? 1 : 0; count; )
      count = Number(await this.#chat.session.ask(`history,${conversation.name},after=${after},limit=${PAGE}`, { each }));
  }

  async #load(conversation, options) {
    const each = (event) => conversation.add(event);
    return Number(await this.#chat.session.ask(`history,${conversation.name}${options}`, { each }));
  }
}
