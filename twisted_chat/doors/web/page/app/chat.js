// The state of the chat: the conversations, the users online, and the actions of the user. The views show and call it.

import { catchUp } from "./catchup.js";
import { Conversation } from "./conversation.js";
import { describeError, describeReconnect } from "./errors.js";
import { applyEvent } from "./events.js";
import { History } from "./history.js";
import { escapeText, isSpoken, keyOf, parsePerson, unescapeText } from "./line.js";
import { People } from "./people.js";
import { Server } from "./server.js";
import { Session } from "./session.js";
import { Unread } from "./unread.js";

const MIN_RECORDS = 30; // with fewer in the window, opening a conversation loads older ones
const LOG_RESTARTED =
  "The server went back to an older copy of its data. Messages and rooms of the time after that copy are lost, also your own.";

export class Chat {
  /**
   * `onChange()` is called when there is something new to show, `onSpoken(record, conversation)` for
   * each new message of another user, `onShutOut(sentence)` when the session cannot go on; `isWatched(conversation)`
   * tells whether the user sees the end of a conversation now.
   */
  constructor({ onChange, onSpoken, onShutOut, isWatched }) {
    this.changed = onChange;
    this.spoken = onSpoken;
    this.shutOut = onShutOut;
    this.isWatched = isWatched;
    this.conversations = new Map(); // key → Conversation
    this.people = new People(); // who is online
    this.rooms = []; // the names of all visible rooms
    this.current = null; // the Conversation that is shown
    this.session = null;
    this.server = new Server();
    this.history = new History(this);
    this.unread = new Unread(this);
    this.status = ""; // a sentence about the connection, while it is lost
    this.notice = ""; // a sentence about all conversations, until the user has closed it
    this.awayText = "";
  }

  get ownKey() {
    return keyOf(this.session?.name ?? "");
  }

  /**
   * Sign in to an account or, without a password, as a guest; with `isNew`, make the account.
   * `kept` is what the tab has kept of this user's last session, or null: its ticket may do instead of a password.
   */
  async signIn(name, password, { isNew = false, kept = null } = {}) {
    this.session = new Session(this, kept);
    try {
      await this.session.signIn(name, password, isNew);
    } catch (error) {
      this.signOut();
      throw error;
    }
  }

  /** Return what the tab should keep: see `restore`. */
  kept() {
    const conversations = [...this.conversations.values()];
    return {
      ...this.session.kept(),
      current: this.current?.name ?? "",
      rooms: conversations.filter(({ isRoom }) => isRoom).map(({ name }) => name),
      drafts: conversations.filter(({ draft }) => draft).map(({ name, draft }) => [name, draft]),
    };
  }

  /** Go on where the user was before a reload: the rooms of a guest, drafts, and messages that were not acknowledged. */
  restore({ rooms, drafts, pending }) {
    for (const [name, draft] of drafts) this.findOrCreate(name).draft = draft;
    if (!this.session.account) for (const name of rooms) this.#rejoin(name);
    this.session.pending.restore(pending);
  }

