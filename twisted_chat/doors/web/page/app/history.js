// Read a conversation's history from the server: older pages, search, unread and missed records.

import { isSpoken } from "./line.js";

const PAGE_RECORDS = 50;
const LARGE_PAGE_RECORDS = 500;
const MAX_LARGE_PAGES = 20; // to look for one record
const UNREAD_RECORDS = 100;

export class History {
  #chat;

  constructor(chat) {
    this.#chat = chat;
  }

  /** Load the page of records before the oldest one. */
  async loadOlder(conversation, limit = PAGE_RECORDS) {
    if (conversation.history === "complete" || conversation.history === "loading") return;
    conversation.history = "loading";
    this.#chat.changed();
    try {
      const before = conversation.oldestId ? `,before=${conversation.oldestId}` : "";
      const count = await this.#load(conversation, `${before},limit=${limit}`);
      conversation.history = count ? "partial" : "complete";
    } catch (error) {
      conversation.history = error.code === "lost" ? "unloaded" : "complete";
    }
    this.#chat.changed();
  }

  /** Load older pages until the record with this id is there; return false if it cannot be found. */
  async loadBackTo(conversation, id) {
    for (let page = 0; page < MAX_LARGE_PAGES && conversation.oldestId > id && conversation.history !== "complete"; page += 1)
      await this.loadOlder(conversation, LARGE_PAGE_RECORDS);
    return conversation.records.some((record) => record.id === id);
  }

  /** Return the records that contain all these words, oldest first. */
  async search(conversation, words) {
    const results = [];
    await this.#chat.session.request(`search,${conversation.name},${words}`, { onRecord: (record) => results.push(record) });
    return results;
  }

  /** Load the newest records of a conversation that has a read marker but no records yet. */
  async loadUnread(conversation) {
    if (conversation.records.length || !conversation.readUpTo) return;
    await this.#load(conversation, `,limit=${UNREAD_RECORDS}`).catch(() => {});
  }

  /** Load all records behind the newest one; `onSpoken(record)` is called for each message among them. */
  async loadMissed(conversation, onSpoken) {
    let after = conversation.newestId;
    const onRecord = (record) => {
      after = Math.max(after, record.id);
      if (conversation.insert(record) && isSpoken(record)) onSpoken(record);
    };
    for (let count = after ? 1 : 0; count; ) {
      const request = `history,${conversation.name},after=${after},limit=${PAGE_RECORDS}`;
      count = Number(await this.#chat.session.request(request, { onRecord }));
    }
  }

  async #load(conversation, options) {
    const onRecord = (record) => conversation.insert(record);
    return Number(await this.#chat.session.request(`history,${conversation.name}${options}`, { onRecord }));
  }
}
