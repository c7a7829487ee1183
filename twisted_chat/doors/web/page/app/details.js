// The panel about the shown room: its topic and its members.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";

const fitsBeside = matchMedia("(min-width: 70rem)"); // on smaller screens the panel covers the conversation

export class Details {
  #chat;
  #onChange;
  #isWanted = fitsBeside.matches;
  #topicField = byId("topic-text");

  constructor(chat, { onChange }) {
    this.#chat = chat;
    this.#onChange = onChange;
    byId("details-button").onclick = () => (this.#isWanted ? this.#hide() : this.#show());
    byId("close-details").onclick = () => this.#hide();
    byId("leave").onclick = () => this.#carryOut((name) => this.#chat.leave(name));
    byId("topic-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#topicField.blur();
      this.#setTopic(this.#chat.current);
    });
    this.#topicField.addEventListener("input", () => {
      const { current } = this.#chat;
      current.topicDraft = this.#topicField.value === current.topic ? null : this.#topicField.value;
    });
  }

  get isShown() {
    return this.#isWanted && Boolean(this.#chat.current?.isRoom);
  }

  /** Hide the panel if it covers the conversation. */
  hideIfOverlay() {
    if (!this.#isWanted || fitsBeside.matches) return;
    this.#isWanted = false;
    this.#onChange();
  }

  draw() {
    const { current } = this.#chat;
    const button = byId("details-button");
    button.hidden = !current?.isRoom;
    if (current?.isRoom) setText(button, `${current.members.size} ${current.members.size === 1 ? "member" : "members"}`);
    button.setAttribute("aria-expanded", String(this.isShown));
    byId("details").hidden = !this.isShown;
    if (this.isShown) this.#drawTopic(current);
  }

  #drawTopic(room) {
    const text = room.topicDraft ?? room.topic;
    if (this.#topicField.value !== text) this.#topicField.value = text;
  }

  /** Set the topic that was typed; what is typed until the answer comes, or if the server refuses it, stays. */
  #setTopic(room) {
    const typed = this.#topicField.value;
    this.#carryOut(async (name) => {
      await this.#chat.setTopic(name, typed.trim());
      if (room.topicDraft === typed) room.topicDraft = null;
    });
  }

  #show() {
    this.#isWanted = true;
    this.#onChange();
    byId("close-details").focus();
  }

  #hide() {
    this.#isWanted = false;
    this.#onChange();
    byId("details-button").focus();
  }

  /** Carry out an action on the shown room; if it fails, say in that room why. */
  #carryOut(action) {
    const room = this.#chat.current;
    action(room.name)
      .catch((error) => room.addNote(describeError(error)))
      .finally(this.#onChange);
  }
}
