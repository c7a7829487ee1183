// The elements of the timeline's rows: see rows.js.

import { create, setText } from "./dom.js";
import { isRoom, keyOf } from "./line.js";
import { splitLinks } from "./links.js";

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Create the element of a row; `ownKey` is the key of the user's name. */
export function createElement(row, ownKey) {
  switch (row.type) {
    case "day":
      return create("li", { class: "day" }, create("h2", {}, row.text));
    case "divider":
      return create("li", { class: "divider" }, create("span", {}, "New"));
    case "membership":
      return create("li", { class: "event" }, create("span", {}));
    case "event":
      return create("li", { class: "event" }, create("span", { dir: "auto" }, ...describeEvent(row.record)));
    case "pending":
      return createPending(row.message, ownKey);
    default:
      return createMessage(row.record, ownKey);
  }
}

/** Update what may change in a row while it stays. */
export function updateElement(element, row) {
  if (row.type === "day") setText(element.firstElementChild, row.text);
  if (row.type === "membership") updateMembership(element.firstElementChild, row.records);
  element.classList.toggle("grouped", Boolean(row.isGrouped));
  if (row.type === "pending") updatePending(element, row.message);
  if (row.type === "message") updateSent(element, row.isSent);
}

function createMessage({ from, to, time, text, kind, mention, guest }, ownKey) {
  const times = { dateTime: new Date(time).toISOString(), title: fullFormat.format(time) };
  const when = create("time", times, timeFormat.format(time));
  const author = [create("bdi", {}, from), ...(guest ? [create("span", { class: "guest" }, " (guest)")] : [])];
  const byline = create("div", { class: "byline" }, create("span", { class: "name" }, ...author), " ", when);
  const body = create("div", { class: "text", dir: "auto" });
  if (kind === "action") body.append(create("span", { class: "actor" }, ...author.map((part) => part.cloneNode(true))), " ");
  body.append(...withLinks(text));
  const element = create("li", { class: kind === "action" ? "message action" : "message" }, byline, body);
  if (keyOf(from) === ownKey) element.classList.add("own");
  else if (mention && isRoom(to)) element.classList.add("mention");
  return element;
}

function createPending(message, ownKey) {
  const element = createMessage(message, ownKey);
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

function updateMembership(element, records) {
  const nodes = describeMembership(records);
  const text = nodes.map((node) => node.textContent ?? node).join("");
  if (element.textContent !== text) element.replaceChildren(...nodes);
}

/** Return a sentence about users who joined and left in a row, as texts and elements. */
function describeMembership(records) {
  const parts = [];
  for (const { kind, from } of records) {
    const part = parts.at(-1);
    if (part?.kind !== kind) parts.push({ kind, names: [from] });
    else if (!part.names.includes(from)) part.names.push(from);
  }
  return parts.flatMap(({ kind, names }, index) => [index ? " · " : "", ...joinNames(names), ` ${kind}`]);
}

function joinNames(names) {
  const shown = names.length > 3 ? names.slice(0, 2) : names;
  const hidden = names.length - shown.length;
  const nodes = shown.flatMap((name, index) => {
    const isLast = index === shown.length - 1 && !hidden;
    return [index === 0 ? "" : isLast ? " and " : ", ", create("bdi", {}, name)];
  });
  return hidden ? [...nodes, ` and ${hidden} others`] : nodes;
}

function describeEvent({ kind, from, text }) {
  if (kind !== "topic") return [text];
  const name = create("bdi", {}, from);
  return text ? [name, " set the topic: ", create("bdi", {}, text)] : [name, " removed the topic"];
}

/** Return a text as text nodes and links; only http and https URLs become links. */
const withLinks = (text) =>
  splitLinks(text).map((part) =>
    typeof part === "string"
      ? part
      : create("a", { href: part.url, target: "_blank", rel: "noopener noreferrer nofollow" }, part.text),
  );
