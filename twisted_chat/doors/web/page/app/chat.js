// What is going on: the conversations, who is here, and what one can do. The views show it, and call it.

import { Conversation } from "./conversation.js";
import { History } from "./history.js";
import { escape, isRoom, isSpoken, keyOf, unescape } from "./line.js";
import { Session } from "./session.js";

const MOST_ROOMS = 100;
const MISSED =
  "You were disconnected for a moment. What was written to you meanwhile has not arrived, since you are a guest.";

export class Chat {
  /** `changed()` is called when there is something to show, `spoken(record, conversation)` for what others say now. */
  constructor({ changed, spoken, shutOut }) {
    this.changed = changed;
    this.spoken = spoken;
    this.onShutOut = shutOut;
    this.conversations = new Map();
    this.friends = new Map(); // who is here
    this.rooms = []; // all there are
    this.current = null;
    this.session = null;
    this.history = new History(this);
    this.status = this.awayText = "";
  }

  get me() {
    return keyOf(this.session?.name ?? "");
  }

  get unread() {
    let count = 0;
    for (const conversation of this.conversations.values()) count += conversation.unread(this.me);
    return count;
  }

  async signIn(name, password) {
    this.session = new Session(this);
    try {
      await this.session.signIn(name, password);
    } catch (problem) {
      this.signOut();
      throw problem;
    }
  }

  signOut() {
    this.session?.signOut();
    this.session = null;
    this.current = null;
    this.conversations.clear();
    this.friends.clear();
    this.status = this.awayText = "";
  }

  // conversations

  find(name) {
    return this.conversations.get(keyOf(name));
  }

  /** The conversation of a name, made if there is none yet. */
  conversation(name) {
    const key = keyOf(name);
    if (!this.conversations.has(key)) this.conversations.set(key, new Conversation(name));
    return this.conversations.get(key);
  }

  /** Whether this is the name of somebody who is here. */
  isHere(name) {
    return this.friends.has(keyOf(name));
  }

  /** Show a conversation. */
  open(name) {
    const conversation = this.conversation(name);
    if (this.current !== conversation) {
      if (this.current && !this.current.room && !this.current.records.length && !this.current.waiting.length && !this.current.draft)
        this.conversations.delete(this.current.key);
      this.conversations.set(conversation.key, conversation);
      this.current?.trim();
      conversation.divider = conversation.unread(this.me) ? conversation.seen : 0;
      this.current = conversation;
    }
    this.changed();
    if (!conversation.opened) {
      conversation.opened = true;
      this.history.older(conversation);
    }
  }

  close() {
    this.current = null;
    this.changed();
  }

  /** Note that a conversation has been read as far as it goes. */
  read(conversation) {
    const id = conversation.newest;
    conversation.mentioned = false;
    if (id <= conversation.seen) return;
    conversation.seen = id;
    if (this.session.account) this.session.ask(`seen,${conversation.name},${id}`).catch(() => {});
    this.changed();
  }

  // what one does

  say(conversation, kind, text) {
    this.session.say(conversation, kind, text);
    conversation.divider = 0;
    this.changed();
  }

  async join(name) {
    const id = Number(await this.session.ask(`join,${name}`));
    const conversation = this.conversation(name);
    conversation.seen = Math.max(conversation.seen, id);
    await this.#look(conversation);
    this.open(name);
  }

  async leave(name) {
    await this.session.ask(`leave,${name}`);
    this.#forget(name);
  }

  async setTopic(name, text) {
    await this.session.ask(`topic,${name},${escape(text)}`);
    this.conversation(name).topic = text;
    this.changed();
  }

  async away(text = "") {
    await this.session.ask(text ? `away,${escape(text)}` : "away");
    this.awayText = text;
  }

  /** Learn who is here, and which rooms there are. */
  async refresh() {
    const [friends, rooms] = await Promise.all([this.session.ask("list,friends"), this.session.ask("list,rooms")]);
    this.friends = named(friends);
    this.rooms = rooms ? rooms.split(",") : [];
    this.changed();
  }

  // what the session tells

  signedIn() {
    this.status = "";
  }

  offline(problem) {
    const taken = problem?.code === "name-taken" || problem?.code === "slow-down";
    this.status = taken ? `Connecting again: ${problem.message}.` : "The connection is lost. Connecting again …";
    this.changed();
  }

  shutOut(sentence) {
    this.onShutOut(sentence);
  }

  /** The server's log has begun anew: what is here has no place in it any more. */
  forget() {
    for (const conversation of this.conversations.values()) conversation.reset();
  }

