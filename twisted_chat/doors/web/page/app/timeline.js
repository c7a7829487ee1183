// The messages of the shown conversation: it lands at the first unread one, loads more as the user scrolls, follows the end.
//
// While the conversation changes, what is in sight stays where it is: the anchor, a row and its distance from the top.
// A conversation that is left keeps its anchor, and is shown there again.

import { byId, setText, updateList } from "./dom.js";
import { createElement, updateElement } from "./elements.js";
import { buildRows } from "./rows.js";

const END_MARGIN_PX = 80; // closer to the end than this counts as being there
const LOAD_MARGIN_PX = 400; // closer to an edge of the window than this loads more
const LANDING_MARGIN_PX = 48; // above the line "New" when a conversation is opened there
const HIGHLIGHT_MS = 3000;

export class Timeline {
  #chat;
  #scroller = byId("scroller");
  #list = byId("timeline");
  #shown = null;
  #isLanding = false; // the conversation was opened, and what to show first is not loaded yet
  #isAtBottom = true;

  constructor(chat) {
    this.#chat = chat;
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#list.addEventListener("click", ({ target }) => this.#onClick(target));
    byId("load-earlier").onclick = () => this.#chat.history.load(this.#chat.current, "older");
    byId("new-messages").onclick = () => this.showEnd();
    new ResizeObserver(() => this.#isAtBottom && this.#scrollToBottom()).observe(this.#scroller);
  }

  /** Show the newest messages. */
  async showEnd() {
    const { current } = this.#chat;
    this.#isLanding = false;
    this.#isAtBottom = true;
    current.unreadFrom = 0;
    if (this.#chat.session.online) await this.#chat.history.loadEnd(current).catch(() => {});
    if (this.#chat.current === current) this.#scrollToBottom();
    this.#chat.changed();
  }

  /** Scroll to the record with this id, and highlight it for a moment. */
  scrollTo(id) {
    const row = this.#row(id);
    if (!row) return;
    this.#isLanding = this.#isAtBottom = false;
    row.scrollIntoView({ block: "center" });
    row.classList.add("highlighted");
    setTimeout(() => row.classList.remove("highlighted"), HIGHLIGHT_MS);
    this.#noteAnchor();
  }

  /** True while the user sees the newest record. */
  get isRead() {
    return this.#isAtBottom && Boolean(this.#shown?.isAtEnd) && this.#isWatched;
  }

  get #isWatched() {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation) {
      this.#clear();
      return;
    }
    const isOther = this.#shown !== conversation;
    if (isOther) {
      this.#list.replaceChildren(); // labels of pending messages begin again with each session
      this.#shown = conversation;
      this.#isLanding = true;
      this.#isAtBottom = !conversation.anchor && !conversation.unreadFrom;
    }
    const anchor = isOther ? conversation.anchor : this.#findAnchor();
    this.#drawRows(conversation);
    if (this.#isLanding) this.#land(conversation);
    else if (this.#isAtBottom && conversation.isAtEnd) this.#follow();
    else this.#restore(anchor);
    this.#drawPill(conversation);
    this.#markSeen();
    queueMicrotask(() => this.#loadMore());
  }

  #clear() {
    if (!this.#shown) return;
    this.#shown = null;
    this.#list.replaceChildren();
  }

  #drawRows(conversation) {
    const { ownKey, people } = this.#chat;
    updateList(this.#list, buildRows(conversation, ownKey, people.sessionOf(conversation.name)), {
      rowKey: ({ key }) => key,
      createRow: (row) => createElement(row, this.#chat),
      updateRow: (element, row) => updateElement(element, row, this.#chat),
    });
    byId("load-earlier").hidden = conversation.older === "end";
    setText(byId("load-earlier"), conversation.older === "loading" ? "Loading earlier messages …" : "Show earlier messages");
    byId("beginning").hidden = conversation.older !== "end";
  }

  #drawPill(conversation) {
    const { unread, isAtEnd } = conversation;
    const pill = byId("new-messages");
    pill.hidden = this.#isLanding || (isAtEnd && (this.#isAtBottom || !unread));
    setText(pill, unread ? `${unread > 99 ? "99+" : unread} new ${unread === 1 ? "message" : "messages"}` : "Go to the newest messages");
  }

  // where the user is

  #row(key) {
    return this.#list.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  /** Show the line "New", or where the user was, or the end; again at each drawing until the records are there. */
  #land(conversation) {
    const divider = this.#row("divider");
    if (divider) {
      this.#scroller.scrollTop += this.#distance(divider) - LANDING_MARGIN_PX;
      this.#isAtBottom = this.#measureBottom();
    } else if (!conversation.unreadFrom && conversation.anchor) {
      this.#restore(conversation.anchor);
    } else {
      this.#scrollToBottom();
    }
    const isLoading = conversation.older === "loading" || conversation.newer === "loading";
    this.#isLanding = isLoading || (!divider && conversation.unread > 0 && conversation.older !== "end" && !conversation.records.length);
  }

  /** Follow the end of the conversation; while nobody looks, stop where the unread messages begin. */
  #follow() {
    const divider = this.#isWatched ? null : this.#row("divider");
    const room = divider ? this.#distance(divider) - LANDING_MARGIN_PX : Infinity;
    const bottom = this.#scroller.scrollHeight - this.#scroller.clientHeight - this.#scroller.scrollTop;
    this.#scroller.scrollTop += Math.min(bottom, Math.max(0, room));
    this.#isAtBottom = this.#measureBottom();
  }

  #scrollToBottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#isAtBottom = true;
  }

