// The search hashes the Id before anything is sent, as the subjects of events
// do: the first 16 bytes of its SHA-256. Not by the browser's own SHA-256, which
// pages that come without TLS from another host do not have.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

export const userHash = (id) => bytesToHex(sha256(utf8ToBytes(id)).subarray(0, 16));

export function hashOnSubmit(form) {
  const id = form.querySelector("#search-id");
  form.addEventListener("submit", () => {
    if (id.value) form.elements.user.value = userHash(id.value);
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true; // a short address
  });
  id.disabled = false; // it was not to be used before
  addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
}
