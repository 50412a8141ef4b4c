// What every page of the console does in the browser.
import { live } from "./live.js";
import { flow } from "./flow.js";
import { hashOnSubmit } from "./search.js";

const page = document.body.dataset.page;

// Times are written in the reader's own zone.
for (const t of document.querySelectorAll("time[datetime]")) t.title = new Date(t.dateTime).toLocaleString();

if (page === "flow") flow();
if (page === "sagas") hashOnSubmit(document.getElementById("search"));

// The page of a saga is made anew on the server when the saga has gone on; what
// the reader has opened stays open.
const saga = document.getElementById("saga");

async function renew() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("saga");
  for (const { id } of saga.querySelectorAll("li:has(details[open])")) {
    fresh.querySelector(`#${CSS.escape(id)} details`)?.setAttribute("open", "");
  }
  saga.dataset.sequence = fresh.dataset.sequence;
  saga.replaceChildren(...fresh.childNodes);
}

if (saga) {
  let done = Promise.resolve(); // one renewal at a time, so that the last one shows the latest
  const watch = live(`${location.pathname}/steps`, {
    steps: ({ sequence }) => {
      done = done.then(() => (sequence > saga.dataset.sequence ? renew() : undefined)).catch(() => {});
    },
  });
  addEventListener("pagehide", () => watch.close());
}

// What needs a script cannot be used before it is here.
const all = document.getElementById("all");
if (all) {
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll('input[name="letter"]')) box.checked = all.checked;
  });
  all.disabled = false;
}
