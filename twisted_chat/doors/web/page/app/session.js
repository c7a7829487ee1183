// Being signed in: it connects, signs in, catches up, and does it all again when the connection is lost.
//
// An account loses nothing and sees nothing twice: it says which client it is, asks for
// everything since the last id, and says what was not acknowledged once more under the same label.
// A guest is somebody new each time; what others wrote to them in between is lost, and it is told so.
// The password stays in this object's memory, for signing in again, and goes with the page.

import { Connection, Problem } from "./connection.js";
import { escape } from "./line.js";

const RECENT = 5000; // ids of the log that an account is shown at first
const LONGEST_WAIT = 15_000;
const FINAL = new Set(["wrong-password", "bad-name", "not-allowed", "bad-command", "too-long"]);

export class Session {
  #connection = null;
  #client = `web-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
  #credentials;
  #chat;
  #unsaid = new Map(); // label → what is not acknowledged
  #number = 0;
  #tries = 0;
  #timer;
  #caughtUp = false;
  #reached = 0; // the newest id that was heard of
  #out = false;

  constructor(chat) {
    this.#chat = chat;
    this.online = this.account = false;
    this.last = 0; // everything up to here has been seen
  }

  /** Sign in for the first time; rejects with a Problem. */
  async signIn(name, password) {
    this.#credentials = password ? [name, password] : [name];
    await this.#connect();
  }

  /** Leave for good. */
  signOut() {
    this.#out = true;
    this.online = false;
    clearTimeout(this.#timer);
    this.#connection?.request("quit").catch(() => {});
    setTimeout(() => this.#connection?.end(), 500);
  }

  /** Ask something, as Connection.request does. */
  async ask(line, options) {
    if (!this.#connection) throw new Problem("lost", "there is no connection to the server just now");
    return this.#connection.request(line, options);
  }

  /** Say something: it is `sending` until the server has it, `failed` with its reason if it will not be. */
  say(conversation, kind, text) {
    const label = `m${++this.#number}`;
    const said = { label, conversation, kind, text, from: this.name, time: Date.now(), state: "sending", sent: false };
    conversation.waiting.push(said);
    this.#unsaid.set(said.label, said);
    if (this.online) this.#say(said);
    return said;
  }

  /** Say once more what failed; under a new label, since the old one has been answered. */
  retry(said) {
    this.drop(said);
    this.say(said.conversation, said.kind, said.text);
  }

  /** Give up what was not said. */
  drop(said) {
    this.#unsaid.delete(said.label);
    said.conversation.waiting = said.conversation.waiting.filter((other) => other !== said);
  }

  /** A guest's message turns out to have arrived, although nobody said so. */
  arrived(conversation, text) {
    const said = conversation.waiting.find((other) => other.sent && other.text === text);
    if (said) this.drop(said);
  }

  /** Connect now, or find out whether the connection still is one. */
  wake() {
    if (this.#out || !this.#credentials) return;
    if (this.online) this.#connection.check();
    else if (!this.#connection) this.#again();
  }

  async #connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#caughtUp = false;
    const connection = new Connection(`${scheme}//${location.host}${new URL("socket", document.baseURI).pathname}`, {
      onEvent: (event) => this.#hear(event),
      onEnd: () => this.#lost(connection),
    });
    this.#connection = connection;
    try {
      await connection.opened;
      await connection.request(`hello,events,${this.#client}`);
      const [name, how] = (await connection.request(["register", ...this.#credentials].join(","))).split(",");
      const again = Boolean(this.name);
      this.name = name;
      this.account = how !== "guest";
      this.#chat.signedIn(how, again);
      await this.#catchUp(again);
      this.#caughtUp = this.online = true;
      this.last = Math.max(this.last, this.#reached);
      this.#tries = 0;
      this.#sayUnsaid();
      this.#chat.changed();
    } catch (problem) {
      this.#connection = null;
      connection.end();
      throw problem;
    }
  }

  async #catchUp(again) {
    const now = Number(await this.ask("since"));
    const anew = now < this.last;
    if (anew) {
      this.last = this.#reached = 0;
      this.#chat.forget();
    }
    const each = (event) => this.#hear(event);
    if (this.account) {
      const from = again && !anew ? this.last : Math.max(0, now - RECENT);
      this.last = Number(await this.ask(`since,${from}`, { each }));
    }
    await this.#chat.caughtUp(again);
  }

  #hear(event) {
    if (event.id) this.heardOf(event.id);
    this.#chat.hear(event);
  }

  /** Note an id of the log: if everything before it has been seen, this is how far we are. */
  heardOf(id) {
    this.#reached = Math.max(this.#reached, id);
    if (this.#caughtUp) this.last = Math.max(this.last, id);
  }

  #sayUnsaid() {
    for (const said of [...this.#unsaid.values()]) {
      if (said.state === "failed") continue;
      if (said.sent && !this.account) this.#fail(said, "the connection was lost, so it may or may not have arrived");
      else this.#say(said);
    }
  }

  async #say(said) {
    const { conversation, kind, text, label } = said;
    said.sent = true;
    try {
      const verb = kind === "action" ? "me" : "chat";
      const id = Number(await this.ask(`${verb},${conversation.name},${escape(text)}`, { label }));
      this.drop(said);
      this.heardOf(id);
      this.#chat.said(said, id);
    } catch (problem) {
      if (problem.code !== "lost") this.#fail(said, problem.message);
      this.#chat.changed();
    }
  }

  #fail(said, reason) {
    said.state = "failed";
    said.reason = reason;
    this.#chat.changed();
  }

  #lost(connection) {
    if (this.#connection !== connection || !this.online) return; // it never came to be: #connect says so
    this.#connection = null;
    this.online = false;
    if (!this.#out) this.#retryLater();
  }

  #retryLater(problem) {
    const wait = this.#tries ? Math.min(LONGEST_WAIT, 500 * 2 ** this.#tries) * (0.7 + Math.random() * 0.6) : 300;
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again(), wait);
    this.#chat.offline(problem);
  }

  async #again() {
    clearTimeout(this.#timer);
    try {
      await this.#connect();
    } catch (problem) {
      if (this.#out) return;
      if (FINAL.has(problem.code) || (problem.code === "name-taken" && this.account)) this.#chat.shutOut(problem.message);
      else this.#retryLater(problem);
    }
  }
}
