// The panel about the shown room: its topic and its members.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";

const fitsBeside = matchMedia("(min-width: 70rem)"); // on smaller screens the panel covers the conversation

export class Details {
  #chat;
  #onChange;
  #isWanted = fitsBeside.matches;

  constructor(chat, { onChange }) {
    this.#chat = chat;
    this.#onChange = onChange;
    byId("details-button").onclick = () => (this.#isWanted ? this.#hide() : this.#show());
    byId("close-details").onclick = () => this.#hide();
    byId("leave").onclick = () => this.#carryOut(this.#chat.leave(this.#chat.current.name));
    byId("topic-form").addEventListener("submit", (event) => {
      event.preventDefault();
      byId("topic-text").blur();
      this.#carryOut(this.#chat.setTopic(this.#chat.current.name, byId("topic-text").value.trim()));
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
    if (this.isShown && document.activeElement !== byId("topic-text")) byId("topic-text").value = current.topic;
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

  /** Show in the conversation why an action has failed. */
  #carryOut(action) {
    action.catch((error) => this.#chat.current?.addNote(describeError(error))).finally(this.#onChange);
  }
}
