// Apply the server's events to the chat's state.

import { toSentence } from "./errors.js";
import { isRoom, keyOf } from "./line.js";

const HANDLERS = {
  message: applyMessage,
  action: applyMessage,
  notice: applyMessage,
  joined: applyMembership,
  left: applyMembership,
  topic: applyTopic,
  online: (chat, { name }) => chat.usersOnline.set(keyOf(name), name),
  offline: (chat, { name }) => chat.usersOnline.delete(keyOf(name)),
  renamed: applyRename,
  seen: applyReadMarker,
  server: applyServerNotice,
};

/** Apply an event; a kind that the page does not know is ignored, as docs/protocol.md asks of clients. */
export function applyEvent(chat, event) {
  if (Object.hasOwn(HANDLERS, event.kind)) HANDLERS[event.kind](chat, event);
}

/** Mark a new message of another user as a mention if it is one, and report it while the session is online. */
export function noteMessage(chat, record, conversation) {
  record.mention = !conversation.isRoom || containsName(keyOf(record.text), chat.ownKey);
  if (record.id <= conversation.readUpTo) return;
  if (record.mention) conversation.mentioned = true;
  if (chat.session.online) chat.spoken(record, conversation);
}

function applyMessage(chat, record) {
  const { from, to } = record;
  const isOwn = keyOf(from) === chat.ownKey;
  const conversation = chat.findOrCreate(isRoom(to) || isOwn ? to : from);
  if (conversation.insert(record) && !isOwn) noteMessage(chat, record, conversation);
  if (conversation !== chat.current) conversation.trim();
  // an account that catches up reads old messages, whose authors may have left
  if (!chat.session.account || chat.session.online) chat.usersOnline.set(keyOf(from), from);
}

function applyMembership(chat, record) {
  const { kind, from, to } = record;
  const isOwn = keyOf(from) === chat.ownKey;
  if (isOwn && kind === "left") {
    chat.forget(to);
    return;
  }
  const conversation = chat.findOrCreate(to);
  if (kind === "joined") conversation.members.set(keyOf(from), from);
  else conversation.members.delete(keyOf(from));
  if (kind === "joined" && chat.session.online) chat.usersOnline.set(keyOf(from), from);
  if (isOwn && chat.session.online) chat.refreshRoom(conversation).catch(() => {});
  else conversation.insert(record);
}

function applyTopic(chat, record) {
  const conversation = chat.findOrCreate(record.to);
  conversation.topic = record.text;
  conversation.insert(record);
}

function applyRename(chat, { name: before, value: now }) {
  chat.usersOnline.delete(keyOf(before));
  chat.usersOnline.set(keyOf(now), now);
  for (const { members } of chat.conversations.values()) if (members.delete(keyOf(before))) members.set(keyOf(now), now);
  const conversation = chat.find(before);
  if (!conversation || chat.find(now)) return;
  chat.conversations.delete(conversation.key);
  conversation.rename(now);
  chat.conversations.set(conversation.key, conversation);
}

function applyReadMarker(chat, { name, value }) {
  const conversation = chat.findOrCreate(name);
  conversation.readUpTo = Math.max(conversation.readUpTo, Number(value));
}

function applyServerNotice(chat, { name: code, value: sentence }) {
  if (["disabled", "deleted", "password", "kicked", "banned"].includes(code)) chat.shutOut(toSentence(sentence));
  else if (code === "gap") chat.refresh().catch(() => {});
  else if (code !== "replaced") chat.current?.addNote(sentence);
}

/** Return true if a text contains a name as a word of its own; both are keys. */
function containsName(text, name) {
  const letter = /[\p{L}\p{N}_]/u;
  for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1))
    if (!letter.test(text[start - 1] ?? "") && !letter.test(text[start + name.length] ?? "")) return true;
  return false;
}
