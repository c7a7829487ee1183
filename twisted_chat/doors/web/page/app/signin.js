// The sign-in form.

import { byId, setText } from "./dom.js";
import { describeError } from "./errors.js";

const STORAGE_KEY = "name";

export class SignInForm {
  #chat;
  #onSignedIn;
  #name = byId("name");
  #password = byId("password");

  constructor(chat, { onSignedIn }) {
    this.#chat = chat;
    this.#onSignedIn = onSignedIn;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.target.querySelector("button"));
    });
  }

  /** Show a sentence about what was wrong, and focus the first field that is empty. */
  show(sentence = "") {
    this.#showError(sentence);
    this.#name.value ||= sessionStorage.getItem(STORAGE_KEY) ?? "";
    (this.#name.value ? this.#password : this.#name).focus();
  }

  #showError(sentence) {
    setText(byId("sign-in-error"), sentence);
  }

  async #submit(button) {
    const name = this.#name.value.trim();
    if (/[,\s]/u.test(name)) {
      this.#showError("A name cannot contain spaces or commas. Choose another name.");
      return;
    }
    button.disabled = true;
    this.#showError("");
    try {
      await this.#chat.signIn(name, this.#password.value);
      sessionStorage.setItem(STORAGE_KEY, this.#chat.session.name);
      this.#password.value = "";
      this.#onSignedIn();
    } catch (error) {
      this.#showError(describeError(error));
    } finally {
      button.disabled = false;
    }
  }
}
