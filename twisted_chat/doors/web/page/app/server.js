// What the page knows of its server before a sign-in: whether it admits guests, and the time by its clock.

const TOLERANCE_MS = 2000; // a smaller difference may be the network's delay, and the header's whole seconds

export class Server {
  guests = true;
  #offset = 0; // ms to add to the browser's clock

  /** Ask the server; without an answer everything stays as it was. */
  async ask() {
    try {
      const response = await fetch(new URL("settings.json", document.baseURI), { cache: "no-store" });
      const difference = Date.parse(response.headers.get("Date")) - Date.now();
      this.#offset = Math.abs(difference) > TOLERANCE_MS ? difference : 0; // also if a proxy has removed the header
      if (response.ok) this.guests = (await response.json()).guests;
    } catch {
      // the server cannot be reached now
    }
  }

  /** Return the server's time, in ms since 1970. */
  now() {
    return Date.now() + this.#offset;
  }
}
