// Reach a user who does not look at the page: announcements of a screen reader, and the browser's notifications.
//
// The user's tabs tell each other which message is in view, so that a hidden tab does not notify of it.

import { byId, create } from "./dom.js";
import { readSetting, writeSetting } from "./store.js";

const STORAGE_KEY = "notify";
const MAX_ANNOUNCEMENTS = 5;
const MAX_BODY_LENGTH = 200;
const OTHER_TABS_MS = 300; // another tab has this long, and up to twice as long, to say that it shows the message

const tabs = openTabs();
const waiting = new Map(); // a message's name among the tabs → the timer of its notification
if (tabs) tabs.onmessage = ({ data }) => cancel(data);

function openTabs() {
  try {
    return new BroadcastChannel("chat");
  } catch {
    return null; // an old browser, or site data are blocked
  }
}

/** Return true if the user wants notifications and the browser allows them. */
export const areEnabled = () =>
  readSetting(STORAGE_KEY) === "yes" && globalThis.Notification?.permission === "granted";

/** Turn notifications on or off; return false if the browser does not allow them. */
export async function setEnabled(enabled) {
  writeSetting(STORAGE_KEY, enabled ? "yes" : "no");
  if (!enabled) return true;
  return (await globalThis.Notification?.requestPermission()) === "granted";
}

/** Announce a new message of the shown conversation to a screen reader. */
export function announce({ kind, from, text }) {
  const region = byId("announcements");
  region.append(create("p", {}, kind === "action" ? `${from} ${text}` : `${from}: ${text}`));
  while (region.children.length > MAX_ANNOUNCEMENTS) region.firstElementChild.remove();
}

/** Notify of a mention, unless a tab of `user` shows it now; a click on the notification calls `choose(name)`. */
export function notify(user, record, conversation, choose) {
  const message = `${user} ${record.id}`;
  if (document.visibilityState === "visible" && document.hasFocus()) {
    tabs?.postMessage(message);
  } else if (record.mention && areEnabled()) {
    waiting.set(message, setTimeout(() => show(message, record, conversation, choose), OTHER_TABS_MS * (1 + Math.random())));
  }
}

function cancel(message) {
  clearTimeout(waiting.get(message));
  waiting.delete(message);
}

function show(message, { from, text }, conversation, choose) {
  waiting.delete(message);
  tabs?.postMessage(message); // one tab is enough
  const title = conversation.isRoom ? `${from} in ${conversation.name}` : from;
  const options = { body: text.slice(0, MAX_BODY_LENGTH), tag: conversation.key, renotify: true, icon: "icon.svg" };
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      choose(conversation.name);
    };
  } catch {
    // browsers on phones allow notifications from service workers only
  }
}