  #distance(row) {
    return row.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  /** Return the first row in sight, and its distance from the top. */
  #findAnchor() {
    const rows = this.#list.children;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#distance(rows[middle]) + rows[middle].offsetHeight <= 0) low = middle + 1;
      else high = middle;
    }
    const row = rows[low];
    return row ? { key: row.dataset.key, top: this.#distance(row) } : null;
  }

  #restore(anchor) {
    const row = anchor && this.#row(anchor.key);
    if (row) this.#scroller.scrollTop += this.#distance(row) - anchor.top;
    this.#isAtBottom = this.#measureBottom();
  }

  #noteAnchor() {
    this.#shown.anchor = this.#isAtBottom && this.#shown.isAtEnd ? null : this.#findAnchor();
  }

  #measureBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < END_MARGIN_PX;
  }

  #onScroll() {
    if (!this.#shown || this.#shown !== this.#chat.current || this.#isLanding) return;
    this.#isAtBottom = this.#measureBottom();
    this.#noteAnchor();
    this.#drawPill(this.#shown);
    this.#markSeen();
    this.#loadMore();
  }

  /** Move the read marker to the last record in sight. */
  #markSeen() {
    if (!this.#isWatched || this.#isLanding || !this.#chat.session?.online) return;
    if (this.isRead) {
      if (this.#shown.newestId) this.#chat.unread.markRead(this.#shown, this.#shown.newestId);
      return;
    }
    const height = this.#scroller.clientHeight;
    for (let row = this.#list.lastElementChild; row; row = row.previousElementSibling) {
      const id = Number(row.dataset.key);
      if (Number.isInteger(id) && this.#distance(row) + row.offsetHeight <= height + 1) {
        this.#chat.unread.markRead(this.#shown, id);
        return;
      }
    }
  }

  /** Load the next page at an edge that is near. */
  #loadMore() {
    const conversation = this.#chat.current;
    if (!conversation || conversation !== this.#shown || this.#isLanding || !this.#chat.session?.online) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight < LOAD_MARGIN_PX) this.#chat.history.load(conversation, "newer");
    if (scrollTop < LOAD_MARGIN_PX && conversation.newer !== "loading") this.#chat.history.load(conversation, "older");
  }

  /** Carry out a button of a failed message. */
  #onClick(target) {
    const { action } = target.dataset;
    if (!action) return;
    const { key } = target.closest("li").dataset;
    const message = this.#shown.pending.find(({ label }) => label === key);
    if (!message) return;
    if (action === "retry") this.#chat.session.pending.retry(message);
    else this.#chat.session.pending.discard(message);
    this.#chat.changed();
  }
}
