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

/** Parse `[@label ][;tags ]verb[,rest]`; `guest` is true for a record of a guest's. */
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
    guest: Boolean(tags?.[1].split(";").includes("guest=1")),
  };
}

/** Parse an event of the server. Records have `id`, `time` (ms), `from`, `to` and `text`. */
export function parseEvent({ verb: kind, rest, guest }) {
  switch (kind) {
    case "message":
    case "action":
    case "notice": {
      const [id, time, from, to, text] = splitFields(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescapeText(text), guest };
    }
    case "joined":
    case "left":
    case "topic": {
      const [id, time, to, from, text = ""] = splitFields(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescapeText(text), guest };
    }
    case "server":
    case "renamed":
    case "seen": {
      const [name, value = ""] = splitFields(rest, 2);
      return { kind, name, value: kind === "server" ? unescapeText(value) : value };
    }
    default:
      return { kind, name: rest };
  }
}

export const isSpoken = ({ kind }) => kind === "message" || kind === "action" || kind === "notice";