  /** Show a room that a guest was in before a reload, and join it again. */
  #rejoin(name) {
    const room = this.findOrCreate(name);
    this.join(name).catch((error) => {
      room.addNote(describeError(error));
      this.changed();
    });
  }

  signOut() {
    this.session?.signOut();
    this.session = null;
    this.current = null;
    this.conversations.clear();
    this.people.clear();
    this.unread.clear();
    this.rooms = [];
    this.status = this.notice = this.awayText = "";
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

  /** Remove a conversation that the user is no longer in; what was not sent keeps it on the page. */
  forget(name) {
    const conversation = this.find(name);
    if (!conversation) return;
    if (conversation.pending.length || conversation.draft) {
      conversation.addNote(`You are no longer in ${name}. What you wrote is still here and was not sent.`);
      this.changed();
      return;
    }
    this.conversations.delete(conversation.key);
    if (this.current === conversation) this.current = null;
    this.changed();
  }

  isOnline(name) {
    return this.people.has(name);
  }

  /** Return the session of a person: as the server has told it last, or else as the newest message does. */
  sessionOf(name) {
    return this.people.sessionOf(name) ?? this.find(name)?.partnerSession(this.ownKey);
  }

  /** Return true if a person is to be shown as a guest: users with an account can tell guests from accounts. */
  marksGuest(session) {
    return session > 0 && Boolean(this.session?.account);
  }

  /** Mark a message as a mention if it is direct, or names the user. */
  markMention(record, conversation) {
    const isOther = isSpoken(record) && keyOf(record.from) !== this.ownKey;
    record.mention = isOther && (!conversation.isRoom || containsName(keyOf(record.text), this.ownKey));
  }

  /** Show a conversation. */
  open(name) {
    const conversation = this.findOrCreate(name);
    const previous = this.current;
    if (previous !== conversation) {
      if (previous && !previous.isRoom && previous.isEmpty) this.conversations.delete(previous.key);
      conversation.unreadFrom = conversation.unread ? conversation.firstUnreadId - 1 : 0;
      this.current = conversation;
    }
    this.changed();
    this.loadStart(conversation).catch(() => {});
    return conversation;
  }

  /** Load what the user sees first: the first unread messages, or else where the user was, or the newest. */
  async loadStart(conversation) {
    const { firstUnreadId, records } = conversation;
    if (conversation.unread && !records.some(({ id }) => id === firstUnreadId)) {
      await this.history.loadAround(conversation, firstUnreadId);
    } else if (!conversation.oldestId || records.length < MIN_RECORDS) {
      await this.history.load(conversation, "older");
    }
  }

  /** Show no conversation. */
  close() {
    this.current = null;
    this.changed();
  }

  // actions; each rejects with a RequestError

  say(conversation, kind, text) {
    this.session.pending.add(conversation, kind, text);
    conversation.unreadFrom = 0;
    this.changed();
  }

  /** Join a room; the caller opens it. */
  async join(name) {
    const id = Number(await this.session.request(`join,${name}`));
    const conversation = this.findOrCreate(name);
    conversation.readTo(id, this.ownKey);
    await this.refreshRoom(conversation);
  }

  async leave(name) {
    await this.session.request(`leave,${name}`);
    this.forget(name);
  }

  async setTopic(name, text) {
    await this.session.request(`topic,${name},${escapeText(text)}`);
    const room = this.find(name); // unless the user has left it meanwhile
    if (room) room.topic = text;
    this.changed();
  }

  async changePassword(old, password) {
    await this.session.request(`password,${old},${password}`);
    this.session.passwordChanged(password);
  }

  async setAway(text = "") {
    await this.session.request(text ? `away,${escapeText(text)}` : "away");
    this.awayText = text;
  }

  /** Ask the server for the users online and the visible rooms. */
  async refresh() {
    const [users, rooms] = await Promise.all([this.session.request(";guests=1 list,friends"), this.session.request("list,rooms")]);
    this.people.set(splitNames(users).map(parsePerson));
    this.rooms = splitNames(rooms);
    this.changed();
  }

  /** Ask the server for a room's members and topic. */
  async refreshRoom(conversation) {
    conversation.members.set(splitNames(await this.session.request(`;guests=1 list,${conversation.name}`)).map(parsePerson));
    conversation.topic = unescapeText(await this.session.request(`topic,${conversation.name}`));
    this.changed();
  }

  // called by the session

  signedIn() {
    this.status = "";
  }

  /** Show that the connection is lost; `error` is why the last attempt to reconnect failed, if one has. */
  reconnecting(error) {
    for (const conversation of this.conversations.values()) conversation.noteLoss();
    if (error || !this.status) this.status = describeReconnect(error);
    this.changed();
  }

  /** Forget all records, and say so, because the server's log is an older copy, which ends with the id `newest`. */
  logRestarted(newest) {
    this.notice = LOG_RESTARTED;
    for (const conversation of this.conversations.values()) conversation.reset(newest);
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
    const { name: to } = conversation;
    conversation.acknowledgedId = id;
    conversation.arrive({ kind, id, time: this.server.now(), from: this.session.name, to, text, toSession: this.people.sessionOf(to) });
    conversation.moveNotesBehind(id);
    if (conversation.unread) this.changed();
    else this.unread.markRead(conversation, id);
  }
}

const splitNames = (fields) => (fields ? fields.split(",") : []);

/** Return true if a text contains a name as a word of its own; both are keys. */
function containsName(text, name) {
  const letter = /[\p{L}\p{N}_]/u;
  for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1))
    if (!letter.test(text[start - 1] ?? "") && !letter.test(text[start + name.length] ?? "")) return true;
  return false;
}
