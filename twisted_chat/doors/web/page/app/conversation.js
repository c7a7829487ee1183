// One conversation as this page knows it: a stretch of the log that ends now, in the order of its ids.

import { isRoom, isSpoken, keyOf } from "./line.js";

const KEPT = 1000;

export class Conversation {
  constructor(name) {
    this.name = name;
    this.key = keyOf(name);
    this.room = isRoom(name);
    this.records = [];
    this.waiting = []; // what was written here and is not acknowledged yet
    this.seen = 0;
    this.divider = 0; // up to where it was read when it was opened
    this.complete = false; // nothing was said before what is here
    this.loading = false;
    this.opened = false;
    this.members = new Map();
    this.topic = "";
    this.draft = "";
    this.mentioned = false;
    this.acknowledged = 0; // the last that was said here by this page, and that the server has
  }

  get oldest() {
    return this.records.find(({ kind }) => kind !== "note")?.id ?? 0;
  }

  get newest() {
    return Math.floor(this.records.at(-1)?.id ?? 0);
  }

  /** Take a record, wherever its place is; false if it is here already. */
  add(record) {
    let place = this.records.length;
    while (place && this.records[place - 1].id > record.id) place -= 1;
    if (place && this.records[place - 1].id === record.id) return false;
    this.records.splice(place, 0, record);
    return true;
  }

  /** Put a remark of this page's own behind everything. */
  note(text) {
    if (this.records.at(-1)?.text === text) return;
    const last = this.records.at(-1)?.id ?? 0;
    this.records.push({ kind: "note", id: last + 1e-4, time: Date.now(), from: "", to: this.name, text });
  }

  /** How many others have said something since it was read. */
  unread(me) {
    let count = 0;
    for (let place = this.records.length - 1; place >= 0 && this.records[place].id > this.seen; place -= 1) {
      const record = this.records[place];
      if (isSpoken(record) && keyOf(record.from) !== me) count += 1;
    }
    return count;
  }

  /** Forget what is old, which can be asked for again. */
  trim() {
    if (this.records.length <= KEPT * 2) return;
    this.records.splice(0, this.records.length - KEPT);
    this.complete = false;
  }

  /** Forget everything: the server's log has begun anew. */
  reset() {
    this.records = [];
    this.seen = this.divider = 0;
    this.complete = false;
    this.note("The server has begun anew, without what was said here before.");
  }
}
