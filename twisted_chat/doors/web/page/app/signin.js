// The sign-in form. After a reload a guest is signed in again by itself, and an account is asked for its password.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";
import { isRoom, keyOf } from "./line.js";

export class SignInForm {
  #chat;
  #onSignedIn;
  #name = byId("name");
  #password = byId("password");
  #kept = null; // of the tab's last session

  /** `onSignedIn(kept)` is called with what the tab has kept of this user, or null. */
  constructor(chat, { onSignedIn }) {
    this.#chat = chat;
    this.#onSignedIn = onSignedIn;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Show the form for the first time; `address` is the conversation that the page's address names, or "". */
  start(kept, address) {
    this.#kept = kept;
    if (kept) this.#name.value = kept.name;
    setText(byId("sign-in-room"), isRoom(address) ? `to join ${address}` : "");
    this.show();
    if (kept && !kept.account) this.#submit();
  }

  /** Show a sentence about what was wrong, and focus the first field that is empty. */
  show(sentence = "") {
    this.#showError(sentence);
    (this.#name.value ? this.#password : this.#name).focus();
  }

  #showError(sentence) {
    setText(byId("sign-in-error"), sentence);
  }

  async #submit() {
    const name = this.#name.value.trim();
    if (/[,\s]/u.test(name)) {
      this.#showError("A name cannot contain spaces or commas. Choose another name.");
      return;
    }
    const kept = this.#kept && keyOf(this.#kept.name) === keyOf(name) ? this.#kept : null;
    const button = byId("sign-in-button");
    button.disabled = true;
    this.#showError("");
    try {
      await this.#chat.signIn(name, this.#password.value, kept);
      this.#password.value = "";
      this.#kept = null;
      this.#onSignedIn(kept);
    } catch (error) {
      this.#showError(describeError(error));
    } finally {
      button.disabled = false;
    }
  }
}
