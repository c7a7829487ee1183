// Errors of requests, and the sentences that the page shows for them.

/** A request that was not carried out: `code` is the protocol's, or `lost` if the connection was lost first. */
export class RequestError extends Error {
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

// Codes for which the page has words of its own; for all others it shows the server's sentence.
const SENTENCES = new Map([
  ["lost", "The server cannot be reached. Try again in a moment."],
  ["name-taken", "This name is taken. Choose another name, or enter the password if this is your account."],
  ["no-such-user", "This person is not online."],
  ["no-such-room", "You are not in this room, or it does not exist. Join it first."],
  ["not-a-member", "You are not in this room. Join it first."],
]);

/** Return the sentence that tells a person what was wrong, and what to do. */
export const describeError = ({ code, message }) => SENTENCES.get(code) ?? toSentence(message);

/** Return what a person reads while the page reconnects; `error` is why the last attempt failed, if one has. */
export function describeReconnect(error) {
  if (error?.code === "name-taken") return "Reconnecting … Your name is still in use.";
  if (error?.code === "slow-down") return `Reconnecting … ${toSentence(error.message)}`;
  return "Connection lost. Reconnecting …";
}

/** Return a text of the server with a capital at its start and a full stop at its end. */
export const toSentence = (text) => endSentence(text.charAt(0).toUpperCase() + text.slice(1));

/** Return a text with a full stop at its end; it may begin with a name. */
export const endSentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
