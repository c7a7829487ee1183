// A list of thousands of rows of one height, of which only those in view are elements of the page.

import { updateList } from "./dom.js";

const MARGIN_ROWS = 12; // above and below what is in view

export class LongList {
  #list;
  #scroller;
  #items = [];
  #rowHeight = 0;
  #callbacks;

  /** `scroller` is the element that scrolls the list; `createRow` and `updateRow` are as for updateList. */
  constructor(list, scroller, { createRow, updateRow }) {
    this.#list = list;
    this.#scroller = scroller;
    this.#callbacks = { rowKey: ({ name }) => name, createRow, updateRow };
    scroller.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(scroller);
  }

  /** Show these items, `{ name }` each. */
  set(items) {
    this.#items = items;
    this.#draw();
  }

  #draw() {
    const count = this.#items.length;
    if (!this.#list.checkVisibility?.() && !this.#list.offsetParent) return;
    this.#rowHeight ||= this.#measure();
    const above = this.#scroller.getBoundingClientRect().top - this.#list.getBoundingClientRect().top;
    const inView = Math.ceil(this.#scroller.clientHeight / this.#rowHeight) + 1;
    const first = Math.min(Math.max(0, Math.floor(above / this.#rowHeight) - MARGIN_ROWS), Math.max(0, count - 1));
    const last = Math.min(count, Math.max(0, Math.floor(above / this.#rowHeight)) + inView + MARGIN_ROWS);
    this.#list.style.paddingTop = `${first * this.#rowHeight}px`;
    this.#list.style.paddingBottom = `${Math.max(0, count - last) * this.#rowHeight}px`;
    updateList(this.#list, this.#items.slice(first, last), this.#callbacks);
    [...this.#list.children].forEach((row, index) => {
      row.setAttribute("aria-setsize", count);
      row.setAttribute("aria-posinset", first + index + 1);
    });
  }

  #measure() {
    updateList(this.#list, this.#items.slice(0, 1), this.#callbacks);
    return this.#list.firstElementChild?.getBoundingClientRect().height || 36;
  }
}
