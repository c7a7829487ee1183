// One WebSocket: requests with labels, their answers, and the events that the server sends by itself.
//
// state       event                                → state    action
// connecting  the WebSocket opens                  → open     resolve `opened`
// connecting  OPEN_TIMEOUT_MS pass                 → closed
// open        a line arrives                       → open     start QUIET_MS again
// open        QUIET_MS pass, or check() is called  → probing  send a ping
// probing     a line arrives                       → open
// probing     PING_TIMEOUT_MS pass                 → closed
// any         the WebSocket or close() closes it   → closed   reject `opened` and every request, call `onClose`

import { RequestError } from "./errors.js";
import { parseEvent, parseLine } from "./line.js";

const OPEN_TIMEOUT_MS = 10_000;
const QUIET_MS = 45_000;
const PING_TIMEOUT_MS = 10_000;

export const lostError = () => new RequestError("lost", "the connection to the server is lost");

export class Connection {
  /** @type {"connecting" | "open" | "probing" | "closed"} */
  #state;
  #timer; // the timeout of the state
  #socket;
  // labels are new after each start: the server knows those that this tab has used before
  #labelPrefix = `q${Math.random().toString(36).slice(2, 10)}-`;
  #requests = new Map(); // label → the request that waits for its answer
  #lastLabel = 0;
  #onEvent;
  #onClose;
  #resolveOpened;
  #rejectOpened;

  /** Connect to `url`. `onEvent(event)` is called for each event of the server, `onClose()` once. */
  constructor(url, { onEvent, onClose }) {
    this.#onEvent = onEvent;
    this.#onClose = onClose;
    /** Resolves when the WebSocket is open; rejects with a RequestError if it never will be. */
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.opened.catch(() => {});
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => {
      this.#enter("open");
      this.#resolveOpened();
    };
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = () => this.close();
    this.#enter("connecting");
  }

  get isClosed() {
    return this.#state === "closed";
  }

  /**
   * Send a request. Resolves with the fields of the answer as one text; rejects with a RequestError.
   * `onRecord(record)` is called for each record that comes before the answer.
   */
  request(line, { label = `${this.#labelPrefix}${++this.#lastLabel}`, onRecord = () => {} } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(lostError());
        return;
      }
      this.#requests.set(label, { resolve, reject, onRecord });
      this.#socket.send(`@${label} ${line}`);
    });
  }

  /** Close the connection unless the server answers a ping in time. */
  check() {
    if (this.#state !== "open") return;
    this.#enter("probing");
    this.request("ping,there").catch(() => {});
  }

  /** Close the connection; a second call does nothing. */
  close() {
    if (this.#state === "closed") return;
    this.#enter("closed");
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#rejectOpened(lostError());
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { reject } of requests) reject(lostError());
    this.#onClose();
  }

  #enter(state) {
    clearTimeout(this.#timer);
    this.#state = state;
    if (state === "connecting") this.#timer = setTimeout(() => this.close(), OPEN_TIMEOUT_MS);
    else if (state === "open") this.#timer = setTimeout(() => this.check(), QUIET_MS);
    else if (state === "probing") this.#timer = setTimeout(() => this.close(), PING_TIMEOUT_MS);
  }

  #receive(text) {
    this.#enter("open");
    const line = parseLine(text);
    if (line.label) this.#receiveAnswer(line);
    else if (line.verb === "ping") this.#socket.send(`pong,${line.rest}`);
    else if (line.verb !== "ok" && line.verb !== "error") this.#onEvent(parseEvent(line));
  }

  #receiveAnswer(line) {
    const { label, verb, rest } = line;
    const request = this.#requests.get(label);
    if (!request) return;
    if (verb === "ok") {
      this.#requests.delete(label);
      request.resolve(rest);
    } else if (verb === "error") {
      this.#requests.delete(label);
      const comma = rest.indexOf(",");
      request.reject(new RequestError(rest.slice(0, comma), rest.slice(comma + 1)));
    } else {
      request.onRecord(parseEvent(line));
    }
  }
}
