// What Material's own script expects to find: the scope of this site in the storage of the browser, and access
// to it. After the inline script of Material for MkDocs 9.8.1 (MIT, Martin Donath), which the content security
// policy does not allow. Without "use strict" around it: these are globals on purpose.
var __md_scope = new URL(document.currentScript.dataset.base, location);

var __md_hash = (text) => [...text].reduce((hash, c) => (hash << 5) - hash + c.charCodeAt(0), 0);

var __md_get = (key, storage, scope = __md_scope) => {
  try {
    return JSON.parse((storage || localStorage).getItem(`${scope.pathname}.${key}`));
  } catch {
    return null; // no storage: private windows, blocked cookies
  }
};

var __md_set = (key, value, storage, scope = __md_scope) => {
  try {
    (storage || localStorage).setItem(`${scope.pathname}.${key}`, JSON.stringify(value));
  } catch {
    // no storage, or it is full: the choice lasts as long as the page
  }
};
