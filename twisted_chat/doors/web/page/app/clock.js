// The server's time, for messages of the page's own: the browser's clock may be wrong.

const TOLERANCE_MS = 2000; // a smaller difference may be the network's delay, and the header's whole seconds

export class ServerClock {
  #offset = 0; // ms to add to the browser's clock

  /** Compare the clocks, by the Date header of a response. */
  async set() {
    try {
      const response = await fetch(document.baseURI, { method: "HEAD", cache: "no-store" });
      const difference = Date.parse(response.headers.get("Date")) - Date.now();
      this.#offset = Math.abs(difference) > TOLERANCE_MS ? difference : 0; // also without the header;
    } catch {
      // a proxy may not pass it on: the browser's clock has to do
    }
  }

  /** Return the server's time, in ms since 1970. */
  now() {
    return Date.now() + this.#offset;
  }
}
