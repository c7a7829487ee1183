// One conversation as the page knows it: a window onto the log, in the order of the ids, and what is unread.
//
// The window is a run of records without gaps. `older` and `newer` are the states of its two edges:
//
// state    event                            → state
// more     History begins to load there     → loading
// loading  a full page came                 → more
// loading  a page came that was not full    → end
// loading  the connection is lost           → more
// end      trim() forgets records there     → more
// any      moveTo() or reset()              → more, and `end` at the newer edge of an empty window
//
// `newer` is `end` while the window reaches the present: then live records are added to it.

import { isRoom, isSpoken, keyOf } from "./line.js";
import { People } from "./people.js";

const MAX_RECORDS = 400;
const MAX_ARRIVED = 1000; // live records that are kept while a page of newer ones is loaded
const LOG_RESTARTED = "The server went back to an older copy of its messages. What was said after that copy is missing above this line.";

/**
 * A record of the log, or a note of the page (`kind` is "note").
 * @typedef {{kind: string, id: number, time: number, from: string, to: string, text: string, mention?: boolean,
 *   session?: number, toSession?: number}} ChatRecord
 */

export class Conversation {
  /** @type {"more" | "loading" | "end"} */
  older = "more";
  /** @type {"more" | "loading" | "end"} */
  newer = "end";
  /** @type {ChatRecord[]} */
  records = [];
  #arrived = []; // live records that came while `newer` is loading
  pending = []; // messages to this conversation that are not acknowledged: see PendingMessages
  newestId = 0; // of all records of this conversation that the page has heard of
  readUpTo = 0; // the read marker: an id
  unread = 0; // unread messages of other users
  mentions = 0; // those among them that name the user, or are direct
  firstUnreadId = 0; // the id of the first of them, or 0
  unreadSession; // of the person whose messages are unread, as the server has told it, or undefined
  unreadFrom = 0; // the read marker when the user began to miss messages, or 0: the line "New" stands behind it
  lossId = 0; // the newest record when the connection was lost, or 0: behind it some may be missing
  acknowledgedId = 0; // the last message from this page that the server has acknowledged
  members = new People(); // of a room
  topic = "";
  draft = "";
  topicDraft = null; // what the user has typed into the topic's field and not set yet
  isListed = false; // the server says that the user has talked here
  anchor = null; // where the user has left the window: see Timeline

  constructor(name) {
    this.rename(name);
    this.isRoom = isRoom(name);
  }

  rename(name) {
    this.name = name;
    this.key = keyOf(name);
  }

  /** True if the window reaches the present. */
  get isAtEnd() {
    return this.newer === "end";
  }

  get oldestId() {
    return this.records.find(({ kind }) => kind !== "note")?.id ?? 0;
  }

  /** The id of the newest record in the window. */
  get windowEndId() {
    return this.records.findLast(({ kind }) => kind !== "note")?.id ?? 0;
  }

  /** True if nothing would be lost by forgetting the conversation. */
  get isEmpty() {
    return !this.newestId && !this.unread && !this.records.length && !this.pending.length && !this.draft;
  }

  /** Note that the connection is lost: what comes after the reconnect may not follow what the window has. */
  noteLoss() {
    if (this.isAtEnd) this.lossId ||= this.windowEndId;
  }

  /** Forget the records behind an id, which do not follow those before: there may be others between. */
  cutBehind(id) {
    this.records = this.records.filter((record) => record.id <= id || record.kind === "note");
    this.newer = "more";
  }

  /** Insert a record of the log at its position; return false if it is already there. */
  insert(record) {
    this.newestId = Math.max(this.newestId, record.id);
    let index = this.records.length;
    while (index && this.records[index - 1].id > record.id) index -= 1;
    if (index && this.records[index - 1].id === record.id) return false;
    this.records.splice(index, 0, record);
    return true;
  }

