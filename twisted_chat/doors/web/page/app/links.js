// Find the links in a text, by the rules of GitHub's autolinks (GFM, "Autolinks (extension)") and of linkify-it:
// a link begins with http://, https:// or www., and ends before white space, quotes and the punctuation of the sentence
// around it; closing brackets belong to it if they were opened in it. So do none of the East Asian punctuation marks.

const CANDIDATE = /(?<![\w/.@-])(?:https?:\/\/|www\.)[^\s<>"`\u0000-\u001f\u007f-\u009f\u2018\u201c\u201d\u201e\u00ab\u00bb\u3000-\u3003\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b\uff5d\uff5c\uff61-\uff64\ufe30-\ufe4f]+/giu;
const SENTENCE_MARKS = new Set(".,;:!?'*_~\u2019\u2026\u203a\u060c\u061b\u061f\u06d4\u0964([{");
const OPENING = new Map([
  [")", "("],
  ["]", "["],
  ["}", "{"],
]);

/** Return the text's parts in order: texts, and `{ text, url }` for each link. */
export function splitLinks(text) {
  const parts = [];
  let end = 0;
  for (const { 0: candidate, index } of text.matchAll(CANDIDATE)) {
    if (index < end) continue;
    const link = cutEnd(candidate);
    const url = toUrl(link);
    if (!url) continue;
    if (index > end) parts.push(text.slice(end, index));
    parts.push({ text: link, url });
    end = index + link.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** Remove from the end what belongs to the sentence around a link. */
function cutEnd(link) {
  const counts = new Map();
  for (const sign of link) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  let end = link.length;
  for (; end; end -= 1) {
    const last = link[end - 1];
    const isUnopened = OPENING.has(last) && counts.get(last) > (counts.get(OPENING.get(last)) ?? 0);
    if (!isUnopened && !SENTENCE_MARKS.has(last)) break;
    counts.set(last, counts.get(last) - 1);
  }
  return link.slice(0, end);
}

/** Return the address for a link's text, or null if it has no host that can exist. */
function toUrl(link) {
  try {
    const url = new URL(/^www\./i.test(link) ? `http://${link}` : link);
    const isName = /^www\./i.test(link) ? /^www\.[^.]+\.[^.]+/i.test(url.hostname) : Boolean(url.hostname);
    return isName ? url.href : null;
  } catch {
    return null;
  }
}
