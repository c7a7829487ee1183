// The list of conversations, and who else is here.

import { byId, h, keyed, setText } from "./dom.js";
import { keyOf } from "./line.js";

export class Sidebar {
  #chat;

  constructor(chat) {
    this.#chat = chat;
    for (const list of [byId("rooms"), byId("talks"), byId("others"), byId("members")])
      list.addEventListener("click", ({ target }) => {
        const button = target.closest("button");
        if (button) document.dispatchEvent(new CustomEvent("choose", { detail: button.dataset.name }));
      });
  }

  /** The conversations in the order in which they stand. */
  get order() {
    return [...byId("rooms").children, ...byId("talks").children].map((row) => row.firstElementChild.dataset.name);
  }

  draw() {
    const chat = this.#chat;
    const all = [...chat.conversations.values()];
    const rooms = all.filter(({ room }) => room).sort(byName);
    const talks = all.filter(({ room, records, waiting, draft, seen }) => !room && (records.length || waiting.length || draft || seen));
    if (chat.current && !chat.current.room && !talks.includes(chat.current)) talks.push(chat.current);
    talks.sort((one, other) => other.newest - one.newest || byName(one, other));
    const known = new Set(talks.map(({ key }) => key));
    const others = [...chat.friends].filter(([key]) => key !== chat.me && !known.has(key)).map(([, name]) => ({ name }));
    others.sort(byName);
    this.#list("rooms", rooms);
    this.#list("talks", talks);
    this.#list("others", others.slice(0, 200));
    byId("no-rooms").hidden = rooms.length > 0;
    byId("no-talks").hidden = talks.length > 0 || !others.length;
    byId("others-heading").hidden = !others.length;
    setText(byId("my-name"), chat.session?.name ?? "");
    setText(byId("my-kind"), chat.session?.account ? "account" : "guest");
  }

  /** The people of the room that is shown. */
  drawMembers(conversation) {
    const members = [...conversation.members.values()].map((name) => ({ name })).sort(byName);
    this.#list("members", members);
  }

  #list(id, items) {
    keyed(byId(id), items, ({ name }) => name, make, (row, item) => this.#update(row, item));
  }

  #update(row, { name, key, room }) {
    const chat = this.#chat;
    const [button] = row.children;
    const [label, presence, count] = button.children;
    const here = room || chat.isHere(name);
    const me = keyOf(name) === chat.me;
    setText(label, me ? `${name} (you)` : name);
    button.classList.toggle("absent", !here);
    setText(presence, room ? "" : here ? ", here" : ", not here");
    const conversation = chat.find(name);
    const unread = key === undefined ? 0 : (conversation?.unread(chat.me) ?? 0);
    button.classList.toggle("unread", unread > 0);
    button.classList.toggle("mentioned", unread > 0 && Boolean(conversation?.mentioned));
    setText(count, unread ? (unread > 99 ? "99+" : String(unread)) : "");
    if (unread) count.setAttribute("aria-label", `${unread} unread`);
    else count.removeAttribute("aria-label");
    count.hidden = !unread;
    if (chat.current && chat.current === conversation && key !== undefined) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function make({ name }) {
  const room = name.startsWith("#");
  return h(
    "li",
    {},
    h("button", { type: "button", class: room ? "room" : "person", "data-name": name },
      h("span", { class: "label" }), h("span", { class: "unseen" }), h("span", { class: "count", role: "img" })),
  );
}

const byName = (one, other) => one.name.localeCompare(other.name);
