// DOM helpers. Texts of users only ever become text nodes, never markup.

export const byId = (id) => document.getElementById(id);

/** Create an element. Property names with a hyphen, and `class`, are set as attributes; children are texts or elements. */
export function create(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/**
 * Give a list one child for each item, in the order of the items. A child whose key is still there is kept,
 * together with the focus that it may have, and updated; missing children are created, others are removed.
 */
export function updateList(list, items, { rowKey, createRow, updateRow = () => {} }) {
  const previous = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let next = list.firstElementChild;
  for (const item of items) {
    const key = String(rowKey(item));
    let child = previous.get(key);
    previous.delete(key);
    if (!child) {
      child = createRow(item);
      child.dataset.key = key;
    }
    updateRow(child, item);
    if (child === next) next = next.nextElementSibling;
    else list.insertBefore(child, next);
  }
  for (const child of previous.values()) child.remove();
}

/** Set a text only if it differs, so that a screen reader does not read it twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return a function that calls `draw` once before the next frame, however often it is called itself. */
export function oncePerFrame(draw) {
  let isScheduled = false;
  const run = () => {
    if (!isScheduled) return;
    isScheduled = false;
    draw();
  };
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    // browsers draw no frames of a hidden page, and may delay those of a covered one
    if (document.hidden) {
      setTimeout(run, 50);
    } else {
      requestAnimationFrame(run);
      setTimeout(run, 250);
    }
  };
}
