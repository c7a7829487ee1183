// The conversation that is shown: what was said, by whom, when, with history as one scrolls up.

import { byId, h, keyed, setText } from "./dom.js";
import { isSpoken, keyOf } from "./line.js";

const TOGETHER = 5 * 60_000; // what one says within this long stands under one name
const NEAR = 80; // pixels from an end that count as being there

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayWithYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export class Timeline {
  #chat;
  #scroller = byId("scroller");
  #list = byId("timeline");
  #shown = null;
  #oldest = 0;
  #atEnd = true;

  constructor(chat) {
    this.#chat = chat;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("earlier").onclick = () => this.#chat.history.older(this.#chat.current);
    byId("newer").onclick = () => this.toEnd();
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.#scroller);
  }

  /** Go to the newest. */
  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    byId("newer").hidden = true;
  }

  /** Show a record, found by its id, and mark it for a moment. */
  show(id) {
    const row = this.#list.querySelector(`[data-key="${id}"]`);
    if (!row) return;
    this.#atEnd = false;
    row.scrollIntoView({ block: "center" });
    row.classList.add("found");
    setTimeout(() => row.classList.remove("found"), 3000);
  }

  /** Whether the newest is in sight of somebody who looks. */
  get isRead() {
    return this.#atEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  draw() {
    const conversation = this.#chat.current;
    if (!conversation) return;
    const another = this.#shown !== conversation;
    if (this.#atEnd && !another) conversation.trim();
    this.#shown = conversation;
    const below = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const earlier = conversation.oldest < this.#oldest;
    this.#oldest = conversation.oldest;
    const last = this.#list.lastElementChild?.dataset.key;

    keyed(this.#list, rows(conversation), ({ key }) => key, (row) => this.#make(row), update);
    byId("earlier").hidden = conversation.complete;
    setText(byId("earlier"), conversation.loading ? "Looking further back …" : "Show what was said before");
    byId("beginning").hidden = !conversation.complete;

    if (another || this.#atEnd) this.toEnd();
    else if (earlier) this.#scroller.scrollTop = this.#scroller.scrollHeight - below;
    else if (last !== this.#list.lastElementChild?.dataset.key) byId("newer").hidden = false;
    if (another || this.#scroller.scrollHeight <= this.#scroller.clientHeight) queueMicrotask(() => this.#fill(conversation));
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd) {
      byId("newer").hidden = true;
      if (this.isRead && this.#chat.current) this.#chat.read(this.#chat.current);
    }
    if (scrollTop < NEAR * 4 && this.#shown) this.#fill(this.#shown);
  }

  #fill(conversation) {
    if (conversation === this.#chat.current && conversation.opened && this.#chat.session?.online) this.#chat.history.older(conversation);
  }

  #make({ record, said, moves }) {
    if (moves) return h("li", { class: "event" }, h("span", {}));
    if (record?.kind === "day") return h("li", { class: "day" }, h("h2", {}, record.text));
    if (record?.kind === "divider") return h("li", { class: "divider" }, h("span", {}, "New"));
    if (record && !isSpoken(record)) return h("li", { class: "event" }, h("span", {}, sentence(record)));
    const { from, time, text, kind } = record ?? said;
    const when = h("time", { dateTime: new Date(time).toISOString(), title: full.format(time) }, clock.format(time));
    const body = h("div", { class: "text" });
    if (kind === "action") body.append(h("span", { class: "actor" }, from), " ");
    body.append(...linked(text));
    const row = h("li", { class: `said ${kind}` }, h("div", { class: "by" }, h("span", { class: "name" }, from), " ", when), body);
    if (keyOf(from) === this.#chat.me) row.classList.add("own");
    else if (record?.mention && record.to.startsWith("#")) row.classList.add("mention");
    if (said) row.append(h("div", { class: "state", role: "status" }));
    if (said) row.addEventListener("click", (event) => this.#decide(event, said));
    return row;
  }

  #decide({ target }, said) {
    if (target.dataset.do === "retry") this.#chat.session.retry(said);
    else if (target.dataset.do === "drop") this.#chat.session.drop(said);
    this.#chat.changed();
  }
}

/** What stands in the list: records, days and the divider between them, and what is not acknowledged yet. */
function rows(conversation) {
  const made = [];
  let date = "";
  let divided = !conversation.divider;
  let before = null;
  for (const record of conversation.records) {
    const its = new Date(record.time).toDateString();
    if (its !== date && record.kind !== "note") {
      date = its;
      before = null;
      made.push({ key: `day ${its}`, record: { kind: "day", text: dayOf(record.time) } });
    }
    if (!divided && isSpoken(record) && record.id > conversation.divider) {
      divided = true;
      before = null;
      made.push({ key: "divider", record: { kind: "divider" } });
    }
    const moved = record.kind === "joined" || record.kind === "left";
    const last = made.at(-1);
    if (moved && last?.moves) last.moves.push(record);
    else if (moved) made.push({ key: `moves ${record.id}`, moves: [record] });
    else made.push({ key: record.id, record, follows: follows(before, record), sent: isLast(conversation, record) });
    before = record;
  }
  for (const said of conversation.waiting) {
    made.push({ key: said.label, said, follows: follows(before, said) });
    before = said;
  }
  return made;
}

function follows(before, record) {
  if (!before || before.kind !== "message" || record.kind !== "message") return false;
  return before.from === record.from && record.time - before.time < TOGETHER;
}

/** Whether this is the last thing here, said by this page, and acknowledged. */
const isLast = (conversation, record) =>
  record.id === conversation.acknowledged && record === conversation.records.at(-1) && !conversation.waiting.length;

function update(row, { said, moves, sent, follows: under }) {
  if (moves) setText(row.firstElementChild, moved(moves));
  row.classList.toggle("follows", Boolean(under));
  if (!said && Boolean(sent) !== Boolean(row.querySelector(".sent"))) {
    if (sent) row.append(h("div", { class: "state sent" }, "Sent"));
    else row.querySelector(".sent").remove();
  }
  if (!said) return;
  row.classList.toggle("sending", said.state === "sending");
  row.classList.toggle("failed", said.state === "failed");
  const state = row.lastElementChild;
  if (state.dataset.state === said.state) return;
  state.dataset.state = said.state;
  if (said.state === "sending") state.replaceChildren("Sending …");
  else
    state.replaceChildren(
      `Not sent: ${said.reason}. `,
      h("button", { class: "link", type: "button", "data-do": "retry" }, "Send again"),
      " ",
      h("button", { class: "link", type: "button", "data-do": "drop" }, "Discard"),
    );
}

/** Who came in and who left, in a row. */
function moved(records) {
  const parts = [];
  for (const { kind, from } of records) {
    const what = kind === "joined" ? "came in" : "left";
    const part = parts.at(-1);
    if (part?.what !== what) parts.push({ what, names: [from] });
    else if (!part.names.includes(from)) part.names.push(from);
  }
  return parts.map(({ names, what }) => `${together(names)} ${what}`).join(" · ");
}

function together(names) {
  if (names.length > 3) return `${names.slice(0, 2).join(", ")} and ${names.length - 2} others`;
  return names.join(", ").replace(/, ([^,]*)$/, " and $1");
}

function sentence({ kind, from, text }) {
  if (kind === "topic") return text ? `${from} set the topic: ${text}` : `${from} took the topic away`;
  return text;
}

function dayOf(time) {
  const date = new Date(time);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return "Today";
  return (date.getFullYear() === now.getFullYear() ? day : dayWithYear).format(date);
}

function isUrl(text) {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

/** A text with its links as links. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
    let url = match[0].replace(/[.,;:!?'”’]+$/, "");
    if (url.endsWith(")") && !url.includes("(")) url = url.slice(0, -1);
    if (!isUrl(url)) continue;
    parts.push(text.slice(end, match.index), h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url));
    end = match.index + url.length;
  }
  parts.push(text.slice(end));
  return parts.filter(Boolean);
}
