// The messages of the shown conversation: it loads history as the user scrolls up, and follows new messages at the end.

import { byId, setText, updateList } from "./dom.js";
import { createElement, updateElement } from "./elements.js";
import { buildRows } from "./rows.js";

const END_MARGIN_PX = 80; // closer to the end than this counts as being there
const LOAD_MARGIN_PX = 320; // closer to the start than this loads older records
const HIGHLIGHT_MS = 3000;

export class Timeline {
  #chat;
  #scroller = byId("scroller");
  #list = byId("timeline");
  #shown = null;
  #oldestId = 0;
  #atEnd = true;

  constructor(chat) {
    this.#chat = chat;
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#list.addEventListener("click", ({ target }) => this.#onClick(target));
    byId("load-earlier").onclick = () => this.#chat.history.loadOlder(this.#chat.current);
    byId("new-messages").onclick = () => this.scrollToEnd();
    new ResizeObserver(() => this.#atEnd && this.scrollToEnd()).observe(this.#scroller);
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    byId("new-messages").hidden = true;
  }

  /** Scroll to the record with this id, and highlight it for a moment. */
  scrollTo(id) {
    const row = this.#list.querySelector(`[data-key="${id}"]`);
    if (!row) return;
    this.#atEnd = false;
    row.scrollIntoView({ block: "center" });
    row.classList.add("highlighted");
    setTimeout(() => row.classList.remove("highlighted"), HIGHLIGHT_MS);
  }

  /** True while the user sees the newest record. */
  get isRead() {
    return this.#atEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation) return;
    const isOther = this.#shown !== conversation;
    if (isOther) this.#list.replaceChildren(); // labels of pending messages begin again with each session
    else if (this.#atEnd) conversation.trim();
    this.#shown = conversation;
    const belowPx = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const hasOlder = conversation.oldestId < this.#oldestId;
    this.#oldestId = conversation.oldestId;
    const lastKey = this.#list.lastElementChild?.dataset.key;

    this.#drawRows(conversation);

    if (isOther || this.#atEnd) this.scrollToEnd();
    else if (hasOlder) this.#scroller.scrollTop = this.#scroller.scrollHeight - belowPx; // what is in sight stays there
    else if (lastKey !== this.#list.lastElementChild?.dataset.key) byId("new-messages").hidden = false;
    const hasRoom = this.#scroller.scrollHeight <= this.#scroller.clientHeight;
    if (isOther || hasRoom) queueMicrotask(() => this.#loadOlder(conversation));
  }

  #drawRows(conversation) {
    const isComplete = conversation.history === "complete";
    updateList(this.#list, buildRows(conversation), {
      rowKey: ({ key }) => key,
      createRow: (row) => createElement(row, this.#chat.ownKey),
      updateRow: updateElement,
    });
    byId("load-earlier").hidden = isComplete;
    setText(byId("load-earlier"), conversation.history === "loading" ? "Loading earlier messages …" : "Show earlier messages");
    byId("beginning").hidden = !isComplete;
  }

  #onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < END_MARGIN_PX;
    if (this.#atEnd) {
      byId("new-messages").hidden = true;
      if (this.isRead && this.#chat.current) this.#chat.markRead(this.#chat.current);
    }
    if (scrollTop < LOAD_MARGIN_PX && this.#shown) this.#loadOlder(this.#shown);
  }

  #loadOlder(conversation) {
    if (conversation !== this.#chat.current || !this.#chat.session?.online) return;
    if (conversation.history === "partial") this.#chat.history.loadOlder(conversation);
  }

  /** Carry out a button of a failed message. */
  #onClick(target) {
    const { action } = target.dataset;
    if (!action) return;
    const { key } = target.closest("li").dataset;
    const message = this.#shown.pending.find(({ label }) => label === key);
    if (action === "retry") this.#chat.session.pending.retry(message);
    else this.#chat.session.pending.discard(message);
    this.#chat.changed();
  }
}
