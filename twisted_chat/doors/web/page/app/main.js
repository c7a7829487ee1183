// The page: it puts the views together, draws them, and keeps what outlasts a reload.

import { addressOf, nameInAddress } from "./address.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Details } from "./details.js";
import { ProfileDialog, RoomDialog } from "./dialogs.js";
import { byId, oncePerFrame, setText } from "./dom.js";
import { Finder } from "./finder.js";
import { Navigation } from "./navigation.js";
import { announce, notify } from "./notifications.js";
import { untilTomorrow } from "./rows.js";
import { SearchPanel } from "./search.js";
import { Sidebar } from "./sidebar.js";
import { SignInForm } from "./signin.js";
import { keepTab, takeTab } from "./store.js";
import { Timeline } from "./timeline.js";

const REFRESH_MS = 60_000;
const TEXTS_ABOUT_USER = ["title", "topic", "own-name", "profile-title", "notice-text", "back-count", "room-error", "profile-error"];

const drawSoon = oncePerFrame(draw);
const isWatched = (conversation) => conversation === chat.current && timeline.isRead;
const chat = new Chat({ onChange: drawSoon, onSpoken, onShutOut: signOut, isWatched });
const timeline = new Timeline(chat);
const navigation = new Navigation(chat, { onChosen, onUnknownRoom: (name) => roomDialog.show(name) });
const choose = (name) => navigation.choose(name);
const sidebar = new Sidebar(chat, { onChoose: choose });
const finder = new Finder(chat, sidebar, { onChoose: choose });
const composer = new Composer(chat, { onSent: () => timeline.showEnd(), onJoined: choose });
const details = new Details(chat, { onChange: draw });
const search = new SearchPanel(chat, { onFound: showRecord });
const roomDialog = new RoomDialog(chat, { onJoined: choose });
const profileDialog = new ProfileDialog(chat, { onSignOut: leave });
const signInForm = new SignInForm(chat, { onSignedIn });

function draw() {
  const { session, current } = chat;
  const unread = session ? chat.unread.count() : 0;
  document.title = (unread ? `(${unread}) ` : "") + (current ? `${current.name} · Chat` : "Chat");
  if (!session?.name || byId("chat").hidden) return;
  byId("status").hidden = byId("reconnect-now").hidden = !chat.status;
  setText(byId("status-text"), chat.status);
  byId("notice").hidden = !chat.notice;
  setText(byId("notice-text"), chat.notice);
  byId("chat").classList.toggle("choosing", !current);
  for (const id of ["scroller", "composer", "search-button"]) byId(id).hidden = !current;
  byId("no-conversation").hidden = Boolean(current);
  drawTitle(current);
  const unreadElsewhere = unread - (current?.unread ?? 0);
  setText(byId("back-count"), unreadElsewhere ? `${unreadElsewhere} new` : "");
  details.draw();
  if (details.isShown) sidebar.drawMembers(current);
  sidebar.draw();
  finder.draw();
  composer.draw();
  timeline.draw();
}

function drawTitle(current) {
  setText(byId("title"), current ? current.name : "Chat");
  const kind = current && chat.marksGuest(chat.sessionOf(current.name)) ? "guest · " : "";
  const presence = kind + (current && chat.isOnline(current.name) ? "online" : "offline");
  setText(byId("topic"), !current ? "" : current.isRoom ? current.topic : presence);
}

function onSpoken(record, conversation) {
  const from = chat.marksGuest(record.session) ? `${record.from} (guest)` : record.from;
  if (conversation === chat.current) announce({ ...record, from });
  notify(chat.ownKey, { ...record, from }, conversation, choose);
}

/** A conversation was chosen, or none. */
function onChosen() {
  search.hide();
  finder.clear();
  details.hideIfOverlay();
  draw();
  if (chat.current) composer.focus();
  else byId("rooms").querySelector("button")?.focus();
}

function showRecord(id) {
  draw();
  timeline.scrollTo(id);
}

/** Show the chat; `kept` is what the tab has kept from before a reload. */
function onSignedIn(kept) {
  byId("welcome").hidden = true;
  byId("chat").hidden = false;
  if (kept) chat.restore(kept);
  navigation.start(kept?.current);
  draw();
}

/** Sign out as the user has asked for: the next user shall not see where this one was. */
function leave() {
  history.replaceState(null, "", addressOf(""));
  signOut();
}

/** End the session and show the sign-in form, with a sentence about what was wrong. */
function signOut(sentence = "") {
  chat.signOut();
  composer.clear();
  search.hide();
  finder.clear();
  byId("chat").hidden = true;
  byId("welcome").hidden = false;
  for (const list of document.querySelectorAll("#chat ul, #chat ol, #room-dialog ul, #announcements")) list.replaceChildren();
  for (const id of TEXTS_ABOUT_USER) setText(byId(id), "");
  for (const id of ["topic-text", "away", "room-name"]) byId(id).value = "";
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  signInForm.show(sentence);
  drawSoon();
}

document.querySelector(".skip").onclick = (event) => {
  event.preventDefault(); // the page's address names the conversation
  byId("message-text").focus();
};
byId("back").onclick = () => navigation.choose("");
byId("reconnect-now").onclick = () => chat.session?.wake();
byId("close-notice").onclick = () => {
  chat.notice = "";
  draw();
  composer.focus();
};
byId("search-button").onclick = () => search.toggle();
byId("add-room").onclick = byId("join-room").onclick = () => roomDialog.show();
byId("profile").onclick = () => profileDialog.show();
for (const button of document.querySelectorAll("[data-close]")) button.onclick = () => button.closest("dialog").close();

document.addEventListener("keydown", (event) => {
  if (byId("chat").hidden || document.querySelector("dialog[open]")) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.altKey && step) {
    navigation.chooseNext(step, sidebar.names);
    event.preventDefault();
  } else if (event.key === "Escape") {
    if (search.isShown) search.hide();
    else details.hideIfOverlay();
    composer.focus();
  } else if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === "f") {
    event.preventDefault();
    search.show();
  }
});

// the page comes back into sight, or the network does

function wake() {
  if (document.visibilityState !== "visible") return;
  keepTab(null);
  chat.session?.wake();
  drawSoon();
}
addEventListener("online", wake);
addEventListener("focus", wake);
addEventListener("pageshow", wake);
document.addEventListener("visibilitychange", wake);
setInterval(() => {
  if (chat.session?.online && document.visibilityState === "visible") chat.refresh().catch(() => {});
}, REFRESH_MS);

function keep() {
  if (chat.session?.name) keepTab(chat.kept());
}
addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());

function drawAtMidnight() {
  drawSoon();
  setTimeout(drawAtMidnight, untilTomorrow() + 1000);
}
setTimeout(drawAtMidnight, untilTomorrow() + 1000);

byId("welcome").hidden = false;
signInForm.start(takeTab(), nameInAddress());
