// The lists at the side: rooms, direct conversations, other users online, and the members of the shown room.

import { byId, create, setText, updateList } from "./dom.js";
import { isRoom, keyOf } from "./line.js";
import { LongList } from "./longlist.js";

const MAX_COUNT = 99;

export class Sidebar {
  #chat;
  #others;
  #members;

  /** `onChoose(name)` is called when the user clicks a name. */
  constructor(chat, { onChoose }) {
    this.#chat = chat;
    const callbacks = { createRow, updateRow: (row, item) => this.updateRow(row, item) };
    this.#others = new LongList(byId("others"), byId("sidebar-scroll"), callbacks);
    this.#members = new LongList(byId("members"), byId("details"), callbacks);
    for (const list of [byId("rooms"), byId("directs"), byId("others"), byId("members"), byId("found")])
      list.addEventListener("click", ({ target }) => {
        const button = target.closest("button");
        if (button) onChoose(button.dataset.name);
      });
  }

  /** The names of the conversations, from top to bottom. */
  get names() {
    return [...byId("rooms").children, ...byId("directs").children].map((row) => row.firstElementChild.dataset.name);
  }

  draw() {
    const chat = this.#chat;
    const conversations = [...chat.conversations.values()];
    const rooms = conversations.filter((conversation) => conversation.isRoom).sort(byName);
    const directs = conversations.filter((conversation) => this.#isListedDirect(conversation));
    directs.sort((a, b) => b.newestId - a.newestId); // those of which no record is known stay in the server's order
    const listed = new Set(directs.map(({ key }) => key));
    const others = chat.people.sorted().filter(({ key }) => key !== chat.ownKey && !listed.has(key));
    this.#drawList("rooms", rooms);
    this.#drawList("directs", directs);
    byId("no-rooms").hidden = rooms.length > 0;
    byId("no-directs").hidden = directs.length > 0 || !others.length;
    byId("others-heading").hidden = !others.length;
    this.#others.set(others);
    setText(byId("own-name"), chat.session?.name ?? "");
    setText(byId("own-kind"), chat.session?.account ? "account" : "guest");
  }

  /** Draw the members of a room. */
  drawMembers(conversation) {
    this.#members.set(conversation.members.sorted());
  }

  #isListedDirect(conversation) {
    if (conversation.isRoom) return false;
    return conversation === this.#chat.current || conversation.isListed || !conversation.isEmpty;
  }

  #drawList(id, items) {
    const updateRow = (row, item) => this.updateRow(row, item);
    updateList(byId(id), items, { rowKey: ({ name }) => name, createRow, updateRow });
  }

  /** Update a row; an item is a Conversation, or `{ name }` of a user or room, which shows no unread count. */
  updateRow(row, item) {
    const { name, unread = 0, mentions = 0 } = item;
    const chat = this.#chat;
    const [button] = row.children;
    const [label, presence, count] = button.children;
    const [shown, mark] = label.children;
    const isUser = !isRoom(name);
    const isAbsent = isUser && !chat.isOnline(name);
    const isOwn = keyOf(name) === chat.ownKey;
    setText(shown, name);
    setText(mark, isOwn ? " (you)" : isUser && chat.marksGuest(chat.sessionOf(name)) ? " (guest)" : "");
    button.classList.toggle("absent", isAbsent);
    setText(presence, isUser ? (isAbsent ? ", offline" : ", online") : "");
    button.classList.toggle("unread", unread > 0);
    button.classList.toggle("mentioned", mentions > 0);
    setText(count, unread ? (unread > MAX_COUNT ? `${MAX_COUNT}+` : String(unread)) : "");
    if (unread) count.setAttribute("aria-label", `${unread} unread`);
    else count.removeAttribute("aria-label");
    count.hidden = !unread;
    if (item === chat.current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

export function createRow({ name }) {
  const label = create("span", { class: "label", title: name }, create("bdi"), create("span", { class: "guest" }));
  const presence = create("span", { class: "visually-hidden" });
  const count = create("span", { class: "count", role: "img" });
  const kind = isRoom(name) ? "room" : "person";
  return create("li", {}, create("button", { type: "button", class: kind, "data-name": name }, label, presence, count));
}

const byName = (a, b) => a.name.localeCompare(b.name);
