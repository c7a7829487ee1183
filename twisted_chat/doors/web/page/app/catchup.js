// Bring the chat up to date after a sign-in.

import { noteMessage } from "./events.js";
import { keyOf } from "./line.js";

const DIRECT_MESSAGES_LOST =
  "You were disconnected for a moment. Direct messages that were sent to you in that time are lost, because you are a guest.";

/** Learn the rooms, their members and what is unread; a guest who reconnects joins the rooms again. */
export async function catchUp(chat, isReconnect) {
  await chat.refresh();
  if (chat.session.account) {
    await catchUpAccount(chat);
  } else if (isReconnect) {
    for (const conversation of chat.conversations.values()) {
      if (conversation.isRoom) await rejoin(chat, conversation);
      else conversation.addNote(DIRECT_MESSAGES_LOST);
    }
    await chat.refresh();
  }
  if (isReconnect && chat.awayText) await chat.setAway(chat.awayText);
}

/** Each window that reached the present may lack what came meanwhile; it is loaded when the user looks there. */
async function catchUpAccount(chat) {
  const names = (await chat.session.request("list,mine")).split(",").filter(Boolean);
  const own = names.map((name) => chat.findOrCreate(name));
  for (const conversation of own) conversation.isListed = true;
  for (const conversation of [...chat.conversations.values()]) {
    if (conversation.isRoom && !own.includes(conversation)) chat.forget(conversation.name);
    else if (conversation.windowEndId) conversation.cutBehind(conversation.lossId || conversation.windowEndId);
    conversation.lossId = 0;
  }
  await Promise.all(own.filter(({ isRoom }) => isRoom).map((conversation) => chat.refreshRoom(conversation)));
  await chat.unread.refresh();
  if (chat.current) chat.history.load(chat.current, "newer");
}

/** Join a room again as a guest, and read from the room's history what the guest has missed. */
async function rejoin(chat, conversation) {
  await chat.session.request(`join,${conversation.name}`);
  await chat.refreshRoom(conversation);
  await chat.history.loadMissed(conversation, (record) => {
    if (keyOf(record.from) === chat.ownKey) chat.session.pending.confirm(conversation, record.text);
    else noteMessage(chat, record, conversation);
  });
}
