// One WebSocket: requests with labels, their answers, and what the server says on its own.

import { parse, parseEvent } from "./line.js";

const OPENS = 10_000;
const QUIET = 45_000;
const ANSWERS = 10_000;

/** Why a request was not carried out: the protocol's code, or `lost` when the connection went first. */
export class Problem extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

/** An error's sentence without its advice on what to type, which one does not do here. */
const forReaders = (sentence) => sentence.replace(/; [a-z]+,.*$/, "");

const lost = () => new Problem("lost", "the connection to the server is lost");

/** `onEvent(event)` is called for what nobody asked for, `onEnd()` once. A server that is silent too long is given up. */
export class Connection {
  #socket;
  #asked = new Map();
  #number = 0;
  #opened;
  #fail;
  #events;
  #ended;
  #timer;

  constructor(url, { onEvent, onEnd }) {
    this.#events = onEvent;
    this.#ended = onEnd;
    this.#socket = new WebSocket(url);
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.onopen = () => {
        this.#listen();
        resolve();
      };
      this.#fail = () => reject(lost());
    });
    this.#opened.catch(() => {});
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = () => this.end();
    this.#timer = setTimeout(() => this.end(), OPENS);
  }

  /** Resolves when it is there; rejects with a Problem. */
  get opened() {
    return this.#opened;
  }

  /** Ask something: resolves with the answer's fields, as one text; `each` is called with the records before it. */
  request(line, { label = `q${++this.#number}`, each = () => {} } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject(lost());
        return;
      }
      this.#asked.set(label, { resolve, reject, each });
      this.#socket.send(`@${label} ${line}`);
    });
  }

  /** Whether the server still answers; the connection is ended if not. */
  check() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), ANSWERS);
    this.request("ping,there").catch(() => {});
  }

  /** End it; the second time nothing happens. */
  end() {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    clearTimeout(this.#timer);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#fail();
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(lost());
    this.#ended();
  }

  #listen() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.check(), QUIET);
  }

  #take(line) {
    this.#listen();
    const said = parse(line);
    const asked = this.#asked.get(said.label);
    if (!said.label) {
      if (said.verb === "ping") this.#socket.send(`pong,${said.rest}`);
      else if (said.verb !== "ok" && said.verb !== "error") this.#events(parseEvent(said));
    } else if (asked && said.verb === "ok") {
      this.#asked.delete(said.label);
      asked.resolve(said.rest);
    } else if (asked && said.verb === "error") {
      this.#asked.delete(said.label);
      const comma = said.rest.indexOf(",");
      asked.reject(new Problem(said.rest.slice(0, comma), forReaders(said.rest.slice(comma + 1))));
    } else if (asked) {
      asked.each(parseEvent(said));
    }
  }
}
