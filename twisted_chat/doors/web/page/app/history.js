// Read a conversation's history from the server: pages at both edges of its window, the surroundings of a record, search.

import { isSpoken } from "./line.js";

const PAGE_RECORDS = 50;
const CUT_CHARACTERS = 200_000; // a page of so long texts may be shorter than what was asked for
const MAX_MISSED_PAGES = 10; // that a guest reads from a room after a reconnect, to count what was missed

export class History {
  #chat;

  constructor(chat) {
    this.#chat = chat;
  }

  /** Load the page of records before the window, or behind it. */
  async load(conversation, edge) {
    if (conversation[edge] !== "more" || !this.#chat.session) return;
    conversation[edge] = "loading";
    const { oldestId, windowEndId } = conversation;
    const range = edge === "newer" ? `,after=${windowEndId}` : oldestId ? `,before=${oldestId}` : "";
    const { records } = conversation;
    try {
      const page = await this.#read(conversation, range);
      if (conversation.records !== records) return; // the window has moved meanwhile
      for (const record of page) conversation.insert(record);
      conversation.loaded(edge, isLast(conversation, page) ? "end" : "more");
      conversation.trim(edge === "older" ? "newer" : "older");
    } catch (error) {
      if (conversation.records === records) conversation.loaded(edge, error.code === "lost" ? "more" : "end");
    }
    this.#chat.changed();
  }

  /**
   * Move the window to the surroundings of a record; return false if the user may not see it any more. When the
   * server has answered, `isWanted()` tells whether the window shall still move.
   */
  async loadAround(conversation, id, isWanted = () => true) {
    if (conversation.records.some((record) => record.id === id)) return true;
    const pages = await Promise.all([
      this.#read(conversation, `,before=${id + 1}`),
      this.#read(conversation, `,after=${id}`),
    ]);
    const records = pages.flat();
    if (!records.length || !isWanted()) return false;
    conversation.moveTo(records);
    if (isLast(conversation, pages[1])) await this.load(conversation, "newer");
    this.#chat.changed();
    return records.some((record) => record.id === id);
  }

  /** Move the window to the present. */
  async loadEnd(conversation) {
    if (conversation.isAtEnd) return;
    conversation.moveTo([]);
    this.#chat.changed();
    await this.load(conversation, "older");
  }

  /** Return the records that contain all these words, oldest first. */
  async search(conversation, words) {
    const results = [];
    await this.#chat.session.request(`search,${conversation.name},${words}`, { onRecord: (record) => results.push(record) });
    return results;
  }

  /**
   * Load the records since the connection was lost; `onSpoken(record)` is called for each message among them. Some that
   * came since the reconnect may be in the window already.
   */
  async loadMissed(conversation, onSpoken) {
    let position = conversation.lossId;
    if (!position) return;
    for (let number = 0; number < MAX_MISSED_PAGES; number += 1) {
      const page = await this.#read(conversation, `,after=${position}`);
      for (const record of page) if (conversation.insert(record) && isSpoken(record)) onSpoken(record);
      if (isLast(conversation, page)) {
        conversation.lossId = 0;
        return;
      }
      position = page.at(-1).id;
    }
    conversation.cutBehind(position); // the others are loaded when the user looks there
    conversation.lossId = 0;
  }

  async #read(conversation, range) {
    const records = [];
    const request = `history,${conversation.name}${range},limit=${PAGE_RECORDS}`;
    await this.#chat.session.request(request, {
      onRecord: (record) => {
        this.#chat.markMention(record, conversation);
        records.push(record);
      },
    });
    return records;
  }
}

/**
 * Return true if there are no more records behind this page. In a direct conversation a page ends where another guest
 * had the name.
 */
function isLast({ isRoom }, page) {
  if (!isRoom) return !page.length;
  const characters = page.reduce((sum, { text }) => sum + text.length, 0);
  return !page.length || (page.length < PAGE_RECORDS && characters < CUT_CHARACTERS);
}
