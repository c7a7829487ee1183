// The page: the views, put together.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { byId, h, keyed, setText, soon } from "./dom.js";
import { isRoom, keyOf } from "./line.js";
import { announce, notify, want, wanted } from "./notices.js";
import { Sidebar } from "./sidebar.js";
import { Timeline } from "./timeline.js";

const REFRESH = 60_000;
const wide = matchMedia("(min-width: 70rem)");

const draw = soon(drawNow);
const chat = new Chat({ changed: draw, spoken, shutOut });
const timeline = new Timeline(chat);
const sidebar = new Sidebar(chat);
const composer = new Composer(chat, { said: () => timeline.toEnd() });
let detailsWanted = wide.matches;

function drawNow() {
  const { session, current } = chat;
  const unread = session ? chat.unread : 0;
  document.title = (unread ? `(${unread}) ` : "") + (current ? `${current.name} · Chat` : "Chat");
  if (!session?.name) return;
  byId("status").hidden = !chat.status;
  setText(byId("status-text"), chat.status);
  byId("try-now").hidden = !chat.status;
  byId("chat").classList.toggle("choosing", !current);
  for (const id of ["scroller", "composer"]) byId(id).hidden = !current;
  byId("nowhere").hidden = Boolean(current);
  setText(byId("title"), current ? current.name : "Chat");
  setText(byId("topic"), !current ? "" : current.room ? current.topic : chat.isHere(current.name) ? "here now" : "not here now");
  const elsewhere = unread - (current?.unread(chat.me) ?? 0);
  setText(byId("back-count"), elsewhere ? `${elsewhere} new` : "");
  byId("search-button").hidden = !current;
  byId("details-button").hidden = !current?.room;
  setText(byId("details-button"), current?.room ? `${current.members.size} ${current.members.size === 1 ? "member" : "members"}` : "");
  drawDetails(current);
  sidebar.draw();
  composer.draw();
  timeline.draw();
  if (current && timeline.isRead) chat.read(current);
}

function drawDetails(current) {
  const shown = Boolean(current?.room) && detailsWanted;
  byId("details").hidden = !shown;
  byId("details-button").setAttribute("aria-expanded", String(shown));
  if (!shown) return;
  sidebar.drawMembers(current);
  if (document.activeElement !== byId("topic-text")) byId("topic-text").value = current.topic;
}

function spoken(record, conversation) {
  if (conversation === chat.current) announce(record);
  notify(record, conversation, choose);
}

function choose(name) {
  showSearch(false);
  if (!wide.matches) detailsWanted = false;
  chat.open(name);
  drawNow();
  composer.focus();
}

// signing in and out

function showDoor(problem = "") {
  byId("chat").hidden = true;
  byId("door").hidden = false;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  setText(byId("sign-in-problem"), problem);
  byId("name").value ||= sessionStorage.getItem("name") ?? "";
  byId(byId("name").value ? "password" : "name").focus();
}

function shutOut(sentence) {
  chat.signOut();
  composer.clear();
  showDoor(`${sentence[0].toUpperCase()}${sentence.slice(1)}.`);
  draw();
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  const button = event.target.querySelector("button");
  if (/[,\s]/u.test(name)) {
    setText(byId("sign-in-problem"), "A name has no spaces and no commas in it.");
    return;
  }
  button.disabled = true;
  setText(byId("sign-in-problem"), "");
  try {
    await chat.signIn(name, byId("password").value);
    sessionStorage.setItem("name", chat.session.name);
    byId("password").value = "";
    byId("door").hidden = true;
    byId("chat").hidden = false;
    const newest = [...chat.conversations.values()].sort((one, other) => other.newest - one.newest)[0];
    if (newest && matchMedia("(min-width: 45rem)").matches) choose(newest.name);
    drawNow();
  } catch (problem) {
    const sentence = problem.code === "lost" ? "the server cannot be reached; try again in a while" : problem.message;
    setText(byId("sign-in-problem"), `${sentence[0].toUpperCase()}${sentence.slice(1)}.`);
  } finally {
    button.disabled = false;
  }
});

// finding one's way

document.addEventListener("choose", ({ detail }) => choose(detail));
byId("back").onclick = () => {
  chat.close();
  drawNow();
  byId("rooms").querySelector("button")?.focus();
};
byId("try-now").onclick = () => chat.session?.wake();
byId("details-button").onclick = () => {
  detailsWanted = !detailsWanted;
  drawNow();
  if (detailsWanted) byId("close-details").focus();
};
byId("close-details").onclick = () => {
  detailsWanted = false;
  drawNow();
  byId("details-button").focus();
};
byId("leave").onclick = () => chat.leave(chat.current.name).catch((problem) => chat.current?.note(problem.message));
byId("topic-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("topic-text").blur();
  await chat.setTopic(chat.current.name, byId("topic-text").value.trim()).catch((problem) => chat.current?.note(problem.message));
});

