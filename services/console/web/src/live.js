// live opens the console's server-sent events. The browser connects again by
// itself when the console was away; meanwhile the page says so.
export function live(path, handlers) {
  const note = document.getElementById("connection");
  const source = new EventSource(path);
  source.onopen = () => { note.hidden = true; };
  source.onerror = () => {
    note.textContent = "The console does not answer. Trying again…";
    note.hidden = false;
    // A refusal, such as of a session that is over, ends the stream for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (e) => handle(JSON.parse(e.data)));
  }
  return source;
}
