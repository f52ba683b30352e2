// Replaces the parts of the page that change, when the server says that something has. The page works without it.
"use strict";

const pages = new DOMParser();
let asked = false;

async function refresh() {
  if (asked) return;
  asked = true;
  try {
    const answer = await fetch(location.pathname, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = pages.parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      // what somebody is about to press must not move away under them
      if (next && next.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
        part.replaceWith(document.adoptNode(next));
      }
    }
    document.title = fresh.title;
  } finally {
    asked = false;
  }
}

if (document.querySelector("[data-live]")) {
  new EventSource("/live").addEventListener("change", refresh);
}
