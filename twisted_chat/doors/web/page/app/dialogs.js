// The dialogs: joining a room, and the user's own settings.

import { byId, create, setText, updateList } from "./dom.js";
import { describeError } from "./errors.js";
import { isRoom } from "./line.js";
import { areEnabled, setEnabled } from "./notifications.js";

const ACCOUNT = "You are signed in to your account.";
const GUEST = "You are a guest. Your name becomes free when you leave.";

export class RoomDialog {
  #chat;
  #onJoined;
  #name = byId("room-name");
  #shownTimes = 0; // an answer that comes when the dialog is shown again does not close it

  /** `onJoined(name)` is called when the user has joined a room. */
  constructor(chat, { onJoined }) {
    this.#chat = chat;
    this.#onJoined = onJoined;
    byId("room-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      if (name) this.#join(isRoom(name) ? name : `#${name}`);
    });
  }

  /** Show the dialog, with the name of a room if there is one. */
  async show(name = "") {
    this.#shownTimes += 1;
    this.#name.value = name.replace(/^#/, "");
    setText(byId("room-error"), "");
    byId("room-dialog").showModal();
    this.#name.focus();
    await this.#chat.refresh().catch(() => {});
    const rooms = this.#chat.rooms.filter((name) => !this.#chat.find(name));
    updateList(byId("all-rooms"), rooms, { rowKey: (name) => name, createRow: (name) => this.#createRow(name) });
  }

  #createRow(name) {
    const onclick = () => this.#join(name);
    return create("li", {}, create("button", { type: "button", class: "room", onclick }, name));
  }

  async #join(name) {
    const times = this.#shownTimes;
    const isLate = () => !byId("room-dialog").open || times !== this.#shownTimes; // the user has gone on
    try {
      await this.#chat.join(name);
      if (isLate()) return;
      byId("room-dialog").close();
      this.#onJoined(name);
    } catch (error) {
      if (!isLate()) setText(byId("room-error"), describeError(error));
    }
  }
}

export class ProfileDialog {
  #chat;
  #away = byId("away");
  #notify = byId("notify");
  #shownTimes = 0;

  constructor(chat, { onSignOut }) {
    this.#chat = chat;
    byId("sign-out").onclick = () => onSignOut();
    byId("password-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#changePassword();
    });
    byId("profile-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  show() {
    const { session, awayText } = this.#chat;
    this.#shownTimes += 1;
    setText(byId("profile-title"), session.name);
    setText(byId("profile-kind"), session.account ? ACCOUNT : GUEST);
    setText(byId("profile-error"), "");
    setText(byId("password-result"), "");
    byId("password-form").reset();
    byId("password-form").hidden = !session.account;
    this.#notify.checked = areEnabled();
    this.#away.value = awayText;
    byId("profile-dialog").showModal();
  }

  async #changePassword() {
    const old = byId("old-password").value;
    try {
      if (old.includes(",")) throw new Error("An old password with a comma cannot be sent here. Ask the operator to set a new one.");
      await this.#chat.changePassword(old, byId("new-password").value);
      byId("password-form").reset();
      setText(byId("password-result"), "Your password is changed. Your other devices have to sign in again.");
    } catch (error) {
      setText(byId("password-result"), describeError(error));
    }
  }

  async #save() {
    const away = this.#away.value.trim();
    const notify = this.#notify.checked;
    const times = this.#shownTimes;
    try {
      if (away !== this.#chat.awayText) await this.#chat.setAway(away);
      if (notify !== areEnabled() && !(await setEnabled(notify)))
        throw new Error("The browser blocks notifications of this page. Allow them in the browser's settings.");
      if (times === this.#shownTimes) byId("profile-dialog").close();
    } catch (error) {
      if (times === this.#shownTimes) setText(byId("profile-error"), describeError(error));
    }
  }
}
