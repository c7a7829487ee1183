// Reach a user who does not look at the page: announcements of a screen reader, and the browser's notifications.

import { byId, create } from "./dom.js";

const STORAGE_KEY = "notify";
const MAX_ANNOUNCEMENTS = 5;
const MAX_BODY_LENGTH = 200;

/** Return true if the user wants notifications and the browser allows them. */
export const areEnabled = () =>
  localStorage.getItem(STORAGE_KEY) === "yes" && globalThis.Notification?.permission === "granted";

/** Turn notifications on or off; return false if the browser does not allow them. */
export async function setEnabled(enabled) {
  localStorage.setItem(STORAGE_KEY, enabled ? "yes" : "no");
  if (!enabled) return true;
  return (await globalThis.Notification?.requestPermission()) === "granted";
}

/** Announce a new message of the shown conversation to a screen reader. */
export function announce({ kind, from, text }) {
  const region = byId("announcements");
  region.append(create("p", {}, kind === "action" ? `${from} ${text}` : `${from}: ${text}`));
  while (region.children.length > MAX_ANNOUNCEMENTS) region.firstElementChild.remove();
}

/** Show a notification of a mention if the page is in the background; a click on it calls `choose(name)`. */
export function notify(record, conversation, choose) {
  if (!record.mention || !areEnabled() || (document.visibilityState === "visible" && document.hasFocus())) return;
  const title = conversation.isRoom ? `${record.from} in ${conversation.name}` : record.from;
  const body = record.text.slice(0, MAX_BODY_LENGTH);
  try {
    const notification = new Notification(title, { body, tag: conversation.key, icon: "icon.svg" });
    notification.onclick = () => {
      window.focus();
      choose(conversation.name);
    };
  } catch {
    // browsers on phones allow notifications from service workers only
  }
}
