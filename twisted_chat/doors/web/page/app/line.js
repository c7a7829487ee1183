// The line protocol in its events dialect: requests to lines, lines to answers and events. See docs/protocol.md.

export const MAX_LINE_BYTES = 16 * 1024;

export const escapeText = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

export const unescapeText = (text) => text.replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign));

/** Make a text acceptable to the server: line breaks become LF, other control characters except tab, and bidirectional overrides, are removed. */
export const cleanText = (text) =>
  text
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202d\u202e]/g, "")
    .replace(/^(?:[^\S\n]*\n)+/, "") // not the spaces in front of the first word: they may belong to code
    .trimEnd();

/** Return the key by which two names are the same: a close approximation of RFC 8265. */
export const keyOf = (name) => name.normalize("NFKC").toLowerCase();

export const isRoom = (name) => name.startsWith("#");

/** Split at commas into at most `count` fields; the last field takes the rest. */
export function splitFields(text, count) {
  const fields = text.split(",");
  return fields.length > count ? [...fields.slice(0, count - 1), fields.slice(count - 1).join(",")] : fields;
}

const UNESCAPED = { s: " ", ":": ";", n: "\n" };

/** Parse the tags of a line, without the first `;`. */
function parseTags(text) {
  const tags = new Map(text.split(";").map((tag) => tag.split(/=(.*)/s, 2)));
  return {
    session: Number(tags.get("session") ?? 0),
    toSession: Number(tags.get("to-session") ?? 0),
    about: (tags.get("about") ?? "").replace(/\\(.)/g, (_, sign) => UNESCAPED[sign] ?? sign),
  };
}

/** Parse a name in a list: behind a guest's stand a colon and the number of the guest's session; accounts have 0. */
export function parsePerson(field) {
  const [name, session] = field.split(":");
  return { name, session: Number(session ?? 0) };
}

/** Parse `[@label ][;tags ]verb[,rest]`. */
export function parseLine(line) {
  const label = /^@([^ ]+) /.exec(line);
  const tagged = label ? line.slice(label[0].length) : line;
  const tags = /^;([^ ]*) /.exec(tagged);
  const text = tags ? tagged.slice(tags[0].length) : tagged;
  const comma = text.indexOf(",");
  return {
    label: label ? label[1] : null,
    verb: comma < 0 ? text : text.slice(0, comma),
    rest: comma < 0 ? "" : text.slice(comma + 1),
    ...parseTags(tags?.[1] ?? ""),
  };
}

/**
 * Parse an event of the server. Records have `id`, `time` (ms), `from`, `to` and `text`.
 * `session` is the number of the guest's session who said or did this, 0 for an account; `toSession` that of the guest
 * to whom a direct message was sent. A notice of the server may be `about` a person.
 */
export function parseEvent({ verb: kind, rest, session, toSession, about }) {
  switch (kind) {
    case "message":
    case "action":
    case "notice": {
      const [id, time, from, to, text] = splitFields(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescapeText(text), session, toSession };
    }
    case "joined":
    case "left":
    case "topic": {
      const [id, time, to, from, text = ""] = splitFields(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescapeText(text), session };
    }
    case "server":
    case "renamed":
    case "seen": {
      const [name, value = ""] = splitFields(rest, 2);
      return { kind, name, value: kind === "server" ? unescapeText(value) : value, session, about };
    }
    default:
      return { kind, name: rest, session };
  }
}

export const isSpoken = ({ kind }) => kind === "message" || kind === "action" || kind === "notice";
