// Where one writes.

import { byId, setText } from "./dom.js";
import { clean, escape, isRoom, LONGEST } from "./line.js";

const HELP = "There are /me, /join, /leave, /topic and /away; begin with // to say a slash";

export class Composer {
  #chat;
  #text = byId("text");
  #shown = null;

  constructor(chat, { said }) {
    this.#chat = chat;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send().then((done) => done && said());
    });
    this.#text.addEventListener("keydown", (event) => {
      const newline = event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches;
      if (event.key !== "Enter" || newline) return;
      event.preventDefault();
      byId("composer").requestSubmit();
    });
    this.#text.addEventListener("input", () => this.#fit());
  }

  focus() {
    if (!matchMedia("(pointer: coarse)").matches) this.#text.focus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation || conversation === this.#shown) return;
    if (this.#shown) this.#shown.draft = this.#text.value;
    this.#shown = conversation;
    this.#text.value = conversation.draft;
    this.#text.placeholder = `Write to ${conversation.name}`;
    setText(byId("composer-problem"), "");
    this.#fit();
  }

  /** Forget what was written, when somebody else signs in. */
  clear() {
    this.#shown = null;
    this.#text.value = "";
  }

  #fit() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
    if (this.#shown) this.#shown.draft = this.#text.value;
  }

  async #send() {
    const conversation = this.#chat.current;
    const text = clean(this.#text.value);
    if (!conversation || !text) return false;
    const problem = byId("composer-problem");
    setText(problem, "");
    const room = LONGEST - 100;
    const size = new TextEncoder().encode(escape(text) + conversation.name).length;
    if (size > room) {
      setText(problem, `This is ${size - room} bytes too long. Say it in several messages.`);
      return false;
    }
    try {
      await this.#do(conversation, text);
    } catch (error) {
      setText(problem, error.message);
      return false;
    }
    if (this.#chat.current === conversation || this.#shown === conversation) this.#text.value = "";
    conversation.draft = "";
    this.#fit();
    return true;
  }

  async #do(conversation, text) {
    const [, command, rest] = /^\/([a-z]+)(?:\s+([^]*))?$/i.exec(text) ?? [];
    if (text.startsWith("//")) this.#chat.say(conversation, "message", text.slice(1));
    else if (!text.startsWith("/")) this.#chat.say(conversation, "message", text);
    else if (command === "me" && rest) this.#chat.say(conversation, "action", rest);
    else if (command === "join" && rest) await this.#chat.join(isRoom(rest) ? rest : `#${rest}`);
    else if (command === "leave" && conversation.room) await this.#chat.leave(conversation.name);
    else if (command === "topic" && conversation.room) await this.#chat.setTopic(conversation.name, rest ?? "");
    else if (command === "away") await this.#chat.away(rest);
    else throw new Error(HELP);
  }
}
