// What is going on: the conversations, who is here, and what one can do. The views show it, and call it.

import { Conversation } from "./conversation.js";
import { escape, isRoom, isSpoken, keyOf, unescape } from "./line.js";
import { Session } from "./session.js";

const PAGE = 50;
const MOST_ROOMS = 100;

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
      this.older(conversation);
    }
  }

  close() {
    this.current = null;
    this.changed();
  }

  /** Load what was said before; resolves with how many records came. */
  async older(conversation, limit = PAGE) {
    if (conversation.complete || conversation.loading) return 0;
    conversation.loading = true;
    this.changed();
    try {
      const before = conversation.oldest ? `,before=${conversation.oldest}` : "";
      const count = await this.#history(conversation, `${before},limit=${limit}`);
      if (!count) conversation.complete = true;
      return count;
    } catch (problem) {
      if (problem.code !== "lost") conversation.complete = true;
      conversation.opened = problem.code !== "lost";
      return 0;
    } finally {
      conversation.loading = false;
      this.changed();
    }
  }

  async #history(conversation, options) {
    const each = (event) => conversation.add(event);
    return Number(await this.session.ask(`history,${conversation.name}${options}`, { each }));
  }

  /** Find what was said with these words; the newest come last. */
  async search(conversation, words) {
    const found = [];
    await this.session.ask(`search,${conversation.name},${words}`, { each: (event) => found.push(event) });
    return found;
  }

  /** Load back to a record; whether it is there then. */
  async reach(conversation, id) {
    for (let pages = 0; pages < 20 && conversation.oldest > id && !conversation.complete; pages += 1)
      await this.older(conversation, 500);
    return conversation.records.some((record) => record.id === id);
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
      await Promise.all(this.rooms.slice(0, MOST_ROOMS).map((name) => this.#lookIfMember(name)));
      for (const { name, room } of [...this.conversations.values()]) if (room && !this.rooms.some((other) => keyOf(other) === keyOf(name))) this.#forget(name);
      await Promise.all([...this.conversations.values()].map((conversation) => this.#unread(conversation)));
    } else if (again) {
      for (const conversation of this.conversations.values()) {
        if (conversation.room) await this.#rejoin(conversation);
        else conversation.note("You were disconnected for a moment. What was written to you meanwhile has not arrived, since you are a guest.");
      }
      await this.refresh();
    }
    if (again && this.awayText) await this.away(this.awayText);
    if (this.current) {
      this.current.opened = true;
      this.older(this.current);
    }
  }

  async #lookIfMember(name) {
    const members = named(await this.session.ask(`list,${name}`));
    if (members.has(this.me)) await this.#look(this.conversation(name), members);
  }

  async #look(conversation, members) {
    conversation.members = members ?? named(await this.session.ask(`list,${conversation.name}`));
    conversation.topic = unescape(await this.session.ask(`topic,${conversation.name}`));
    this.changed();
  }

  /** What was said to an account since it last read, where that is not here by itself. */
  async #unread(conversation) {
    if (conversation.records.length || !conversation.seen) return;
    await this.#history(conversation, ",limit=100").catch(() => {});
  }

  /** A guest comes back to a room: the room's log has what was said meanwhile. */
  async #rejoin(conversation) {
    let after = conversation.newest;
    await this.session.ask(`join,${conversation.name}`);
    await this.#look(conversation);
    const each = (event) => {
      after = Math.max(after, event.id);
      if (!conversation.add(event) || !isSpoken(event)) return;
      if (keyOf(event.from) !== this.me) this.#heard(event, conversation);
      else this.session.arrived(conversation, event.text);
    };
    for (let count = after ? 1 : 0; count; )
      count = Number(await this.session.ask(`history,${conversation.name},after=${after},limit=${PAGE}`, { each }));
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
