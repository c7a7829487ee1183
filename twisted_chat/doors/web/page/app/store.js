// What outlasts a reload of the tab: who is signed in, where the user is, drafts, and messages that are not acknowledged.
//
// It is stored while the page is hidden or gone, and removed when the page is back: so a tab that is duplicated
// begins anew, and two tabs are never the same client. With site data blocked nothing is kept.

const TAB_KEY = "tab";

/** Return what was kept, once; null if there is nothing. */
export function takeTab() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(TAB_KEY));
    sessionStorage.removeItem(TAB_KEY);
    return kept;
  } catch {
    return null;
  }
}

/** Keep this for the next page of the tab; null removes it. */
export function keepTab(state) {
  try {
    if (state) sessionStorage.setItem(TAB_KEY, JSON.stringify(state));
    else sessionStorage.removeItem(TAB_KEY);
  } catch {
    // blocked or full: the next page begins anew
  }
}

/** Return a setting of this browser, or null. */
export function readSetting(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Store a setting of this browser. */
export function writeSetting(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // blocked: it holds until the page is closed
  }
}
