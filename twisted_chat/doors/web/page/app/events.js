// Apply the server's events to the chat's state.

import { endSentence, toSentence } from "./errors.js";
import { isRoom, keyOf } from "./line.js";

const FINAL_NOTICES = new Set(["disabled", "deleted", "password", "kicked", "banned"]); // the session cannot go on
const ENDING_NOTICES = new Set(["shutdown", "timeout"]); // the connection ends, and the session goes on later

const HANDLERS = {
  message: applyMessage,
  action: applyMessage,
  notice: applyMessage,
  joined: applyMembership,
  left: applyMembership,
  topic: applyTopic,
  online: (chat, person) => chat.people.add(person),
  offline: (chat, { name }) => chat.people.delete(name),
  renamed: applyRename,
  seen: applyReadMarker,
  server: applyServerNotice,
};

/** Apply an event; a kind that the page does not know is ignored, as docs/protocol.md asks of clients. */
export function applyEvent(chat, event) {
  if (Object.hasOwn(HANDLERS, event.kind)) HANDLERS[event.kind](chat, event);
}

/** Count a new message of another user as unread, and report it while the session is online. */
export function noteMessage(chat, record, conversation) {
  if (record.id <= conversation.readUpTo) return;
  if (!conversation.unread && !chat.isWatched(conversation)) conversation.unreadFrom = record.id - 1;
  conversation.countArrived(record);
  if (chat.session.online) chat.spoken(record, conversation);
}

function applyMessage(chat, record) {
  const { from, to, session } = record;
  const isOwn = keyOf(from) === chat.ownKey;
  const conversation = chat.findOrCreate(isRoom(to) || isOwn ? to : from);
  chat.markMention(record, conversation);
  if (conversation.arrive(record) && !isOwn) noteMessage(chat, record, conversation);
  if (conversation !== chat.current) conversation.trim("older");
  chat.people.add({ name: from, session });
}

function applyMembership(chat, record) {
  const { kind, from, to, session } = record;
  const isOwn = keyOf(from) === chat.ownKey;
  if (isOwn && kind === "left") {
    chat.forget(to);
    return;
  }
  const conversation = chat.findOrCreate(to);
  if (kind === "joined") conversation.members.add({ name: from, session });
  else conversation.members.delete(from);
  if (kind === "joined") chat.people.add({ name: from, session });
  if (isOwn && chat.session.online) chat.refreshRoom(conversation).catch(() => {});
  else conversation.arrive(record);
}

function applyTopic(chat, record) {
  const conversation = chat.findOrCreate(record.to);
  conversation.topic = record.text;
  conversation.arrive(record);
}

function applyRename(chat, { name: before, value: now, session }) {
  const person = { name: now, session };
  chat.people.delete(before);
  chat.people.add(person);
  for (const { members } of chat.conversations.values()) if (members.delete(before)) members.add(person);
  const conversation = chat.find(before);
  if (!conversation || chat.find(now)) return;
  chat.conversations.delete(conversation.key);
  conversation.rename(now);
  chat.conversations.set(conversation.key, conversation);
}

function applyReadMarker(chat, { name, value }) {
  const conversation = chat.findOrCreate(name);
  conversation.readTo(Number(value), chat.ownKey);
  if (conversation.unread && chat.session.online) chat.unread.refresh().catch(() => {}); // the window may lack what was read
}

function applyServerNotice(chat, { name: code, value: sentence, about }) {
  const conversation = about ? chat.findOrCreate(about) : chat.current;
  if (FINAL_NOTICES.has(code)) chat.shutOut(toSentence(sentence));
  else if (code === "gap") chat.refresh().catch(() => {});
  else if (ENDING_NOTICES.has(code)) chat.status = toSentence(sentence); // until the next sign-in
  else if (code !== "replaced") conversation?.addNote(about ? endSentence(sentence) : toSentence(sentence));
}
