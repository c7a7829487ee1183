// The panel that searches the shown conversation.

import { byId, create, setText } from "./dom.js";
import { createName } from "./elements.js";
import { describeError } from "./errors.js";

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class SearchPanel {
  #chat;
  #onFound;
  #words = byId("search-words");
  #opened = 0; // results that were chosen

  /** `onFound(id)` is called with the record that the user chooses, when it is in the conversation. */
  constructor(chat, { onFound }) {
    this.#chat = chat;
    this.#onFound = onFound;
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  get isShown() {
    return !byId("search-panel").hidden;
  }

  show() {
    this.#setShown(true);
    this.#words.focus();
  }

  hide() {
    this.#setShown(false);
    this.#words.value = "";
  }

  toggle() {
    if (this.isShown) this.hide();
    else this.show();
  }

  #setShown(isShown) {
    byId("search-panel").hidden = !isShown;
    byId("search-button").setAttribute("aria-expanded", String(isShown));
    byId("results").replaceChildren();
    setText(byId("result-count"), "");
  }

  async #submit() {
    const words = this.#words.value.trim();
    const conversation = this.#chat.current;
    if (!words || !conversation) return;
    const isLate = () => this.#chat.current !== conversation || this.#words.value.trim() !== words;
    setText(byId("result-count"), "Searching …");
    byId("results").replaceChildren();
    try {
      const records = await this.#chat.history.search(conversation, words);
      if (isLate()) return;
      const { length } = records;
      const found = `${length} ${length === 1 ? "message" : "messages"} found, newest first`;
      setText(byId("result-count"), length ? found : "No message has all these words. Try others.");
      byId("results").replaceChildren(...records.reverse().map((record) => this.#createResult(conversation, record)));
    } catch (error) {
      if (!isLate()) setText(byId("result-count"), describeError(error));
    }
  }

  #createResult(conversation, { id, from, time, text, session }) {
    const name = create("span", { class: "name" }, ...createName(from, session, this.#chat));
    const byline = create("span", { class: "byline" }, name, ` ${timeFormat.format(time)}`);
    const button = create("button", { type: "button" }, byline, create("span", { class: "text", dir: "auto" }, text));
    button.onclick = () => this.#open(conversation, id);
    return create("li", {}, button);
  }

  /** Show a found message among those around it, unless the user has gone on meanwhile. */
  async #open(conversation, id) {
    const number = ++this.#opened;
    const isWanted = () => this.isShown && this.#chat.current === conversation && number === this.#opened;
    const isThere = await this.#chat.history.loadAround(conversation, id, isWanted).catch((error) => {
      if (isWanted()) setText(byId("result-count"), describeError(error));
    });
    if (!isWanted() || isThere === undefined) return;
    if (isThere) {
      this.hide();
      this.#onFound(id);
    } else {
      setText(byId("result-count"), "This message is no longer there.");
    }
  }
}
