// One conversation as the page knows it: a part of the log that ends now, in the order of the ids.
//
// history   event                                  → history
// unloaded  History.loadOlder() begins             → loading
// partial   History.loadOlder() begins             → loading
// loading   records came                           → partial
// loading   there are none, or the server refuses  → complete
// loading   the connection is lost                 → unloaded
// complete  trim() forgets records                 → partial
// any       reset()                                → unloaded

import { isRoom, isSpoken, keyOf } from "./line.js";

const KEPT_RECORDS = 1000;
const LOG_RESTARTED = "The server has started a new log. Earlier messages are no longer available.";

/**
 * A record of the log, or a note of the page (`kind` is "note").
 * @typedef {{kind: string, id: number, time: number, from: string, to: string, text: string, mention?: boolean}} ChatRecord
 */

export class Conversation {
  /** @type {"unloaded" | "partial" | "loading" | "complete"} */
  history = "unloaded";
  /** @type {ChatRecord[]} */
  records = [];
  pending = []; // messages to this conversation that are not acknowledged: see PendingMessages
  readUpTo = 0; // the read marker: an id
  unreadFrom = 0; // the read marker when the conversation was opened with unread messages, or 0
  acknowledgedId = 0; // the last message from this page that the server has acknowledged
  members = new Map(); // of a room: key → name
  topic = "";
  draft = "";
  mentioned = false; // an unread message is direct, or names the user

  constructor(name) {
    this.rename(name);
    this.isRoom = isRoom(name);
  }

  rename(name) {
    this.name = name;
    this.key = keyOf(name);
  }

  get oldestId() {
    return this.records.find(({ kind }) => kind !== "note")?.id ?? 0;
  }

  get newestId() {
    return Math.floor(this.records.at(-1)?.id ?? 0);
  }

  /** True if nothing would be lost by forgetting the conversation. */
  get isEmpty() {
    return !this.records.length && !this.pending.length && !this.draft;
  }

  /** Insert a record at its position; return false if it is already there. */
  insert(record) {
    let index = this.records.length;
    while (index && this.records[index - 1].id > record.id) index -= 1;
    if (index && this.records[index - 1].id === record.id) return false;
    this.records.splice(index, 0, record);
    return true;
  }

  /** Add a note of the page's own behind the last record. */
  addNote(text) {
    const last = this.records.at(-1);
    if (last?.text === text) return;
    this.records.push({ kind: "note", id: (last?.id ?? 0) + 1e-4, time: Date.now(), from: "", to: this.name, text });
  }

  /** Count the unread messages of users other than `ownKey`. */
  countUnread(ownKey) {
    let count = 0;
    for (let index = this.records.length - 1; index >= 0 && this.records[index].id > this.readUpTo; index -= 1) {
      const record = this.records[index];
      if (isSpoken(record) && keyOf(record.from) !== ownKey) count += 1;
    }
    return count;
  }

  /** Forget the oldest of many records; History can load them again. */
  trim() {
    if (this.records.length <= KEPT_RECORDS * 2 || this.history === "loading") return;
    this.records.splice(0, this.records.length - KEPT_RECORDS);
    if (this.history === "complete") this.history = "partial";
  }

  /** Forget all records, because the server's log has started again. */
  reset() {
    this.records = [];
    this.readUpTo = this.unreadFrom = 0;
    this.history = "unloaded";
    this.addNote(LOG_RESTARTED);
  }
}
