// Which conversation is shown: it follows the page's address, so that Back goes back, and rooms have addresses.

import { addressOf, nameInAddress } from "./address.js";
import { isRoom, keyOf } from "./line.js";

const showsBothColumns = matchMedia("(min-width: 45rem)");

export class Navigation {
  #chat;
  #onChosen;
  #onUnknownRoom;

  /** `onChosen()` is called when another conversation is shown; `onUnknownRoom(name)` for a room that the user is not in. */
  constructor(chat, { onChosen, onUnknownRoom }) {
    this.#chat = chat;
    this.#onChosen = onChosen;
    this.#onUnknownRoom = onUnknownRoom;
    addEventListener("popstate", () => this.#follow());
  }

  /** After a sign-in: show what the address names, or what was shown before, or the newest conversation. */
  start(previous = "") {
    const conversations = [...this.#chat.conversations.values()];
    const newest = conversations.sort((a, b) => b.unread - a.unread || b.newestId - a.newestId)[0]?.name;
    const name = nameInAddress() || previous || (showsBothColumns.matches ? newest : "") || "";
    history.replaceState(null, "", addressOf(name));
    this.#show(name);
  }

  /** Show a conversation, or none for "". */
  choose(name) {
    if (keyOf(nameInAddress()) !== keyOf(name)) history.pushState(null, "", addressOf(name));
    this.#show(name);
  }

  /** Choose the conversation that stands `step` below the current one; `names` are those in the sidebar. */
  chooseNext(step, names) {
    const index = names.findIndex((name) => keyOf(name) === this.#chat.current?.key);
    const next = names[(index + step + names.length) % names.length];
    if (next) this.choose(next);
  }

  #follow() {
    if (this.#chat.session?.name) this.#show(nameInAddress());
  }

  #show(name) {
    const isUnknown = isRoom(name) && !this.#chat.find(name);
    if (!name || isUnknown) this.#chat.close();
    else this.#chat.open(name);
    this.#onChosen();
    if (isUnknown) this.#onUnknownRoom(name);
  }
}