  /** Take a record that came live; return false if it was known. */
  arrive(record) {
    if (this.isAtEnd) return this.insert(record);
    const isNew = record.id > this.newestId;
    this.newestId = Math.max(this.newestId, record.id);
    if (this.newer === "loading" && this.#arrived.length < MAX_ARRIVED) this.#arrived.push(record);
    return isNew;
  }

  /** Note that a load at an edge has ended: `state` is the edge's new state. */
  loaded(edge, state) {
    const isCut = this.#arrived.length >= MAX_ARRIVED; // the rest must be loaded
    this[edge] = edge === "newer" && state === "end" && isCut ? "more" : state;
    if (edge !== "newer") return;
    const arrived = this.#arrived;
    this.#arrived = [];
    if (this.isAtEnd) for (const record of arrived) this.insert(record);
  }

  /** Add a note of the page's own behind the last record; `after` is an id up to which records may still be loaded. */
  addNote(text, after = 0) {
    const last = this.records.at(-1);
    if (last?.kind === "note" && last.text === text) return;
    const isAnswer = this.pending.length > 0; // perhaps to a message that is not acknowledged yet
    this.records.push({ kind: "note", id: Math.max(last?.id ?? 0, after) + 1e-4, time: Date.now(), from: "", to: this.name, text, isAnswer });
  }

  /** Move the notes that came before a message was acknowledged behind that message. */
  moveNotesBehind(id) {
    const index = this.records.findIndex((record) => record.id === id);
    let first = index;
    while (first > 0 && this.records[first - 1].isAnswer) first -= 1;
    if (first === index) return;
    const notes = this.records.splice(first, index - first);
    notes.forEach((note, number) => Object.assign(note, { id: id + (number + 1) * 1e-4, isAnswer: false }));
    this.records.splice(first + 1, 0, ...notes);
  }

  /** Return the session of the other person in a direct conversation, as the newest message tells it, or undefined. */
  partnerSession(ownKey) {
    const newest = this.records.findLast((record) => isSpoken(record) && partnerSessionOf(record, ownKey) !== undefined);
    return newest ? partnerSessionOf(newest, ownKey) : this.unreadSession;
  }

  /** Forget records at one edge ("older" or "newer") if there are too many. */
  trim(edge) {
    const excess = this.records.length - MAX_RECORDS;
    if (excess <= 0 || this[edge] === "loading") return;
    this.records.splice(edge === "older" ? 0 : MAX_RECORDS, excess);
    this[edge] = "more";
  }

  /** Begin a new window; records that were loaded before go. */
  moveTo(records) {
    this.records = records;
    this.newestId = Math.max(this.newestId, this.windowEndId);
    this.#arrived = [];
    this.older = "more";
    this.newer = records.length ? "more" : "end";
    this.anchor = null;
  }

  // what is unread

  /** Count a new message of another user. */
  countArrived(record) {
    if (record.id <= this.readUpTo) return;
    this.unread += 1;
    if (record.mention) this.mentions += 1;
    this.firstUnreadId ||= record.id;
  }

  /** Take the counts that the server has sent. */
  setUnread({ unread, mentions, firstUnreadId }) {
    Object.assign(this, { unread, mentions, firstUnreadId });
    if (firstUnreadId) this.readUpTo = Math.max(this.readUpTo, firstUnreadId - 1);
  }

  /** Move the read marker forward; return false if it was there already. `ownKey` is the key of the user's name. */
  readTo(id, ownKey) {
    if (id <= this.readUpTo) return false;
    const isUnread = (record) => record.id > this.readUpTo && isSpoken(record) && keyOf(record.from) !== ownKey;
    const read = this.records.filter((record) => record.id <= id && isUnread(record));
    this.unread = Math.max(0, this.unread - read.length);
    this.mentions = Math.max(0, this.mentions - read.filter(({ mention }) => mention).length);
    this.readUpTo = id;
    if ((this.isAtEnd && id >= this.newestId) || !this.unread) this.setUnread({ unread: 0, mentions: 0, firstUnreadId: 0 });
    else this.firstUnreadId = this.records.find(isUnread)?.id ?? id + 1;
    return true;
  }

  /** Forget all records, because the server's log is an older copy, which ends with the id `newest`. */
  reset(newest) {
    this.moveTo([]);
    this.readUpTo = this.unreadFrom = this.newestId = this.acknowledgedId = this.lossId = 0;
    this.unreadSession = undefined;
    this.setUnread({ unread: 0, mentions: 0, firstUnreadId: 0 });
    this.addNote(LOG_RESTARTED, newest);
  }
}

/** Return the session of the other person in a direct conversation, as a message tells it, or undefined. */
export const partnerSessionOf = ({ from, session, toSession }, ownKey) => (keyOf(from) === ownKey ? toSession : session);
