// A set of people by name: those online, or the members of a room.

import { keyOf } from "./line.js";

const collator = new Intl.Collator();

/**
 * A person: `session` is the number of a guest's session, 0 for an account, and undefined if the page does not know it.
 * @typedef {{name: string, session?: number}} Person
 */

export class People {
  #people = new Map(); // key → { key, name, session }
  #sorted = null; // see sorted()

  get size() {
    return this.#people.size;
  }

  has(name) {
    return this.#people.has(keyOf(name));
  }

  /** Return the session of a person who is in the set; undefined for any other. */
  sessionOf(name) {
    return this.#people.get(keyOf(name))?.session;
  }

  /** Replace everybody. */
  set(people) {
    this.#people = new Map(people.map(({ name, session }) => [keyOf(name), { key: keyOf(name), name, session }]));
    this.#sorted = null;
  }

  add({ name, session }) {
    const key = keyOf(name);
    const known = this.#people.get(key);
    if (known?.name === name && known.session === session) return;
    this.#people.set(key, { key, name, session });
    this.#sorted = null;
  }

  /** Remove a person; return false if nobody has this name. */
  delete(name) {
    const isRemoved = this.#people.delete(keyOf(name));
    if (isRemoved) this.#sorted = null;
    return isRemoved;
  }

  clear() {
    this.set([]);
  }

  /** Return `{ key, name, session }` of each, in alphabetical order: the same array until somebody comes or goes. */
  sorted() {
    this.#sorted ??= [...this.#people.values()].sort((one, other) => collator.compare(one.name, other.name));
    return this.#sorted;
  }
}
