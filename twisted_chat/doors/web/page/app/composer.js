// The form in which the user writes messages and commands.
//
// What was sent leaves the text area at once. A late answer never moves, clears or sends what was typed since:
// the text of a command that failed comes back only into an empty text area.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";
import { cleanText, escapeText, isRoom, MAX_LINE_BYTES } from "./line.js";

const MAX_PASTE_LENGTH = 64 * 1024;
const REQUEST_OVERHEAD_BYTES = 100; // for the label, the verb and the commas of the request
const WRONG_COMMAND =
  "This command does not work here. Use /me, /join, /leave, /topic or /away, or // to send a slash.";

const isTouchScreen = () => matchMedia("(pointer: coarse)").matches;

export class Composer {
  #chat;
  #onSent;
  #onJoined;
  #textArea = byId("message-text");
  #shown = null; // the conversation whose draft is in the text area

  /** `onSent()` is called for each message that is on its way, `onJoined(name)` when the user may be shown a room. */
  constructor(chat, { onSent, onJoined }) {
    this.#chat = chat;
    this.#onJoined = onJoined;
    this.#onSent = onSent;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#textArea.addEventListener("keydown", (event) => {
      const isConversion = event.isComposing || event.keyCode === 229; // Safari ends a composition before this event
      if (event.key !== "Enter" || event.shiftKey || isConversion || isTouchScreen()) return;
      event.preventDefault();
      byId("composer").requestSubmit();
    });
    this.#textArea.addEventListener("input", () => this.#resize());
    this.#textArea.addEventListener("paste", (event) => this.#insert(event, event.clipboardData));
    this.#textArea.addEventListener("drop", (event) => this.#insert(event, event.dataTransfer));
    // the button must not take the focus: a phone would fold the keyboard away
    for (const kind of ["pointerdown", "mousedown"]) byId("send").addEventListener(kind, (event) => event.preventDefault());
  }

  /** Focus the text area, except on a touch screen, where the keyboard would cover the page. */
  focus() {
    if (!isTouchScreen()) this.#textArea.focus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation || conversation === this.#shown) return;
    this.#shown = conversation;
    this.#textArea.value = conversation.draft;
    this.#textArea.placeholder = `Write to ${conversation.name}`;
    this.#showError("");
    this.#resize();
  }

  /** Forget the text, for the next user who signs in. */
  clear() {
    this.#shown = null;
    this.#textArea.value = this.#textArea.placeholder = "";
    this.#showError("");
  }

  #showError(sentence) {
    setText(byId("composer-error"), sentence);
  }

  #resize() {
    this.#textArea.style.height = "auto";
    this.#textArea.style.height = `${this.#textArea.scrollHeight + 2}px`;
    if (this.#shown) this.#shown.draft = this.#textArea.value;
  }

  /** Keep what can never be sent out of the text area, pasted or dropped: it would freeze the page. */
  #insert(event, data) {
    const length = data?.getData("text").length ?? 0;
    if (length <= MAX_PASTE_LENGTH) return;
    event.preventDefault();
    this.#showError(`The text is too long: ${length} characters. A message has at most 16 KiB.`);
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
    this.#set("");
    try {
      await this.#carryOut(conversation, text);
    } catch (error) {
      this.#failed(conversation, text, describeError(error));
    }
  }

  /** Show why a command has failed, and give its text back if nothing else was written since. */
  #failed(conversation, text, sentence) {
    if (this.#shown !== conversation) {
      conversation.draft ||= text;
      conversation.addNote(sentence);
      this.#chat.changed();
      return;
    }
    if (!this.#textArea.value) this.#set(text);
    this.#showError(sentence);
  }

  #set(text) {
    this.#textArea.value = text;
    this.#resize();
  }

  async #carryOut(conversation, text) {
    const [, command, rest] = /^\/([a-z]+)(?:\s+([^]*))?$/i.exec(text) ?? [];
    if (text.startsWith("//")) this.#say(conversation, "message", text.slice(1));
    else if (!text.startsWith("/")) this.#say(conversation, "message", text);
    else if (command === "me" && rest) this.#say(conversation, "action", rest);
    else if (command === "join" && rest) await this.#join(conversation, isRoom(rest) ? rest : `#${rest}`);
    else if (command === "leave" && conversation.isRoom) await this.#chat.leave(conversation.name);
    else if (command === "topic" && conversation.isRoom) await this.#chat.setTopic(conversation.name, rest ?? "");
    else if (command === "away") await this.#chat.setAway(rest);
    else throw new Error(WRONG_COMMAND);
  }

  #say(conversation, kind, text) {
    this.#chat.say(conversation, kind, text);
    this.#onSent();
  }

  /** Join a room, and show it unless the user has gone on meanwhile. */
  async #join(conversation, name) {
    await this.#chat.join(name);
    const hasGoneOn = this.#shown !== conversation || this.#textArea.value;
    if (hasGoneOn) conversation.addNote(`You are now in ${name}.`);
    else this.#onJoined(name);
    this.#chat.changed();
  }
}
