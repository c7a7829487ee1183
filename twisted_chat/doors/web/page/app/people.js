// A set of people by name: those online, or the members of a room.

import { keyOf } from "./line.js";

const collator = new Intl.Collator();

export class People {
  #names = new Map(); // key → name
  #sorted = null; // see sorted()

  get size() {
    return this.#names.size;
  }

  has(name) {
    return this.#names.has(keyOf(name));
  }

  /** Replace everybody. */
  set(names) {
    this.#names = new Map(names.map((name) => [keyOf(name), name]));
    this.#sorted = null;
  }

  add(name) {
    const key = keyOf(name);
    if (this.#names.get(key) === name) return;
    this.#names.set(key, name);
    this.#sorted = null;
  }

  /** Remove a person; return false if nobody has this name. */
  delete(name) {
    const isRemoved = this.#names.delete(keyOf(name));
    if (isRemoved) this.#sorted = null;
    return isRemoved;
  }

  clear() {
    this.set([]);
  }

  /** Return `{ key, name }` of each, in alphabetical order: the same array until somebody comes or goes. */
  sorted() {
    this.#sorted ??= [...this.#names]
      .map(([key, name]) => ({ key, name }))
      .sort((one, other) => collator.compare(one.name, other.name));
    return this.#sorted;
  }
}