document.addEventListener("keydown", (event) => {
  if (byId("chat").hidden || document.querySelector("dialog[open]")) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.altKey && step) {
    const order = sidebar.order;
    const place = order.findIndex((name) => keyOf(name) === chat.current?.key);
    const next = order[(place + step + order.length) % order.length];
    if (next) choose(next);
    event.preventDefault();
  } else if (event.key === "Escape") {
    if (!byId("search-panel").hidden) showSearch(false);
    else if (detailsWanted && !wide.matches) byId("close-details").click();
    composer.focus();
  } else if ((event.ctrlKey || event.metaKey) && event.key === "f" && event.shiftKey) {
    event.preventDefault();
    showSearch(true);
  }
});

// searching

function showSearch(shown) {
  byId("search-panel").hidden = !shown;
  byId("search-button").setAttribute("aria-expanded", String(shown));
  byId("found").replaceChildren();
  setText(byId("found-count"), "");
  if (shown) byId("words").focus();
  else byId("words").value = "";
}

byId("search-button").onclick = () => showSearch(byId("search-panel").hidden);
byId("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = byId("words").value.trim();
  const conversation = chat.current;
  if (!words || !conversation) return;
  try {
    const found = await chat.history.search(conversation, words);
    setText(byId("found-count"), found.length ? `${found.length} found, the newest first` : "Nothing was said with all these words.");
    byId("found").replaceChildren(...found.reverse().map((record) => result(conversation, record)));
  } catch (problem) {
    setText(byId("found-count"), problem.message);
  }
});

function result(conversation, { id, from, time, text }) {
  const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(time);
  const by = h("span", { class: "by" }, h("span", { class: "name" }, from), ` ${when}`);
  const button = h("button", { type: "button" }, by, h("span", { class: "text" }, text));
  button.onclick = async () => {
    if (!(await chat.history.reach(conversation, id))) return;
    showSearch(false);
    drawNow();
    timeline.show(id);
  };
  return h("li", {}, button);
}

// dialogs

for (const button of document.querySelectorAll("[data-close]")) button.onclick = () => button.closest("dialog").close();

async function showRooms() {
  byId("room-name").value = "";
  setText(byId("room-problem"), "");
  byId("room-dialog").showModal();
  byId("room-name").focus();
  await chat.refresh().catch(() => {});
  const rooms = chat.rooms.filter((name) => !chat.find(name));
  const row = (name) => h("li", {}, h("button", { type: "button", class: "room", onclick: () => join(name) }, name));
  keyed(byId("all-rooms"), rooms, (name) => name, row, () => {});
}

async function join(name) {
  try {
    await chat.join(name);
    byId("room-dialog").close();
    choose(name);
  } catch (problem) {
    setText(byId("room-problem"), `${problem.message}.`);
  }
}

byId("add-room").onclick = byId("nowhere-join").onclick = showRooms;
byId("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("room-name").value.trim();
  if (name) join(isRoom(name) ? name : `#${name}`);
});

byId("me").onclick = () => {
  setText(byId("me-dialog-title"), chat.session.name);
  setText(byId("me-about"), chat.session.account ? "Signed in to an account." : "Here as a guest: the name is free again when you leave.");
  setText(byId("me-problem"), "");
  byId("notify").checked = wanted();
  byId("away").value = chat.awayText;
  byId("me-dialog").showModal();
};
byId("me-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const away = byId("away").value.trim();
    if (away !== chat.awayText) await chat.away(away);
    if (byId("notify").checked !== wanted() && !(await want(byId("notify").checked)))
      throw new Error("the browser does not allow notifications of this page");
    byId("me-dialog").close();
  } catch (problem) {
    setText(byId("me-problem"), `${problem.message}.`);
  }
});
byId("sign-out").onclick = () => {
  chat.signOut();
  composer.clear();
  showDoor();
  draw();
};

// being looked at

const woken = () => {
  if (!chat.session || document.visibilityState !== "visible") return;
  chat.session.wake();
  draw();
};
addEventListener("online", woken);
addEventListener("focus", woken);
document.addEventListener("visibilitychange", woken);
setInterval(() => {
  if (chat.session?.online && document.visibilityState === "visible") chat.refresh().catch(() => {});
}, REFRESH);

showDoor();
