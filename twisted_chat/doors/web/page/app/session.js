// A signed-in session: it connects, signs in, catches up, and does so again when the connection is lost.
//
// state         event                                  → state         action
// signed-out    signIn()                               → connecting    open a WebSocket
// connecting    the WebSocket is open                  → signing-in    send hello and register
// signing-in    the server accepts the name            → catching-up   ask for the missed records
// catching-up   the chat has caught up                 → online        send the pending messages
// online        the connection is lost                 → reconnecting  start a timer
// reconnecting  the timer ends, or wake()              → connecting    open a WebSocket
// before online an error at the first sign-in          → closed        signIn() rejects, the chat calls signOut()
// before online an error that may pass                 → reconnecting  start a timer
// before online an error that will not (FINAL_CODES)   → closed        the chat shows the sign-in form
// any           signOut()                              → closed        send quit
//
// "before online" is connecting, signing-in or catching-up.
//
// An account misses nothing and sees nothing twice: the session names its client-id, sends pending messages again
// under the same labels, and the chat loads what is missing behind each window. A guest is a
// new user after each reconnect: direct messages that were sent in between are lost, and the chat
// says so. The password stays in the memory of this object, for reconnects, until the page is closed.

import { Connection, lostError } from "./connection.js";
import { describeError } from "./errors.js";
import { PendingMessages } from "./pending.js";

const FIRST_RECONNECT_MS = 300;
const RECONNECT_BASE_MS = 500; // doubled at each attempt
const MAX_RECONNECT_MS = 15_000;
const QUIT_TIMEOUT_MS = 500;
const FINAL_CODES = new Set(["wrong-password", "bad-name", "not-allowed", "bad-command", "too-long"]);

export class Session {
  /** @type {"signed-out" | "connecting" | "signing-in" | "catching-up" | "online" | "reconnecting" | "closed"} */
  #state = "signed-out";
  #connection = null;
  #clientId = `web-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
  #credentials; // { name, password, isNew }; without a password and a ticket the user is a guest
  #ticket = ""; // with which an account signs in again, for a day, instead of the password
  #chat;
  #attempts = 0; // reconnects that failed in a row
  #reconnectTimer;
  #epoch = ""; // of the log: in another epoch, ids stand for other records
  #newestId = 0; // of all ids that the server has named

  /** `kept` is what `kept()` of this user's last session in this tab has returned, or null. */
  constructor(chat, kept) {
    this.#chat = chat;
    if (kept) {
      this.#clientId = kept.clientId;
      this.#ticket = kept.ticket;
    }
    this.name = ""; // set by the first sign-in
    this.account = false;
    this.pending = new PendingMessages(this, chat, kept?.lastLabel ?? 0);
  }

  get online() {
    return this.#state === "online";
  }

  /** Sign in for the first time; rejects with a RequestError. */
  async signIn(name, password, isNew) {
    this.#credentials = { name, password, isNew };
    await this.#connect();
  }

