// The page: it puts the views together, draws them, and handles navigation.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Details } from "./details.js";
import { ProfileDialog, RoomDialog } from "./dialogs.js";
import { byId, oncePerFrame, setText } from "./dom.js";
import { keyOf } from "./line.js";
import { announce, notify } from "./notifications.js";
import { SearchPanel } from "./search.js";
import { Sidebar } from "./sidebar.js";
import { SignInForm } from "./signin.js";
import { Timeline } from "./timeline.js";

const REFRESH_MS = 60_000;
const showsBothColumns = matchMedia("(min-width: 45rem)");

const drawSoon = oncePerFrame(draw);
const chat = new Chat({ onChange: drawSoon, onSpoken, onShutOut: signOut });
const timeline = new Timeline(chat);
const sidebar = new Sidebar(chat, { onChoose: choose });
const composer = new Composer(chat, { onSent: () => timeline.scrollToEnd() });
const details = new Details(chat, { onChange: draw });
const search = new SearchPanel(chat, { onFound: showRecord });
const roomDialog = new RoomDialog(chat, { onJoined: choose });
const profileDialog = new ProfileDialog(chat, { onSignOut: signOut });
const signInForm = new SignInForm(chat, { onSignedIn });

function draw() {
  const { session, current } = chat;
  const unread = session ? chat.countUnread() : 0;
  document.title = (unread ? `(${unread}) ` : "") + (current ? `${current.name} · Chat` : "Chat");
  if (!session?.name) return;
  byId("status").hidden = byId("reconnect-now").hidden = !chat.status;
  setText(byId("status-text"), chat.status);
  byId("chat").classList.toggle("choosing", !current);
  for (const id of ["scroller", "composer", "search-button"]) byId(id).hidden = !current;
  byId("no-conversation").hidden = Boolean(current);
  drawTitle(current);
  const unreadElsewhere = unread - (current?.countUnread(chat.ownKey) ?? 0);
  setText(byId("back-count"), unreadElsewhere ? `${unreadElsewhere} new` : "");
  details.draw();
  if (details.isShown) sidebar.drawMembers(current);
  sidebar.draw();
  composer.draw();
  timeline.draw();
  if (current && timeline.isRead) chat.markRead(current);
}

function drawTitle(current) {
  setText(byId("title"), current ? current.name : "Chat");
  const presence = current && chat.isOnline(current.name) ? "online" : "offline";
  setText(byId("topic"), !current ? "" : current.isRoom ? current.topic : presence);
}

function onSpoken(record, conversation) {
  if (conversation === chat.current) announce(record);
  notify(record, conversation, choose);
}

function onSignedIn() {
  byId("welcome").hidden = true;
  byId("chat").hidden = false;
  const [newest] = [...chat.conversations.values()].sort((a, b) => b.newestId - a.newestId);
  if (newest && showsBothColumns.matches) choose(newest.name);
  draw();
}

/** End the session and show the sign-in form, with a sentence about what was wrong. */
function signOut(sentence = "") {
  chat.signOut();
  composer.clear();
  byId("chat").hidden = true;
  byId("welcome").hidden = false;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  signInForm.show(sentence);
  drawSoon();
}

// navigation

function choose(name) {
  search.hide();
  details.hideIfOverlay();
  chat.open(name);
  draw();
  composer.focus();
}

function showRecord(id) {
  draw();
  timeline.scrollTo(id);
}

/** Choose the conversation that stands `step` below the current one. */
function chooseNext(step) {
  const { names } = sidebar;
  const index = names.findIndex((name) => keyOf(name) === chat.current?.key);
  const next = names[(index + step + names.length) % names.length];
  if (next) choose(next);
}

byId("back").onclick = () => {
  chat.close();
  draw();
  byId("rooms").querySelector("button")?.focus();
};
byId("reconnect-now").onclick = () => chat.session?.wake();
byId("search-button").onclick = () => search.toggle();
byId("add-room").onclick = byId("join-room").onclick = () => roomDialog.show();
byId("profile").onclick = () => profileDialog.show();
for (const button of document.querySelectorAll("[data-close]")) button.onclick = () => button.closest("dialog").close();

document.addEventListener("keydown", (event) => {
  if (byId("chat").hidden || document.querySelector("dialog[open]")) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.altKey && step) {
    chooseNext(step);
    event.preventDefault();
  } else if (event.key === "Escape") {
    if (search.isShown) search.hide();
    else details.hideIfOverlay();
    composer.focus();
  } else if ((event.ctrlKey || event.metaKey) && event.key === "f" && event.shiftKey) {
    event.preventDefault();
    search.show();
  }
});

// the page comes back into sight, or the network does

function wake() {
  if (!chat.session || document.visibilityState !== "visible") return;
  chat.session.wake();
  drawSoon();
}
addEventListener("online", wake);
addEventListener("focus", wake);
document.addEventListener("visibilitychange", wake);
setInterval(() => {
  if (chat.session?.online && document.visibilityState === "visible") chat.refresh().catch(() => {});
}, REFRESH_MS);

byId("welcome").hidden = false;
signInForm.show();
