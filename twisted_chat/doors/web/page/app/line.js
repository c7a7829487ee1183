// The line protocol, events mode: requests to lines, lines to answers and events. See docs/protocol.md.

export const LONGEST = 16 * 1024;

export const escape = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

export const unescape = (text) => text.replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign));

/** A text as the server takes it: line breaks are LF, and no other control characters but tab. */
export const clean = (text) =>
  text.replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").trim();

/** The key by which two names are the same, near enough to RFC 8265. */
export const keyOf = (name) => name.normalize("NFKC").toLowerCase();

export const isRoom = (name) => name.startsWith("#");

/** Split at commas into at most `most` fields; the last one takes the rest. */
export function fieldsOf(text, most) {
  const fields = text.split(",");
  return fields.length > most ? [...fields.slice(0, most - 1), fields.slice(most - 1).join(",")] : fields;
}

/** `[@label ]verb[,rest]` */
export function parse(line) {
  const label = /^@([^ ]+) /.exec(line);
  const text = label ? line.slice(label[0].length) : line;
  const comma = text.indexOf(",");
  return {
    label: label ? label[1] : null,
    verb: comma < 0 ? text : text.slice(0, comma),
    rest: comma < 0 ? "" : text.slice(comma + 1),
  };
}

/** What the server says on its own. Records have `id`, `time` (ms), `from`, `to` and `text`. */
export function parseEvent({ verb: kind, rest }) {
  switch (kind) {
    case "message":
    case "action":
    case "notice": {
      const [id, time, from, to, text] = fieldsOf(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescape(text) };
    }
    case "joined":
    case "left":
    case "topic": {
      const [id, time, to, from, text = ""] = fieldsOf(rest, 5);
      return { kind, id: Number(id), time: Date.parse(time), from, to, text: unescape(text) };
    }
    case "server":
    case "renamed":
    case "seen": {
      const [name, value = ""] = fieldsOf(rest, 2);
      return { kind, name, value };
    }
    default:
      return { kind, name: rest };
  }
}

export const isSpoken = (record) => record.kind === "message" || record.kind === "action" || record.kind === "notice";
