// The form in which the user writes messages and commands.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";
import { cleanText, escapeText, isRoom, MAX_LINE_BYTES } from "./line.js";

const REQUEST_OVERHEAD_BYTES = 100; // for the label, the verb and the commas of the request
const WRONG_COMMAND =
  "This command does not work here. Use /me, /join, /leave, /topic or /away, or // to send a slash.";

const isTouchScreen = () => matchMedia("(pointer: coarse)").matches;

export class Composer {
  #chat;
  #onSent;
  #textArea = byId("message-text");
  #shown = null; // the conversation whose draft is in the text area

  constructor(chat, { onSent }) {
    this.#chat = chat;
    this.#onSent = onSent;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#textArea.addEventListener("keydown", (event) => {
      const isLineBreak = event.shiftKey || event.isComposing || isTouchScreen();
      if (event.key !== "Enter" || isLineBreak) return;
      event.preventDefault();
      byId("composer").requestSubmit();
    });
    this.#textArea.addEventListener("input", () => this.#resize());
  }

  /** Focus the text area, except on a touch screen, where the keyboard would cover the page. */
  focus() {
    if (!isTouchScreen()) this.#textArea.focus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation || conversation === this.#shown) return;
    if (this.#shown) this.#shown.draft = this.#textArea.value;
    this.#shown = conversation;
    this.#textArea.value = conversation.draft;
    this.#textArea.placeholder = `Write to ${conversation.name}`;
    this.#showError("");
    this.#resize();
  }

  /** Forget the text, for the next user who signs in. */
  clear() {
    this.#shown = null;
    this.#textArea.value = "";
  }

  #showError(sentence) {
    setText(byId("composer-error"), sentence);
  }

  #resize() {
    this.#textArea.style.height = "auto";
    this.#textArea.style.height = `${this.#textArea.scrollHeight + 2}px`;
    if (this.#shown) this.#shown.draft = this.#textArea.value;
  }

  async #submit() {
    const conversation = this.#chat.current;
    const text = cleanText(this.#textArea.value);
    if (!conversation || !text) return;
    this.#showError("");
    const excess =
      new TextEncoder().encode(escapeText(text) + conversation.name).length - (MAX_LINE_BYTES - REQUEST_OVERHEAD_BYTES);
    if (excess > 0) {
      this.#showError(`The message is ${excess} bytes too long. Split it into several messages.`);
      return;
    }
    try {
      await this.#carryOut(conversation, text);
    } catch (error) {
      this.#showError(describeError(error));
      return;
    }
    if (this.#chat.current === conversation || this.#shown === conversation) this.#textArea.value = "";
    conversation.draft = "";
    this.#resize();
    this.#onSent();
  }

  async #carryOut(conversation, text) {
    const [, command, rest] = /^\/([a-z]+)(?:\s+([^]*))?$/i.exec(text) ?? [];
    if (text.startsWith("//")) this.#chat.say(conversation, "message", text.slice(1));
    else if (!text.startsWith("/")) this.#chat.say(conversation, "message", text);
    else if (command === "me" && rest) this.#chat.say(conversation, "action", rest);
    else if (command === "join" && rest) await this.#chat.join(isRoom(rest) ? rest : `#${rest}`);
    else if (command === "leave" && conversation.isRoom) await this.#chat.leave(conversation.name);
    else if (command === "topic" && conversation.isRoom) await this.#chat.setTopic(conversation.name, rest ?? "");
    else if (command === "away") await this.#chat.setAway(rest);
    else throw new Error(WRONG_COMMAND);
  }
}
