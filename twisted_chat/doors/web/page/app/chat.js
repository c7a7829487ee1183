// The state of the chat: the conversations, the users online, and the actions of the user. The views show and call it.

import { catchUp } from "./catchup.js";
import { Conversation } from "./conversation.js";
import { describeReconnect } from "./errors.js";
import { applyEvent } from "./events.js";
import { History } from "./history.js";
import { escapeText, keyOf, unescapeText } from "./line.js";
import { Session } from "./session.js";

const LOG_RESTARTED = "The server has started again with an older copy of its messages; some may be missing here.";

export class Chat {
  /**
   * `onChange()` is called when there is something new to show, `onSpoken(record, conversation)` for
   * each new message of another user, `onShutOut(sentence)` when the session cannot go on.
   */
  constructor({ onChange, onSpoken, onShutOut }) {
    this.changed = onChange;
    this.spoken = onSpoken;
    this.shutOut = onShutOut;
    this.conversations = new Map(); // key → Conversation
    this.usersOnline = new Map(); // key → name
    this.rooms = []; // the names of all visible rooms
    this.current = null; // the Conversation that is shown
    this.session = null;
    this.history = new History(this);
    this.status = ""; // a sentence about the connection, while it is lost
    this.awayText = "";
  }

  get ownKey() {
    return keyOf(this.session?.name ?? "");
  }

  async signIn(name, password) {
    this.session = new Session(this);
    try {
      await this.session.signIn(name, password);
    } catch (error) {
      this.signOut();
      throw error;
    }
  }

  signOut() {
    this.session?.signOut();
    this.session = null;
    this.current = null;
    this.conversations.clear();
    this.usersOnline.clear();
    this.status = this.awayText = "";
  }

  // conversations

  find(name) {
    return this.conversations.get(keyOf(name));
  }

  /** Return the conversation with this name; create it if there is none. */
  findOrCreate(name) {
    const key = keyOf(name);
    if (!this.conversations.has(key)) this.conversations.set(key, new Conversation(name));
    return this.conversations.get(key);
  }

  /** Remove a conversation from the page. */
  forget(name) {
    const conversation = this.find(name);
    if (!conversation) return;
    this.conversations.delete(conversation.key);
    if (this.current === conversation) this.current = null;
    this.changed();
  }

  isOnline(name) {
    return this.usersOnline.has(keyOf(name));
  }

  countUnread() {
    let count = 0;
    for (const conversation of this.conversations.values()) count += conversation.countUnread(this.ownKey);
    return count;
  }

  /** Show a conversation. */
  open(name) {
    const conversation = this.findOrCreate(name);
    const previous = this.current;
    if (previous !== conversation) {
      if (previous && !previous.isRoom && previous.isEmpty) this.conversations.delete(previous.key);
      previous?.trim();
      conversation.unreadFrom = conversation.countUnread(this.ownKey) ? conversation.readUpTo : 0;
      this.current = conversation;
    }
    this.changed();
    if (conversation.history === "unloaded") this.history.loadOlder(conversation);
  }

  /** Show no conversation. */
  close() {
    this.current = null;
    this.changed();
  }

  /** Set the read marker to the newest record. */
  markRead(conversation) {
    const id = conversation.newestId;
    conversation.mentioned = false;
    if (id <= conversation.readUpTo) return;
    conversation.readUpTo = id;
    if (this.session.account) this.session.request(`seen,${conversation.name},${id}`).catch(() => {});
    this.changed();
  }

  // actions; each rejects with a RequestError

  say(conversation, kind, text) {
    this.session.pending.add(conversation, kind, text);
    conversation.unreadFrom = 0;
    this.changed();
  }

  async join(name) {
    const id = Number(await this.session.request(`join,${name}`));
    const conversation = this.findOrCreate(name);
    conversation.readUpTo = Math.max(conversation.readUpTo, id);
    await this.refreshRoom(conversation);
    this.open(name);
  }

  async leave(name) {
    await this.session.request(`leave,${name}`);
    this.forget(name);
  }

  async setTopic(name, text) {
    await this.session.request(`topic,${name},${escapeText(text)}`);
    this.findOrCreate(name).topic = text;
    this.changed();
  }

  async setAway(text = "") {
    await this.session.request(text ? `away,${escapeText(text)}` : "away");
    this.awayText = text;
  }

  /** Ask the server for the users online and the visible rooms. */
  async refresh() {
    const [users, rooms] = await Promise.all([this.session.request("list,friends"), this.session.request("list,rooms")]);
    this.usersOnline = namesByKey(users);
    this.rooms = rooms ? rooms.split(",") : [];
    this.changed();
  }

  /** Ask the server for a room's members and topic. */
  async refreshRoom(conversation) {
    conversation.members = namesByKey(await this.session.request(`list,${conversation.name}`));
    conversation.topic = unescapeText(await this.session.request(`topic,${conversation.name}`));
    this.changed();
  }

  // called by the session

  signedIn() {
    this.status = "";
  }

  /** Show that the connection is lost; `error` is why the last attempt to reconnect failed, if one has. */
  reconnecting(error) {
    this.status = describeReconnect(error);
    this.changed();
  }

  /** Forget all records, because the server's log has started again. */
  logRestarted() {
    for (const conversation of this.conversations.values()) conversation.reset();
    this.current?.addNote(LOG_RESTARTED);
  }

  async caughtUp(isReconnect) {
    await catchUp(this, isReconnect);
  }

  receive(event) {
    applyEvent(this, event);
    this.changed();
  }

  /** Show a message that the server has acknowledged with this id. */
  acknowledged({ conversation, kind, text }, id) {
    conversation.acknowledgedId = id;
    conversation.insert({ kind, id, time: Date.now(), from: this.session.name, to: conversation.name, text });
    this.markRead(conversation);
    this.changed();
  }
}

const namesByKey = (fields) => new Map(fields ? fields.split(",").map((name) => [keyOf(name), name]) : []);
