// What reaches somebody who does not look: the title's count, a screen reader, and notifications for those who want them.

import { byId } from "./dom.js";

const KEY = "notify";

export const wanted = () => localStorage.getItem(KEY) === "yes" && globalThis.Notification?.permission === "granted";

/** Ask the browser for leave; whether there is. */
export async function want(yes) {
  localStorage.setItem(KEY, yes ? "yes" : "no");
  if (!yes) return true;
  return (await globalThis.Notification?.requestPermission()) === "granted";
}

/** Say to a screen reader what has come in the conversation that is shown. */
export function announce({ kind, from, text }) {
  const line = document.createElement("p");
  line.textContent = kind === "action" ? `${from} ${text}` : `${from}: ${text}`;
  byId("announce").append(line);
  while (byId("announce").children.length > 5) byId("announce").firstElementChild.remove();
}

/** Notify somebody who looks elsewhere of what is for them. */
export function notify(record, conversation, choose) {
  if (!record.mention || !wanted() || (document.visibilityState === "visible" && document.hasFocus())) return;
  const title = conversation.room ? `${record.from} in ${conversation.name}` : record.from;
  try {
    const notice = new Notification(title, { body: record.text.slice(0, 200), tag: conversation.key, icon: "icon.svg" });
    notice.onclick = () => {
      window.focus();
      choose(conversation.name);
    };
  } catch {
    // some phones know notifications of another kind only
  }
}
