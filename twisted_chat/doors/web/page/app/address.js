// The address of a conversation: `#tea` for a room, `#@kim` for a person.

import { isRoom } from "./line.js";

/** Return the part of the page's address that names a conversation; none is the list of conversations. */
export const addressOf = (name) => (name ? `#${isRoom(name) ? encodeURIComponent(name.slice(1)) : `@${encodeURIComponent(name)}`}` : "#");

/** Return the name of the conversation that the page's address names, or "". */
export function nameInAddress() {
  try {
    const text = decodeURIComponent(location.hash.slice(1));
    if (!text || text === "message-text") return "";
    return text.startsWith("@") ? text.slice(1) : `#${text}`;
  } catch {
    return "";
  }
}
