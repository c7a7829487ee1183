// The field that finds any room or person: those known to the page, and any other name as it is typed.

import { byId, setText, updateList } from "./dom.js";
import { isRoom, keyOf } from "./line.js";
import { createRow } from "./sidebar.js";

const MAX_FOUND = 50;

export class Finder {
  #chat;
  #sidebar;
  #onChoose;
  #field = byId("find");

  /** `onChoose(name)` is called with the first result when the user presses Enter. */
  constructor(chat, sidebar, { onChoose }) {
    this.#chat = chat;
    this.#sidebar = sidebar;
    this.#onChoose = onChoose;
    this.#field.addEventListener("focus", () => chat.refresh().catch(() => {})); // who has come since the last time
    this.#field.addEventListener("input", () => this.draw());
    this.#field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#field.value) {
        event.stopPropagation();
        this.clear();
      }
    });
    byId("find-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [name] = this.#find();
      if (name) this.#onChoose(name);
    });
  }

  clear() {
    this.#field.value = "";
    this.draw();
  }

  draw() {
    const names = this.#find();
    const isActive = Boolean(this.#field.value.trim());
    byId("found").hidden = !isActive;
    byId("lists").hidden = isActive;
    if (!isActive) return;
    const items = names.map((name) => this.#chat.find(name) ?? { name });
    updateList(byId("found"), items, {
      rowKey: ({ name }) => name,
      createRow,
      updateRow: (row, item) => this.#sidebar.updateRow(row, item),
    });
    setText(byId("find-count"), `${names.length} found`);
  }

  /** Return the names that contain what is typed; an equal one first, and last what is typed if it is none of them. */
  #find() {
    const typed = this.#field.value.trim();
    if (!typed) return [];
    const key = keyOf(typed);
    const { conversations, people, rooms, ownKey } = this.#chat;
    const known = new Map();
    for (const { key: own, name } of conversations.values()) known.set(own, name);
    for (const name of rooms) known.set(keyOf(name), name);
    for (const person of people.sorted()) if (person.key !== ownKey) known.set(person.key, person.name);
    const found = [...known].filter(([other]) => other.includes(key));
    const rank = ([other]) => (other === key ? 0 : other.replace(/^#/, "").startsWith(key.replace(/^#/, "")) ? 1 : 2);
    found.sort((a, b) => rank(a) - rank(b));
    const names = found.slice(0, MAX_FOUND).map(([, name]) => name);
    const canBeName = !/[,\s]/u.test(typed) && typed !== "#";
    if (canBeName && !known.has(key)) names.push(typed);
    if (canBeName && !isRoom(typed) && !names.length) names.push(`#${typed}`);
    return names;
  }
}