  /** Return what another session of this user needs to go on in this one's place; no password. */
  kept() {
    const { name, account } = this;
    return { name, account, clientId: this.#clientId, ticket: this.#ticket, ...this.pending.kept() };
  }

  /** End the session; it cannot be used again. */
  signOut() {
    this.#state = "closed";
    clearTimeout(this.#reconnectTimer);
    this.#connection?.request("quit").catch(() => {});
    setTimeout(() => this.#connection?.close(), QUIT_TIMEOUT_MS);
  }

  /** Use the new password for reconnects. */
  passwordChanged(password) {
    this.#credentials = { name: this.name, password, isNew: false };
    this.#askForTicket();
  }

  /** Send a request: see Connection.request. After `signOut` no answer comes any more: it would be the next user's. */
  async request(line, options) {
    if (!this.#connection) throw lostError();
    const answer = await this.#connection.request(line, options);
    if (this.#state === "closed") throw lostError();
    return answer;
  }

  /** Reconnect now if the session waits to do so, or check that the connection is alive. */
  wake() {
    if (this.#state === "online") this.#connection.check();
    else if (this.#state === "reconnecting") this.#reconnect();
  }

  /** Note that the server has named this id. */
  noteId(id) {
    this.#newestId = Math.max(this.#newestId, id);
  }

  /** Enter a state on the way to `online`; throws if the session was closed meanwhile. */
  #advance(state) {
    if (this.#state === "closed") throw lostError();
    this.#state = state;
  }

  async #connect() {
    this.#advance("connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const connection = new Connection(`${scheme}//${location.host}${new URL("socket", document.baseURI).pathname}`, {
      onEvent: (event) => this.#receive(event),
      onClose: () => this.#connectionLost(connection),
    });
    this.#connection = connection;
    try {
      await connection.opened;
      this.#advance("signing-in");
      await this.#chat.server.ask();
      const facts = await connection.request(`hello,events,${this.#clientId},tags`);
      const epoch = /(?:^|,)epoch=([^,]*)/.exec(facts)?.[1] ?? "";
      const [name, how] = (await this.#signInAt(connection)).split(",");
      this.#advance("catching-up");
      const isReconnect = Boolean(this.name);
      this.name = name;
      this.account = how !== "guest";
      this.#chat.signedIn();
      await this.#catchUp(isReconnect, epoch);
      if (connection.isClosed) throw lostError(); // while it caught up, by a request that may fail
      this.#advance("online");
    } catch (error) {
      this.#connection = null;
      connection.close();
      throw error;
    }
    this.#attempts = 0;
    this.#credentials.isNew = false;
    this.pending.sendAll();
    if (this.account) this.#askForTicket();
    this.#chat.changed();
  }

  /** Sign in with the ticket or, if it is not valid any more, with the password or as a guest. */
  async #signInAt(connection) {
    const { name, password, isNew } = this.#credentials;
    if (this.#ticket) {
      try {
        return await connection.request(`resume,${name},${this.#ticket}`);
      } catch (error) {
        if (error.code === "lost") throw error;
        this.#ticket = "";
        if (!password) throw error;
      }
    }
    if (!password) return connection.request(`register,${name}`);
    return connection.request(`${isNew ? "register" : "login"},${name},${password}`);
  }

  async #askForTicket() {
    try {
      [this.#ticket] = (await this.request("resume")).split(",");
    } catch {
      this.#ticket = ""; // the server gives none
    }
  }

  async #catchUp(isReconnect, epoch) {
    const newest = Number(await this.request("since"));
    if (newest < this.#newestId || (isReconnect && epoch !== this.#epoch)) this.#chat.logRestarted(newest);
    this.#epoch = epoch;
    this.#newestId = newest;
    await this.#chat.caughtUp(isReconnect);
  }

  #receive(event) {
    if (this.#state === "closed") return; // the chat may already belong to another session
    if (event.id) this.noteId(event.id);
    this.#chat.receive(event);
  }

  #connectionLost(connection) {
    if (this.#connection !== connection || !this.online) return; // before that, #connect handles it
    this.#connection = null;
    this.#reconnectLater();
  }

  #reconnectLater(error) {
    this.#state = "reconnecting";
    const backoff = Math.min(MAX_RECONNECT_MS, RECONNECT_BASE_MS * 2 ** this.#attempts) * (0.7 + Math.random() * 0.6);
    this.#reconnectTimer = setTimeout(() => this.#reconnect(), this.#attempts ? backoff : FIRST_RECONNECT_MS);
    this.#attempts += 1;
    this.#chat.reconnecting(error);
  }

  async #reconnect() {
    clearTimeout(this.#reconnectTimer);
    try {
      await this.#connect();
    } catch (error) {
      if (this.#state === "closed") return;
      const isFinal = FINAL_CODES.has(error.code) || (error.code === "name-taken" && this.account);
      if (isFinal) this.#chat.shutOut(describeError(error));
      else this.#reconnectLater(error);
    }
  }
}
