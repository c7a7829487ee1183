// Elements from text: nothing that anybody says is ever taken for markup.

export const byId = (id) => document.getElementById(id);

/** A new element: its properties (`class`, `aria-…` and `data-…` as attributes), and its children, texts or elements. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Give a list one child for each item, and leave those alone that are there already, with the focus they may have. */
export function keyed(list, items, key, make, update) {
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  items.forEach((item, index) => {
    const name = String(key(item));
    let child = before.get(name);
    before.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    update(child, item, index);
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
  });
  for (const child of before.values()) child.remove();
}

/** The same text again changes nothing, so that no screen reader reads it twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Call a function once before the next picture is drawn, however often it is asked for; hidden pages draw none. */
export function soon(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const run = () => {
      if (asked) {
        asked = false;
        draw();
      }
    };
    if (document.hidden) setTimeout(run, 50);
    else {
      requestAnimationFrame(run);
      setTimeout(run, 250);
    }
  };
}
