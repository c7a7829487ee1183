// The elements of the timeline's rows: see rows.js.

import { create, setText } from "./dom.js";
import { isRoom, keyOf } from "./line.js";
import { splitLinks } from "./links.js";

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Create the element of a row; the chat tells the key of the user's name, and whom to mark as a guest. */
export function createElement(row, chat) {
  switch (row.type) {
    case "day":
      return create("li", { class: "day" }, create("h2", {}, row.text));
    case "divider":
      return create("li", { class: "divider" }, create("span", {}, "New"));
    case "stranger":
      return create("li", { class: "stranger" }, create("span", { dir: "auto" }, row.text));
    case "membership":
      return create("li", { class: "event" }, create("span", {}));
    case "event":
      return create("li", { class: "event" }, create("span", { dir: "auto" }, ...describeEvent(row.record, chat)));
    case "pending":
      return createPending(row.message, chat);
    default:
      return createMessage(row.record, chat);
  }
}

/** Update what may change in a row while it stays. */
export function updateElement(element, row, chat) {
  if (row.type === "day") setText(element.firstElementChild, row.text);
  if (row.type === "membership") updateMembership(element.firstElementChild, row.records, chat);
  element.classList.toggle("grouped", Boolean(row.isGrouped));
  if (row.type === "pending") updatePending(element, row.message);
  if (row.type === "message") updateSent(element, row.isSent);
}

/** Return a person's name as elements, with a mark if the person is to be shown as a guest. */
export function createName(name, session, chat) {
  const label = create("bdi", {}, name);
  return chat.marksGuest(session) ? [label, create("span", { class: "guest" }, " (guest)")] : [label];
}

function createMessage({ from, to, time, text, kind, mention, session }, chat) {
  const times = { dateTime: new Date(time).toISOString(), title: fullFormat.format(time) };
  const when = create("time", times, timeFormat.format(time));
  const author = () => createName(from, session, chat);
  const byline = create("div", { class: "byline" }, create("span", { class: "name" }, ...author()), " ", when);
  const body = create("div", { class: "text", dir: "auto" });
  if (kind === "action") body.append(create("span", { class: "actor" }, ...author()), " ");
  body.append(...withLinks(text));
  const element = create("li", { class: kind === "action" ? "message action" : "message" }, byline, body);
  if (keyOf(from) === chat.ownKey) element.classList.add("own");
  else if (mention && isRoom(to)) element.classList.add("mention");
  return element;
}

function createPending(message, chat) {
  const element = createMessage(message, chat);
  element.append(create("div", { class: "state", role: "status" }));
  return element;
}

function updatePending(element, { state, reason }) {
  const shown = state === "failed" ? "failed" : "sending";
  if (element.classList.contains(shown)) return;
  element.classList.remove("sending", "failed");
  element.classList.add(shown);
  const status = element.lastElementChild;
  if (shown === "sending") {
    status.replaceChildren("Sending …");
    return;
  }
  const retry = create("button", { class: "link", type: "button", "data-action": "retry" }, "Send again");
  const discard = create("button", { class: "link", type: "button", "data-action": "discard" }, "Discard");
  status.replaceChildren(`Not sent. ${reason} `, retry, " ", discard);
}

function updateSent(element, isSent) {
  const mark = element.querySelector(".sent");
  if (isSent && !mark) element.append(create("div", { class: "state sent" }, "Sent"));
  else if (!isSent) mark?.remove();
}

function updateMembership(element, records, chat) {
  const nodes = describeMembership(records, chat);
  const text = nodes.map((node) => node.textContent ?? node).join("");
  if (element.textContent !== text) element.replaceChildren(...nodes);
}

/** Return a sentence about users who joined and left in a row, as texts and elements. */
function describeMembership(records, chat) {
  const parts = [];
  for (const { kind, from, session } of records) {
    if (parts.at(-1)?.kind !== kind) parts.push({ kind, people: new Map() });
    parts.at(-1).people.set(`${from} ${session}`, { name: from, session });
  }
  return parts.flatMap(({ kind, people }, index) => [index ? " · " : "", ...joinNames([...people.values()], chat), ` ${kind}`]);
}

function joinNames(people, chat) {
  const shown = people.length > 3 ? people.slice(0, 2) : people;
  const hidden = people.length - shown.length;
  const nodes = shown.flatMap(({ name, session }, index) => {
    const isLast = index === shown.length - 1 && !hidden;
    return [index === 0 ? "" : isLast ? " and " : ", ", ...createName(name, session, chat)];
  });
  return hidden ? [...nodes, ` and ${hidden} others`] : nodes;
}

function describeEvent({ kind, from, text, session }, chat) {
  if (kind !== "topic") return [text];
  const name = createName(from, session, chat);
  return text ? [...name, " set the topic: ", create("bdi", {}, text)] : [...name, " removed the topic"];
}

/** Return a text as text nodes and links; only http and https URLs become links. */
const withLinks = (text) =>
  splitLinks(text).map((part) =>
    typeof part === "string"
      ? part
      : create("a", { href: part.url, target: "_blank", rel: "noopener noreferrer nofollow" }, part.text),
  );
