// The rows of the timeline: records, with days, the line above unread messages, and pending messages between and behind.
// In a direct conversation a line says where another person begins who has taken the name of a guest who has left.

import { partnerSessionOf } from "./conversation.js";
import { isSpoken } from "./line.js";

const GROUP_MS = 5 * 60_000; // messages of one user within this time stand under one name

const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayFormatWithYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/**
 * A row; its key stays the same as long as its element may be kept.
 * @typedef {{key: string | number, type: "day", text: string}
 *   | {key: string | number, type: "divider"}
 *   | {key: string | number, type: "stranger", text: string}
 *   | {key: string | number, type: "membership", records: object[]}
 *   | {key: string | number, type: "event", record: object}
 *   | {key: string | number, type: "message", record: object, isGrouped: boolean, isSent: boolean}
 *   | {key: string | number, type: "pending", message: object, isGrouped: boolean}} Row
 */

/**
 * Return the rows of a conversation, from top to bottom. `ownKey` is the key of the user's name, `present` the session
 * of the person who has the conversation's name now, if the page knows it.
 * @returns {Row[]}
 */
export function buildRows(conversation, ownKey, present) {
  const rows = [];
  const isDirect = !conversation.isRoom && conversation.key !== ownKey;
  let partner; // the session of the other person so far
  let newestDay = 0; // the start of the latest day so far: a clock that was set back begins no day again
  let needsDivider = conversation.unreadFrom > 0;
  let previous = null; // the record above, if a message may be grouped with it
  for (const record of conversation.records) {
    const day = startOfDay(record.time);
    if (day > newestDay && record.kind !== "note") {
      newestDay = day;
      previous = null;
      rows.push({ key: `day ${day}`, type: "day", text: describeDay(day) });
    }
    if (needsDivider && isSpoken(record) && record.id > conversation.unreadFrom) {
      needsDivider = false;
      previous = null;
      rows.push({ key: "divider", type: "divider" });
    }
    const session = isDirect && isSpoken(record) ? partnerSessionOf(record, ownKey) : undefined;
    if (isStranger(partner, session)) {
      previous = null;
      rows.push({ key: `stranger ${record.id}`, type: "stranger", text: describeStranger(conversation, session) });
    }
    partner = session ?? partner;
    addRecord(rows, conversation, record, previous);
    previous = record;
  }
  if (isDirect && isStranger(partner, present)) {
    previous = null;
    rows.push({ key: "stranger", type: "stranger", text: describeStranger(conversation, present) });
  }
  for (const message of conversation.pending) {
    rows.push({ key: message.label, type: "pending", message, isGrouped: isGrouped(previous, message) });
    previous = message;
  }
  return rows;
}

/** Return the ms from now until the names of days change, e.g. from "Today" to "Yesterday". */
export function untilTomorrow() {
  const midnight = new Date();
  midnight.setHours(24, 0, 0, 0);
  return midnight - Date.now();
}

function addRecord(rows, conversation, record, previous) {
  const { id, kind } = record;
  const last = rows.at(-1);
  if (isSpoken(record)) {
    const isSent = isLastAcknowledged(conversation, record);
    rows.push({ key: id, type: "message", record, isGrouped: isGrouped(previous, record), isSent });
  } else if (kind !== "joined" && kind !== "left") {
    rows.push({ key: id, type: "event", record });
  } else if (last?.type === "membership") {
    last.records.push(record);
  } else {
    rows.push({ key: `membership ${id}`, type: "membership", records: [record] });
  }
}

/** Return true if a message stands under the name of the one above it. */
function isGrouped(previous, message) {
  if (previous?.kind !== "message" || message.kind !== "message") return false;
  const isSamePerson = previous.from === message.from && !isStranger(previous.session, message.session);
  return isSamePerson && message.time - previous.time < GROUP_MS;
}

/** Return true if two sessions are known not to be of one person; an account has always the same. */
const isStranger = (before, now) => before !== undefined && now !== undefined && before !== now;

function describeStranger({ name }, session) {
  if (!session) return `From here on, ${name} is the account of this name. Before, it was a guest.`;
  return `From here on, ${name} may be another person: the guest of this name had left, and the name was taken again.`;
}

/** Return true if the last thing in the conversation is a message that this page has sent. */
const isLastAcknowledged = (conversation, record) =>
  record.id === conversation.acknowledgedId && record === conversation.records.at(-1) && !conversation.pending.length;

const startOfDay = (time) => new Date(time).setHours(0, 0, 0, 0);

function describeDay(day) {
  const today = startOfDay(Date.now());
  if (day === today) return "Today";
  if (day === startOfDay(today - 1)) return "Yesterday";
  const format = new Date(day).getFullYear() === new Date().getFullYear() ? dayFormat : dayFormatWithYear;
  return format.format(day);
}
