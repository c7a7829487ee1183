// The sign-in form. After a reload the user is signed in again by itself: an account by its ticket.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";
import { isRoom, keyOf } from "./line.js";

export class SignInForm {
  #chat;
  #onSignedIn;
  #name = byId("name");
  #password = byId("password");
  #kept = null; // of the tab's last session
  #isNew = false; // the form makes an account

  /** `onSignedIn(kept)` is called with what the tab has kept of this user, or null. */
  constructor(chat, { onSignedIn }) {
    this.#chat = chat;
    this.#onSignedIn = onSignedIn;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("make-account").onclick = () => this.#setNew(!this.#isNew);
  }

  /** Show the form for the first time; `address` is the conversation that the page's address names, or "". */
  async start(kept, address) {
    this.#kept = kept;
    if (kept) this.#name.value = kept.name;
    setText(byId("sign-in-room"), isRoom(address) ? `to join ${address}` : "");
    this.#setNew(false);
    this.show();
    if (kept && (kept.ticket || !kept.account)) this.#submit();
    await this.#chat.server.ask();
    this.#setNew(this.#isNew);
  }

  /** Show a sentence about what was wrong, and focus the first field that is empty. */
  show(sentence = "") {
    this.#showError(sentence);
    (this.#name.value ? this.#password : this.#name).focus();
  }

  /** Let the form make an account, or sign in to one; and say whether guests are admitted. */
  #setNew(isNew) {
    this.#isNew = isNew;
    const { guests } = this.#chat.server;
    byId("repeat-field").hidden = !isNew;
    byId("repeat").required = isNew;
    this.#password.required = isNew || !guests;
    this.#password.autocomplete = isNew ? "new-password" : "current-password";
    setText(byId("sign-in-title"), isNew ? "Create an account" : "Sign in");
    setText(byId("sign-in-button"), isNew ? "Create account" : "Sign in");
    setText(byId("make-account"), isNew ? "Sign in instead" : "Create an account");
    byId("password-hint").hidden = isNew || !guests;
    byId("guest-help").hidden = isNew || !guests;
  }

  #showError(sentence) {
    setText(byId("sign-in-error"), sentence);
  }

  async #submit() {
    const name = this.#name.value.trim();
    const password = this.#password.value;
    if (/[,\s]/u.test(name)) {
      this.#showError("A name cannot contain spaces or commas. Choose another name.");
      return;
    }
    if (this.#isNew && password !== byId("repeat").value) {
      this.#showError("The two passwords differ. Type the same password twice.");
      return;
    }
    const kept = this.#kept && keyOf(this.#kept.name) === keyOf(name) ? this.#kept : null;
    const button = byId("sign-in-button");
    button.disabled = true;
    this.#showError("");
    try {
      await this.#chat.signIn(name, password, { isNew: this.#isNew, kept });
      this.#password.value = byId("repeat").value = "";
      this.#kept = null;
      this.#setNew(false);
      this.#onSignedIn(kept);
    } catch (error) {
      if (kept) kept.ticket = "";
      this.#showError(describeError(error));
    } finally {
      button.disabled = false;
    }
  }
}
