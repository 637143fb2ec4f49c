// The page Report with a script: photo, suggestions, what is handled already, and sending through the queue, so that it
// works without a connection. Without this script the same form is an ordinary one.
import { keepReport } from "./offline.js";
import { outbox } from "./outbox.js";
import { sending } from "./sending.js";
import { taking } from "./taking.js";

const TYPING_MS = 600;
const ASK_MS_MAX = 1_500;
const CHARS_LEAST = 8;
const REPORTS = "/api/v1/reports/form";
const SIMILAR = "/api/v1/reports/similar?text=";

/** Take over the form of the page. */
export function begin(form) {
  form.dataset.own = "1"; // its button is freed here, not by app.js
  form.noValidate = true;
  const person = document.body.dataset.member;
  const field = form.elements.note;
  const words = form.dataset;
  const photo = taking(form.querySelector("[data-photo]"), person);
  const alike = form.querySelector("[data-alike]");
  const queue = sending();
  let asked = "";
  let timer = null;

  outbox(document.querySelector("[data-outbox]"), (item) => item.url === REPORTS || item.url.endsWith("/join"));
  keepReport().catch(() => {});

  // ------------------------------------------------------------------ suggestions
  form.querySelector("[data-starts]").hidden = false;
  form.querySelectorAll("[data-start]").forEach((one) => {
    one.addEventListener("click", () => {
      const begun = `${one.dataset.start}: `;
      if (!field.value.startsWith(begun)) field.value = begun + field.value;
      field.focus();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });

  // ------------------------------------------------------------------ is it handled already
  async function ask() {
    const text = field.value.trim();
    if (text === asked) return;
    asked = text;
    if (text.length < CHARS_LEAST || navigator.onLine === false) return show([]);
    try {
      const reply = await fetch(SIMILAR + encodeURIComponent(text), { signal: AbortSignal.timeout(ASK_MS_MAX) });
      const items = reply.ok ? (await reply.json()).items : [];
      if (text === field.value.trim()) show(items);
    } catch {
      asked = ""; // no answer is no reason to wait
    }
  }

  function show(items) {
    const shown = alike.querySelector("ul");
    shown.replaceChildren(...items.map(offered));
    alike.hidden = items.length === 0;
  }

  function offered(one) {
    const line = document.createElement("li");
    const said = document.createElement("b");
    said.textContent = one.said;
    const who = document.createElement("p");
    who.className = "small";
    who.textContent = whose(one);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn second";
    button.textContent = words.join;
    button.addEventListener("click", () => send(`/api/v1/cases/${one.case}/join`));
    line.append(said, who, button);
    return line;
  }

  function whose(one) {
    if (one.owner === person) return words.yours;
    return one.owner_name ? words.handled.replace("%(name)s", one.owner_name) : words.nobodys;
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  });

  // ------------------------------------------------------------------ sending
  const trouble = form.querySelector("[data-refused]");

  function refuse(text) {
    trouble.textContent = text;
    trouble.hidden = !text;
  }

  async function send(url) {
    const note = field.value.trim();
    refuse("");
    if (!note && !photo.has()) {
      refuse(words.empty);
      field.focus();
      return;
    }
    if (photo.wasLeftOut()) {
      refuse(words.leftOut);
      return;
    }
    const taken = photo.current();
    const fields = { ...taken?.fields };
    if (url === REPORTS) Object.assign(fields, { note: note || words.seePhoto, urgency: form.elements.urgency.value });
    else fields.note = note;
    try {
      await queue.add(url, fields, taken?.blob || null, taken?.name);
    } catch (error) {
      refuse(error.code === "full" ? words.full : words.unsupported);
      return;
    }
    clearTimeout(timer);
    asked = field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true })); // the draft goes too
    clearTimeout(timer);
    photo.clear();
    show([]);
    form.elements.urgency.value = "today";
    document.querySelector("[data-outbox]").scrollIntoView({ block: "nearest" });
  }

  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    try {
      const known = !alike.hidden; // it was offered: sending says that it is something else
      if (!known) await ask();
      if (!known && !alike.hidden) alike.querySelector("h2").focus();
      else await send(REPORTS);
    } finally {
      busy = false;
    }
  });
}
