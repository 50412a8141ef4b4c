// What every page of the console does in the browser.
import { live } from "./live.js";
import { flow } from "./flow.js";
import { hashOnSubmit } from "./search.js";

const page = document.body.dataset.page;

// Times are written in the reader's own zone.
for (const t of document.querySelectorAll("time[datetime]")) t.title = new Date(t.dateTime).toLocaleString();

if (page === "flow") flow();
if (page === "sagas") hashOnSubmit(document.getElementById("search"));

const saga = document.getElementById("saga");
if (saga) {
  // The page of a saga is made anew on the server each time the saga changes;
  // what the reader has opened stays open.
  const watch = live(new URLSearchParams(saga.dataset), {
    saga: async () => {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const open = [...saga.querySelectorAll("li:has(details[open])")].map((li) => li.id);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("saga");
      for (const id of open) fresh.querySelector(`#${CSS.escape(id)} details`)?.setAttribute("open", "");
      saga.replaceChildren(...fresh.childNodes);
    },
  });
  addEventListener("pagehide", () => watch.close());
}

const all = document.getElementById("all");
all?.addEventListener("change", () => {
  for (const box of document.querySelectorAll('input[name="letter"]')) box.checked = all.checked;
});
