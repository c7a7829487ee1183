// The panel about the shown room: its topic and its members.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";

const fitsBeside = matchMedia("(min-width: 70rem)"); // on smaller screens the panel covers the conversation

export class Details {
  #chat;
  #onChange;
  #isWanted = fitsBeside.matches;
  #shown = null; // the room whose topic is in the field
  #topic = ""; // as it was put into the field: if the field differs, the user is writing

  constructor(chat, { onChange }) {
    this.#chat = chat;
    this.#onChange = onChange;
    byId("details-button").onclick = () => (this.#isWanted ? this.#hide() : this.#show());
    byId("close-details").onclick = () => this.#hide();
    byId("leave").onclick = () => this.#carryOut((name) => this.#chat.leave(name));
    byId("topic-form").addEventListener("submit", (event) => {
      event.preventDefault();
      byId("topic-text").blur();
      this.#topic = byId("topic-text").value.trim();
      this.#carryOut((name) => this.#chat.setTopic(name, this.#topic));
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
    const field = byId("topic-text");
    const isWriting = this.#shown === room && field.value !== this.#topic;
    this.#shown = room;
    if (isWriting || field.value === room.topic) return;
    field.value = this.#topic = room.topic;
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