  /** Behind the sign-in, and what there was to catch up on: find out where we are. */
  async caughtUp(again) {
    await this.refresh();
    if (this.session.account) {
      const mine = (await this.session.ask("list,mine")).split(",").filter(Boolean).map((name) => this.conversation(name));
      await Promise.all(mine.filter(({ room }) => room).map((conversation) => this.#look(conversation)));
      for (const conversation of [...this.conversations.values()]) {
        if (conversation.room && !mine.includes(conversation)) this.#forget(conversation.name);
      }
      await Promise.all([...this.conversations.values()].map((conversation) => this.history.ofUnread(conversation)));
    } else if (again) {
      for (const conversation of this.conversations.values()) {
        if (conversation.room) await this.#rejoin(conversation);
        else conversation.note(MISSED);
      }
      await this.refresh();
    }
    if (again && this.awayText) await this.away(this.awayText);
    if (this.current) {
      this.current.opened = true;
      this.history.older(this.current);
    }
  }

  async #look(conversation) {
    conversation.members = named(await this.session.ask(`list,${conversation.name}`));
    conversation.topic = unescape(await this.session.ask(`topic,${conversation.name}`));
    this.changed();
  }

  /** A guest comes back to a room: the room's log has what was said meanwhile. */
  async #rejoin(conversation) {
    await this.session.ask(`join,${conversation.name}`);
    await this.#look(conversation);
    await this.history.ofMissed(conversation, (event) => {
      if (keyOf(event.from) === this.me) this.session.arrived(conversation, event.text);
      else this.#heard(event, conversation);
    });
  }

  said({ conversation, kind, text }, id) {
    conversation.acknowledged = id;
    conversation.add({ kind, id, time: Date.now(), from: this.session.name, to: conversation.name, text });
    this.read(conversation);
    this.changed();
  }

  hear(event) {
    if (isSpoken(event)) {
      const conversation = this.conversation(this.#where(event));
      if (conversation.add(event) && keyOf(event.from) !== this.me) this.#heard(event, conversation);
      if (conversation !== this.current) conversation.trim();
      if (!this.session.account || this.session.online) this.friends.set(keyOf(event.from), event.from);
    } else if (event.kind === "joined" || event.kind === "left") {
      this.#moved(event);
    } else if (event.kind === "topic") {
      const conversation = this.conversation(event.to);
      conversation.topic = event.text;
      conversation.add(event);
    } else if (event.kind === "online") {
      this.friends.set(keyOf(event.name), event.name);
    } else if (event.kind === "offline") {
      this.friends.delete(keyOf(event.name));
    } else if (event.kind === "renamed") {
      this.#renamed(event.name, event.value);
    } else if (event.kind === "seen") {
      const conversation = this.conversation(event.name);
      conversation.seen = Math.max(conversation.seen, Number(event.value));
    } else if (event.kind === "server") {
      this.#told(event.name, event.value);
    }
    this.changed();
  }

  #where({ from, to }) {
    return isRoom(to) ? to : keyOf(from) === this.me ? to : from;
  }

  #heard(event, conversation) {
    event.mention = !conversation.room || mentions(keyOf(event.text), this.me);
    if (event.id <= conversation.seen) return;
    if (event.mention) conversation.mentioned = true;
    if (this.session.online) this.spoken(event, conversation);
  }

  #moved(event) {
    const { kind, from, to } = event;
    const mine = keyOf(from) === this.me;
    if (mine && kind === "left") {
      this.#forget(to);
      return;
    }
    const conversation = this.conversation(to);
    if (kind === "joined") conversation.members.set(keyOf(from), from);
    else conversation.members.delete(keyOf(from));
    if (kind === "joined" && this.session.online) this.friends.set(keyOf(from), from);
    if (mine && this.session.online) this.#look(conversation).catch(() => {});
    else conversation.add(event);
  }

  #renamed(before, now) {
    this.friends.delete(keyOf(before));
    this.friends.set(keyOf(now), now);
    for (const { members } of this.conversations.values()) if (members.delete(keyOf(before))) members.set(keyOf(now), now);
    const conversation = this.find(before);
    if (!conversation || this.find(now)) return;
    this.conversations.delete(conversation.key);
    conversation.name = now;
    conversation.key = keyOf(now);
    this.conversations.set(conversation.key, conversation);
  }

  #told(code, sentence) {
    if (code === "disabled" || code === "deleted") this.shutOut(sentence);
    else if (code === "gap") this.refresh().catch(() => {});
    else if (code !== "replaced") this.current?.note(sentence);
  }

  #forget(name) {
    const conversation = this.find(name);
    if (!conversation) return;
    this.conversations.delete(conversation.key);
    if (this.current === conversation) this.current = null;
    this.changed();
  }
}

/** Whether a text has a name in it, as a word of its own. */
function mentions(text, name) {
  const letter = /[\p{L}\p{N}_]/u;
  for (let place = text.indexOf(name); place >= 0; place = text.indexOf(name, place + 1))
    if (!letter.test(text[place - 1] ?? "") && !letter.test(text[place + name.length] ?? "")) return true;
  return false;
}

const named = (fields) => new Map(fields ? fields.split(",").map((name) => [keyOf(name), name]) : []);
